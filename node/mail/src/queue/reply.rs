//! What came of an attempt for one recipient, and why. RFC 3463.

use essaim_smtp::EnhancedStatus;
use serde::{Deserialize, Serialize};

use super::course::Heading;

/// What was said about a recipient, by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// RFC 3463: what DSNs and the command line show, and what programs read.
    #[serde(with = "status")]
    pub status: EnhancedStatus,
    /// The remote host's reply with its code, or what went wrong here.
    pub text: String,
    /// The remote host that said it; absent if it was found out here.
    pub remote: Option<String>,
}

/// What came of an attempt for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The remote host has taken the message.
    Delivered(Diagnosis),
    /// Not now: try again.
    Deferred(Diagnosis),
    /// Never: give up.
    Refused(Diagnosis),
    /// It is tried elsewhere, at once; and why, for those that were sent elsewhere too often.
    Elsewhere(Heading, Diagnosis),
    /// Nothing was said about this recipient.
    NotTried,
}

impl Diagnosis {
    /// What was found out here.
    pub fn local(status: EnhancedStatus, text: impl Into<String>) -> Self {
        Self { status, text: shorten(text.into()), remote: None }
    }

    /// What a remote host said, as it said it.
    pub fn remote(host: &str, status: EnhancedStatus, reply: impl Into<String>) -> Self {
        Self { status, text: shorten(reply.into()), remote: Some(shorten(host.to_owned())) }
    }

    /// The same, not final: for what is about a host or a connection and not about the message.
    #[must_use]
    pub fn temporary(self) -> Self {
        Self { status: with_class(4, self.status), ..self }
    }

    /// The same, final because the message is too old. What was wrong says more than "expired" (X.4.7): 4.4.1 becomes 5.4.1.
    pub(super) fn expired(self) -> Self {
        let is_unspecified = self.status.to_string().ends_with(".0.0");
        let status = if is_unspecified { EnhancedStatus::new(5, 4, 7) } else { None };
        Self { status: status.unwrap_or_else(|| with_class(5, self.status)), ..self }
    }

    pub(super) fn never_tried() -> Self {
        Self::local(unspecified(4), "the message waited too long for its turn")
    }
}

fn unspecified(class: u8) -> EnhancedStatus {
    EnhancedStatus::new(class, 0, 0).expect("4.0.0 and 5.0.0 are statuses")
}

/// The same subject and detail in class 4 or 5.
fn with_class(class: u8, status: EnhancedStatus) -> EnhancedStatus {
    let text = status.to_string();
    let rest = text.split_once('.').map_or("0.0", |(_, rest)| rest);
    format!("{class}.{rest}").parse().unwrap_or_else(|_| unspecified(class))
}

/// One line of printable text, at most [`TEXT_MAX`] bytes: strangers write it, and it is stored for each recipient.
fn shorten(text: String) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let mut short = String::with_capacity(text.len().min(TEXT_MAX));
    for c in text.chars().map(clean) {
        if short.len() + c.len_utf8() > TEXT_MAX {
            break;
        }
        short.push(c);
    }
    short
}

mod status {
    use essaim_smtp::EnhancedStatus;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(
        status: &EnhancedStatus,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(status)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<EnhancedStatus, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

const TEXT_MAX: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    fn status(text: &str) -> EnhancedStatus {
        text.parse().unwrap()
    }

    #[test]
    fn an_expired_reason_keeps_what_it_was_about() {
        let expired = |text| Diagnosis::local(status(text), "x").expired().status.to_string();
        assert_eq!(expired("4.4.1"), "5.4.1");
        assert_eq!(expired("4.0.0"), "5.4.7");
        let refused = Diagnosis::remote("mx.test", status("5.7.1"), "554 5.7.1 go away");
        assert_eq!(refused.temporary().status.to_string(), "4.7.1");
    }

    #[test]
    fn what_strangers_say_is_one_short_line() {
        let text = format!("{}\r\nSubject: é", "é".repeat(600));
        let long = Diagnosis::remote("mx.test", status("5.1.1"), text);
        assert!(long.text.len() <= TEXT_MAX && !long.text.contains(['\r', '\n']));
        let bytes = postcard::to_allocvec(&long).unwrap();
        assert_eq!(postcard::from_bytes::<Diagnosis>(&bytes).unwrap(), long);
    }
}
