//! How things look in answers. In JSON sizes are numbers of bytes and times are RFC 3339, so that scripts need not guess.

use std::str::FromStr;

use essaim_accounts::{AppPassword, Departure, Details, FormerAddress, Quota, SharedAddress, Summary};
use essaim_types::{AccountId, ByteSize, ListingId, Timestamp};
use serde::{Deserialize, Serialize};

/// An account in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccountView {
    pub(crate) account: AccountId,
    pub(crate) address: String,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) used_bytes: u64,
    /// Absent: no limit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) quota_bytes: Option<u64>,
    pub(crate) created: String,
}

/// Everything about an account but its content and its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DetailsView {
    #[serde(flatten)]
    pub(crate) account: AccountView,
    pub(crate) language: String,
    /// Its own, the primary one first.
    pub(crate) addresses: Vec<String>,
    /// Shared ones and catch-alls whose mail it gets.
    pub(crate) shared: Vec<SharedView>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) password: Option<PasswordView>,
    pub(crate) app_passwords: Vec<AppPasswordView>,
    /// What its log says; absent if it is from before there were logs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) log: Option<LogView>,
    /// Where it lives now, if it has moved away.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) moved: Option<MovedView>,
    /// Addresses that it had at hosters from which it came.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) came_from: Vec<FormerView>,
}

/// An account that has moved away, as the old hoster knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MovedView {
    /// The domain of the new hoster.
    pub(crate) to: String,
    /// The member's address there, once that hoster has said it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) address: Option<String>,
    pub(crate) at: String,
    /// Until when mail programs and mail are led there.
    pub(crate) leads_on_until: String,
}

/// An address at another hoster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FormerView {
    pub(crate) address: String,
    pub(crate) hoster: ListingId,
    pub(crate) until: String,
}

/// What the log of an account says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogView {
    /// How often it has changed its hoster.
    pub(crate) epoch: u32,
    /// The number of the last entry.
    pub(crate) seq: u64,
    /// Whether the member has words on paper.
    pub(crate) kit: bool,
    /// Who serves it.
    pub(crate) host: ListingId,
    /// Whether that is this node, with the key for it.
    pub(crate) hosted_here: bool,
}

/// An address of several accounts, or a catch-all written `@domain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SharedView {
    pub(crate) address: String,
    pub(crate) accounts: Vec<AccountId>,
}

/// What is shown of a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PasswordView {
    /// The node made it up: it should be changed.
    pub(crate) generated: bool,
    pub(crate) created: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) last_used: Option<String>,
}

/// What is shown of an app password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AppPasswordView {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) created: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) last_used: Option<String>,
}

/// The answer of a change that has nothing to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Done {
    /// What was done, for people.
    pub(crate) done: String,
}

impl AccountView {
    /// How full it is, for people.
    pub(crate) fn usage(&self) -> String {
        match self.quota_bytes {
            Some(quota) => format!("{} of {}", size(self.used_bytes), size(quota)),
            None => size(self.used_bytes),
        }
    }
}

impl From<Summary> for AccountView {
    fn from(summary: Summary) -> Self {
        Self {
            account: summary.account,
            address: summary.address.to_string(),
            name: summary.display_name.to_string(),
            state: summary.state.to_string(),
            used_bytes: summary.used.0,
            quota_bytes: summary.quota.map(|quota| quota.0),
            created: time(summary.created),
        }
    }
}

impl From<Details> for DetailsView {
    fn from(details: Details) -> Self {
        Self {
            account: details.summary.into(),
            language: details.language.to_string(),
            addresses: details.addresses.iter().map(ToString::to_string).collect(),
            shared: details.shared.into_iter().map(SharedView::from).collect(),
            password: details.password.map(|password| PasswordView {
                generated: password.generated,
                created: time(password.created),
                last_used: password.last_used.map(time),
            }),
            app_passwords: details.app_passwords.into_iter().map(AppPasswordView::from).collect(),
            log: details.identity.map(|identity| LogView {
                epoch: identity.entry.epoch.0,
                seq: identity.entry.seq.0,
                kit: identity.entry.next_recovery.is_some(),
                host: identity.entry.host.listing,
                hosted_here: identity.hosted_here,
            }),
            moved: None,
            came_from: Vec::new(),
        }
    }
}

impl From<Departure> for MovedView {
    fn from(departure: Departure) -> Self {
        Self {
            to: departure.to,
            address: departure.address.map(|address| address.to_string()),
            at: time(departure.moved),
            leads_on_until: time(departure.until),
        }
    }
}

impl From<FormerAddress> for FormerView {
    fn from(former: FormerAddress) -> Self {
        Self { address: former.address.to_string(), hoster: former.listing, until: time(former.since) }
    }
}

impl MovedView {
    /// In a sentence.
    pub(crate) fn text(&self) -> String {
        let known_as = self.address.as_ref().map(|address| format!(", as {address}")).unwrap_or_default();
        let until = readable_time(&self.leads_on_until);
        format!("to {}{known_as}; mail programs that still come here are led there until {until}", self.to)
    }
}

impl From<SharedAddress> for SharedView {
    fn from(SharedAddress { address, accounts }: SharedAddress) -> Self {
        Self { address, accounts }
    }
}

impl From<AppPassword> for AppPasswordView {
    fn from(app: AppPassword) -> Self {
        Self { id: app.id.0, name: app.name, created: time(app.created), last_used: app.last_used.map(time) }
    }
}

impl Done {
    pub(crate) fn new(done: impl Into<String>) -> Self {
        Self { done: done.into() }
    }
}

/// RFC 3339, to the second, in UTC.
pub(crate) fn time(timestamp: Timestamp) -> String {
    match jiff::Timestamp::from_second(timestamp.seconds()) {
        Ok(time) => time.to_string(),
        Err(_) => format!("{} ms", timestamp.0),
    }
}

/// The same for people, who do not need the letters.
pub(crate) fn readable_time(text: &str) -> String {
    text.replace('T', " ").trim_end_matches('Z').to_owned()
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A size with three figures or so, for people.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut scaled = bytes;
    let mut rest = 0;
    while scaled >= 1024 && unit + 1 < UNITS.len() {
        rest = scaled % 1024;
        scaled /= 1024;
        unit += 1;
    }
    let name = UNITS.get(unit).unwrap_or(&"B");
    if unit > 0 && scaled < 10 && rest > 0 {
        format!("{scaled}.{} {name}", rest * 10 / 1024)
    } else {
        format!("{scaled} {name}")
    }
}

/// How much an account may hold, as a person writes it: a size, or "none".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Space {
    Unlimited,
    Bytes(u64),
}

impl FromStr for Space {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" | "unlimited" | "0" => Ok(Self::Unlimited),
            text => match text.parse() {
                Ok(ByteSize(bytes)) => Ok(Self::Bytes(bytes)),
                Err(error) => Err(format!("{error}, or \"none\"")),
            },
        }
    }
}

impl From<Space> for Quota {
    fn from(space: Space) -> Self {
        match space {
            Space::Unlimited => Self::Unlimited,
            Space::Bytes(bytes) => Self::Bytes(ByteSize(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in
            [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (25 << 20, "25 MiB"), (10 << 30, "10 GiB")]
        {
            assert_eq!(size(bytes), text);
        }
        assert_eq!(size(u64::MAX), "16777215 TiB");
    }

    #[test]
    fn times_are_rfc_3339() {
        assert_eq!(time(Timestamp(1_700_000_000_999)), "2023-11-14T22:13:20Z");
        assert_eq!(readable_time("2023-11-14T22:13:20Z"), "2023-11-14 22:13:20");
    }

    #[test]
    fn a_quota_is_a_size_or_none() {
        assert_eq!("5 GiB".parse(), Ok(Space::Bytes(5 << 30)));
        assert_eq!("none".parse(), Ok(Space::Unlimited));
        assert!("much".parse::<Space>().is_err());
    }
}
