//! `essaim.toml`: the types of its sections. Reading, checking and explaining are in the modules below.
//!
//! `node/essaim.toml` is the documentation; a test keeps it, these types and their defaults the same.

mod check;
mod describe;
mod document;
mod edit;
mod environment;
mod ip_range;
mod load;
mod problem;
mod schema;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use essaim_accounts::AccountsConfig;
use essaim_mail::queue::QueueConfig;
use essaim_network::NetworkConfig;
use essaim_types::{Address, ByteSize, Domain};
use serde::{Deserialize, Deserializer, Serialize};

pub(crate) use check::{Finding, Severity, check};
pub(crate) use describe::{KeyDescription, describe};
pub(crate) use edit::Text;
pub(crate) use ip_range::IpRange;
pub(crate) use load::{Loaded, load};
pub(crate) use problem::{ConfigError, Problem};

/// Everything that an operator decides. The default is a node to try out on one machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Where the node keeps everything that it must not lose.
    pub(crate) data_dir: PathBuf,
    pub(crate) hoster: HosterConfig,
    pub(crate) tls: TlsConfig,
    pub(crate) listen: ListenConfig,
    pub(crate) mail: MailConfig,
    pub(crate) accounts: AccountsConfig,
    pub(crate) network: NetworkConfig,
    pub(crate) backup: BackupConfig,
    pub(crate) limits: LimitsConfig,
}

/// Who runs this node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct HosterConfig {
    pub(crate) domain: Domain,
    pub(crate) domains: Vec<Domain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hostname: Option<Domain>,
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contact: Option<Address>,
    pub(crate) language: Language,
}

/// The languages in which the node writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Language {
    En,
    Fr,
    Nl,
}

/// How connections are encrypted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TlsConfig {
    pub(crate) mode: TlsMode,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cert: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<PathBuf>,
}

/// Where the certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TlsMode {
    #[default]
    SelfSigned,
    Files,
    Off,
}

/// Where the node listens; `None`: not started. [`Config::default`] has [`ListenConfig::local`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ListenConfig {
    #[serde(deserialize_with = "address_or_off", skip_serializing_if = "Option::is_none")]
    pub(crate) http: Option<SocketAddr>,
    #[serde(deserialize_with = "address_or_off", skip_serializing_if = "Option::is_none")]
    pub(crate) https: Option<SocketAddr>,
    #[serde(deserialize_with = "address_or_off", skip_serializing_if = "Option::is_none")]
    pub(crate) smtp: Option<SocketAddr>,
    #[serde(deserialize_with = "address_or_off", skip_serializing_if = "Option::is_none")]
    pub(crate) submission: Option<SocketAddr>,
    #[serde(deserialize_with = "address_or_off", skip_serializing_if = "Option::is_none")]
    pub(crate) submissions: Option<SocketAddr>,
    #[serde(deserialize_with = "address_or_off", skip_serializing_if = "Option::is_none")]
    pub(crate) imap: Option<SocketAddr>,
    #[serde(deserialize_with = "address_or_off", skip_serializing_if = "Option::is_none")]
    pub(crate) imaps: Option<SocketAddr>,
    #[serde(deserialize_with = "address_or_off", skip_serializing_if = "Option::is_none")]
    pub(crate) peer: Option<SocketAddr>,
}

/// Mail in and out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MailConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) relay: Option<HostPort>,
    pub(crate) relay_tls: RelayTls,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) relay_user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) relay_password_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) routes: BTreeMap<Domain, HostPort>,
    pub(crate) max_message_size: ByteSize,
    pub(crate) max_received_headers: u32,
    pub(crate) max_mailboxes: u32,
    pub(crate) login_without_tls: LoginWithoutTls,
    pub(crate) queue: QueueConfig,
}

/// A machine by name or address, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostPort {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// How the connection to the smart host is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RelayTls {
    Starttls,
    Tls,
    Off,
}

/// Who may send a password in clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LoginWithoutTls {
    Never,
    Loopback,
}

/// Backups at peers: nothing to configure yet.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BackupConfig {}

/// Every bound, by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LimitsConfig {
    pub(crate) connections_per_listener: usize,
    pub(crate) connections_per_network: usize,
    pub(crate) connections_per_minute: u32,
    pub(crate) messages_per_minute: u32,
    pub(crate) exempt_networks: Vec<IpRange>,
    #[serde(with = "humantime_serde")]
    pub(crate) handshake_timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub(crate) write_timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub(crate) smtp_timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub(crate) imap_timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub(crate) imap_login_timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub(crate) http_timeout: Duration,
    pub(crate) recipients_per_message: usize,
    pub(crate) recipients_per_hour: u32,
    pub(crate) mail_streams: usize,
    pub(crate) mail_streams_per_hoster: usize,
    pub(crate) led_sessions: usize,
    pub(crate) led_sessions_per_hoster: usize,
    pub(crate) replica_bytes_per_hoster: ByteSize,
    pub(crate) store_cache: ByteSize,
    pub(crate) disk_reserve: ByteSize,
    #[serde(with = "humantime_serde")]
    pub(crate) shutdown_timeout: Duration,
}

impl Config {
    /// The store, the certificate and the socket are below the data directory.
    pub(crate) fn store_dir(&self) -> PathBuf {
        self.data_dir.join("store")
    }
}

impl From<Language> for essaim_web::Language {
    fn from(language: Language) -> Self {
        match language {
            Language::En => Self::English,
            Language::Fr => Self::French,
            Language::Nl => Self::Dutch,
        }
    }
}

impl From<Language> for essaim_smtp::bounce::Language {
    fn from(language: Language) -> Self {
        match language {
            Language::En => Self::English,
            Language::Fr => Self::French,
            Language::Nl => Self::Dutch,
        }
    }
}

impl MailConfig {
    /// The part that the rules of mail need.
    pub(crate) fn rules(&self) -> essaim_mail::MailConfig {
        essaim_mail::MailConfig {
            max_message_size: self.max_message_size,
            max_received_headers: self.max_received_headers,
            max_mailboxes: self.max_mailboxes,
        }
    }
}

impl Language {
    /// ISO 639.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
            Self::Nl => "nl",
        }
    }
}

impl HosterConfig {
    /// The name of this machine in greetings and certificates.
    pub(crate) fn hostname(&self) -> &Domain {
        self.hostname.as_ref().unwrap_or(&self.domain)
    }

    /// Every domain whose mail is received here.
    pub(crate) fn all_domains(&self) -> impl Iterator<Item = &Domain> {
        std::iter::once(&self.domain).chain(&self.domains)
    }
}

impl ListenConfig {
    /// High ports of this machine only.
    pub(crate) fn local() -> Self {
        let local = |port| Some(SocketAddr::from(([127, 0, 0, 1], port)));
        Self {
            http: local(8080),
            https: local(8443),
            smtp: local(2525),
            submission: local(2587),
            submissions: local(2465),
            imap: local(2143),
            imaps: local(2993),
            peer: local(4001),
        }
    }

    /// The listeners with their names in the file.
    pub(crate) fn by_name(&self) -> [(&'static str, Option<SocketAddr>); 8] {
        [
            ("http", self.http),
            ("https", self.https),
            ("smtp", self.smtp),
            ("submission", self.submission),
            ("submissions", self.submissions),
            ("imap", self.imap),
            ("imaps", self.imaps),
            ("peer", self.peer),
        ]
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from(DATA_DIR),
            hoster: HosterConfig::default(),
            tls: TlsConfig::default(),
            listen: ListenConfig::local(),
            mail: MailConfig::default(),
            accounts: AccountsConfig::default(),
            network: NetworkConfig::default(),
            backup: BackupConfig::default(),
            limits: LimitsConfig::default(),
        }
    }
}

impl Default for HosterConfig {
    fn default() -> Self {
        Self {
            domain: Domain::new(LOCAL_DOMAIN).expect("the local domain is a domain"),
            domains: Vec::new(),
            hostname: None,
            name: "Essaim".to_owned(),
            contact: None,
            language: Language::En,
        }
    }
}

impl Default for MailConfig {
    fn default() -> Self {
        let rules = essaim_mail::MailConfig::default();
        Self {
            relay: None,
            relay_tls: RelayTls::Starttls,
            relay_user: None,
            relay_password_file: None,
            routes: BTreeMap::new(),
            max_message_size: rules.max_message_size,
            max_received_headers: rules.max_received_headers,
            max_mailboxes: rules.max_mailboxes,
            login_without_tls: LoginWithoutTls::Never,
            queue: QueueConfig::default(),
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            connections_per_listener: 1000,
            connections_per_network: 50,
            connections_per_minute: 300,
            messages_per_minute: 600,
            exempt_networks: ["127.0.0.0/8", "::1"]
                .map(|range| range.parse().expect("loopback is a range"))
                .into(),
            handshake_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(60),
            smtp_timeout: Duration::from_secs(5 * 60),
            imap_timeout: Duration::from_secs(30 * 60),
            imap_login_timeout: Duration::from_secs(60),
            http_timeout: Duration::from_secs(30),
            recipients_per_message: 1000,
            recipients_per_hour: 1000,
            mail_streams: 64,
            mail_streams_per_hoster: 8,
            led_sessions: 256,
            led_sessions_per_hoster: 64,
            replica_bytes_per_hoster: ByteSize(10 << 30),
            store_cache: ByteSize::mib(32),
            disk_reserve: ByteSize::mib(64),
            shutdown_timeout: Duration::from_secs(10),
        }
    }
}

impl std::str::FromStr for HostPort {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is not \"host:port\"; write for example \"smtp.provider.example:587\"");
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = port.parse().map_err(|_| wrong())?;
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl std::fmt::Display for HostPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bracket = self.host.contains(':');
        let (open, close) = if bracket { ("[", "]") } else { ("", "") };
        write!(f, "{open}{}{close}:{}", self.host, self.port)
    }
}

impl Serialize for HostPort {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HostPort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

fn address_or_off<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text == "off" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        serde::de::Error::custom(format_args!(
            "{text:?} is not an address with a port; write for example \"127.0.0.1:2525\", \"[::]:25\", or \"off\""
        ))
    })
}

/// Where the data is when nothing says otherwise.
pub(crate) const DATA_DIR: &str = "./essaim-data";
/// RFC 6761 section 6.3: always this machine, never in the DNS.
pub(crate) const LOCAL_DOMAIN: &str = "essaim.localhost";
