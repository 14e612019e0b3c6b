//! What one hoster's node saw of another from outside, signed by the node that looked: a node cannot see itself.
//!
//! Observations are not gossiped. Who looked keeps what it saw, who was looked at keeps what it was told, and whoever wants to know
//! asks. Here: the question, the record, and what makes them worth reading. How one looks is the caller's.

mod door;
mod text;

use std::net::IpAddr;
use std::time::Duration;

use essaim_identity::cbor::{Bounded, CborError};
use essaim_identity::keyring::Role;
use essaim_identity::{BadSignature, Keyring, PublicKey, Record, Signed, Unverified};
use essaim_types::{Domain, ListingId, Timestamp};
use minicbor::{Decode, Encode};
use serde::Serialize;

pub use door::{Door, Service};
pub use text::Text;

/// "Look at me": what a node asks of another.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Question {
    /// The asker's clock.
    #[cbor(n(0), with = "essaim_identity::cbor::with::timestamp")]
    pub time: Timestamp,
    /// The name of the asker's host, if it has one beside what the MX records name: its domain, or below it.
    #[cbor(n(1), with = "essaim_identity::cbor::with::maybe_domain", has_nil)]
    pub host: Option<Domain>,
    /// What shall be looked at, each service once, in order.
    #[n(2)]
    pub doors: Vec<Door>,
    /// At whom: the asker's hoster, which names the asker's key as its node's. Others may name that key too, and nobody can keep them from it.
    #[cbor(n(3), with = "essaim_identity::cbor::with::listing")]
    pub listing: ListingId,
}

/// What a node saw of another hoster.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
#[cbor(map)]
pub struct Observation {
    /// Who looked.
    #[cbor(n(0), with = "essaim_identity::cbor::with::listing")]
    pub observer: ListingId,
    /// The key of its node, which signs.
    #[n(1)]
    #[serde(serialize_with = "as_text")]
    pub key: PublicKey,
    /// At whom.
    #[cbor(n(2), with = "essaim_identity::cbor::with::listing")]
    pub subject: ListingId,
    /// When it had seen everything, by the observer's clock.
    #[cbor(n(3), with = "essaim_identity::cbor::with::timestamp")]
    pub time: Timestamp,
    /// The domain that the subject's keyring named then.
    #[cbor(n(4), with = "essaim_identity::cbor::with::domain")]
    pub domain: Domain,
    /// What was to be looked at.
    #[n(5)]
    pub asked: Vec<Door>,
    /// What the DNS says of mail.
    #[n(6)]
    pub mail: MailNames,
    /// The hosts that were looked at: the first MX hosts, then the subject's own host.
    #[n(7)]
    pub hosts: Vec<Host>,
    /// What was found there.
    #[n(8)]
    pub sights: Vec<Sight>,
    /// Milliseconds that the asker's clock is ahead of the observer's, for who asked to be looked at. Exact to a second or so.
    #[n(9)]
    pub clock_ahead: Option<i64>,
}

/// What the DNS says of a domain's mail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode, Serialize)]
#[cbor(map)]
pub struct MailNames {
    /// The MX records: preference and host; empty for the null MX.
    #[n(0)]
    pub mx: Vec<(u16, Text)>,
    /// The TXT records that begin with `v=spf1` (RFC 7208): more than one is an error of the domain.
    #[n(1)]
    pub spf: Vec<Text>,
    /// The record at `_dmarc.` (RFC 7489).
    #[n(2)]
    pub dmarc: Vec<Text>,
    /// The DNS did not answer some of these questions: what is absent may be there.
    #[n(3)]
    pub silent: bool,
}

/// A host and its addresses.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
#[cbor(map)]
pub struct Host {
    /// Its name.
    #[n(0)]
    pub name: Text,
    /// Its addresses in the DNS.
    #[n(1)]
    pub addresses: Vec<HostAddress>,
    /// The DNS did not answer for one of the families.
    #[n(2)]
    pub silent: bool,
}

/// One address of a host.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
#[cbor(map)]
pub struct HostAddress {
    /// The address.
    #[cbor(n(0), with = "door::ip")]
    pub ip: IpAddr,
    /// Whether the observer may connect to it: it is on the internet, and one of the first of its family.
    #[n(1)]
    pub looked_at: bool,
    /// The name that its PTR record gives, if it has one.
    #[n(2)]
    pub reverse: Option<Text>,
    /// Whether that name has this address.
    #[n(3)]
    pub confirmed: bool,
}

/// One door at one address.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
#[cbor(map)]
pub struct Sight {
    /// Which host, by its place in `hosts`.
    #[n(0)]
    pub host: u8,
    /// Its address.
    #[cbor(n(1), with = "door::ip")]
    pub ip: IpAddr,
    /// Service and port.
    #[n(2)]
    pub door: Door,
    /// How far one gets.
    #[n(3)]
    pub reach: Reach,
    /// What the other side said first, or last if it said no.
    #[n(4)]
    pub said: Option<Text>,
    /// TLS, if it came to that.
    #[n(5)]
    pub tls: Option<Tls>,
    /// The reply to `RCPT TO:<postmaster@domain>`, on port 25.
    #[n(6)]
    pub postmaster: Option<u16>,
    /// How long it took, in milliseconds.
    #[n(7)]
    pub milliseconds: u32,
}

/// How far one gets at a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
#[cbor(index_only)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// It speaks what it should.
    #[n(0)]
    Answers,
    /// It is open, and does not speak what it should.
    #[n(1)]
    Strange,
    /// It is closed: the host says no.
    #[n(2)]
    Closed,
    /// Nobody answers: a firewall, or no host.
    #[n(3)]
    Silent,
    /// The observer has no way to such an address: it may have no IPv6.
    #[n(4)]
    NoRoute,
}

/// What TLS came to.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
#[cbor(map)]
pub struct Tls {
    /// What is to be thought of it.
    #[n(0)]
    pub verdict: TlsVerdict,
    /// When the certificate ends, in seconds since 1970.
    #[n(1)]
    pub ends: Option<i64>,
    /// Who issued it.
    #[n(2)]
    pub issuer: Option<Text>,
}

/// What is to be thought of a certificate, by the name of the host and the authorities that browsers trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
#[cbor(index_only)]
#[serde(rename_all = "kebab-case")]
pub enum TlsVerdict {
    /// A public authority issued it for the host, and it is of these days.
    #[n(0)]
    Trusted,
    /// No public authority issued it, or the chain is not whole.
    #[n(1)]
    UnknownIssuer,
    /// It has ended, or has not begun.
    #[n(2)]
    OutOfDate,
    /// It is for another name.
    #[n(3)]
    OtherName,
    /// It cannot be used for another reason.
    #[n(4)]
    Unusable,
    /// There is no TLS where there should be.
    #[n(5)]
    Absent,
    /// The handshake failed.
    #[n(6)]
    Failed,
}

/// Why an observation is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not an observation.
    #[error("not an observation")]
    Content(#[from] CborError),
    /// Its node did not sign it.
    #[error("the observation is not genuine")]
    Signature(#[from] BadSignature),
    /// More than there may be of something.
    #[error("the observation has too many {0}")]
    TooMany(&'static str),
    /// It names what is not in it.
    #[error("the observation contradicts itself")]
    Inconsistent,
    /// Older than [`KEPT_FOR`].
    #[error("the observation is too old")]
    Old,
    /// More than ten minutes ahead.
    #[error("the observation is from the future; a clock is wrong")]
    Future,
    /// The hoster that it names as observer does not say that the key is its node's.
    #[error("the observer's hoster does not know the key")]
    Stranger,
}

impl Question {
    /// What a stranger asks.
    ///
    /// # Errors
    /// Not a question, or one with too many or unordered doors.
    pub fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let question: Self = essaim_identity::cbor::decode(bytes)?;
        door::check(&question.doors)?;
        Ok(question)
    }
}

impl Observation {
    /// Reads what is said to be an observation, and checks that its node has signed it and that it is of these weeks. Whether the node
    /// speaks for its hoster, [`Self::vouched_by`] says.
    ///
    /// # Errors
    /// See [`Fault`].
    pub fn read(bytes: &[u8], now: Timestamp) -> Result<Signed<Self>, Fault> {
        let unverified = Unverified::<Self>::parse(bytes)?;
        unverified.claims().check()?;
        let key = unverified.claims().key;
        let signed = unverified.verify(&key)?;
        let time = signed.record().time;
        if now.since(time) > KEPT_FOR {
            return Err(Fault::Old);
        }
        if time.since(now) > CLOCK_SKEW_MAX {
            return Err(Fault::Future);
        }
        Ok(signed)
    }

    /// Whether the observer's hoster says now that the key is its node's.
    ///
    /// # Errors
    /// If not.
    pub fn vouched_by(&self, keyring: &Keyring) -> Result<(), Fault> {
        let ours = keyring.listing() == self.observer && keyring.is_settled();
        (ours && keyring.head().has_role(&self.key, Role::Node)).then_some(()).ok_or(Fault::Stranger)
    }

    /// The sights of one service.
    pub fn of(&self, service: Service) -> impl Iterator<Item = &Sight> {
        self.sights.iter().filter(move |sight| sight.door.service == service)
    }

    /// The host of a sight.
    pub fn host(&self, sight: &Sight) -> Option<&Host> {
        self.hosts.get(usize::from(sight.host))
    }

    fn check(&self) -> Result<(), Fault> {
        door::check(&self.asked)?;
        let addresses = self.hosts.iter().map(|host| host.addresses.len()).max().unwrap_or(0);
        for (what, found, most) in [
            ("MX records", self.mail.mx.len(), MX_MAX),
            ("SPF records", self.mail.spf.len(), TEXTS_MAX),
            ("DMARC records", self.mail.dmarc.len(), TEXTS_MAX),
            ("hosts", self.hosts.len(), HOSTS_MAX),
            ("addresses", addresses, ADDRESSES_MAX),
            ("sights", self.sights.len(), SIGHTS_MAX),
        ] {
            if found > most {
                return Err(Fault::TooMany(what));
            }
        }
        // A sight is of a host that is there, at one of its addresses, of a door that was asked for.
        let fits = |sight: &Sight| {
            let host = self.host(sight);
            let there = host.is_some_and(|host| host.addresses.iter().any(|address| address.ip == sight.ip));
            there && self.asked.contains(&sight.door)
        };
        self.sights.iter().all(fits).then_some(()).ok_or(Fault::Inconsistent)
    }
}

impl Bounded for Question {
    const BYTES_MAX: usize = 512;
    const DEPTH_MAX: usize = 3;
}

impl Bounded for Observation {
    const BYTES_MAX: usize = 24 * 1024;
    const DEPTH_MAX: usize = 5;
}

impl Record for Observation {
    const NAME: &'static str = "observation/1";
}

fn as_text<S: serde::Serializer>(key: &PublicKey, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(key)
}

/// How long an observation says anything.
pub const KEPT_FOR: Duration = Duration::from_secs(30 * 86_400);
/// How long an observation makes a field *probed*: longer than a look is away from the next one in a small federation.
pub const FRESH_FOR: Duration = Duration::from_secs(7 * 86_400);
/// How far ahead an observation may be.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_secs(600);
/// MX records that are told.
pub const MX_MAX: usize = 8;
/// SPF or DMARC records that are told: one more than there may be.
pub const TEXTS_MAX: usize = 2;
/// Hosts that are looked at.
pub const HOSTS_MAX: usize = 3;
/// Addresses of a host that are told.
pub const ADDRESSES_MAX: usize = 4;
/// Sights of one observation.
pub const SIGHTS_MAX: usize = 24;
