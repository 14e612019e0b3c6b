//! The short names that travel: topics, services, purposes.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A name that is too long, empty, or of other characters than `a-z 0-9 - _ . /`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a name of 1 to {LABEL_MAX} characters a-z, 0-9, '-', '_', '.', '/'")]
pub struct LabelError(String);

macro_rules! label {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = LabelError;

            fn from_str(text: &str) -> Result<Self, LabelError> {
                check(text).map(|text| Self(text.into()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

label! {
    /// What gossip is about, for example `changes`. On the wire it is `/essaim/1/changes`.
    Topic
}
label! {
    /// Who answers a request, for example `sync/1`.
    Service
}
label! {
    /// What a bulk stream is for, for example `mail`, `move` or `backup`.
    Purpose
}

fn check(text: &str) -> Result<&str, LabelError> {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/');
    if (1..=LABEL_MAX).contains(&text.len()) && text.bytes().all(allowed) {
        return Ok(text);
    }
    Err(LabelError(text.chars().take(LABEL_MAX).collect()))
}

/// Bytes of a name. Fits the one byte that says its length.
pub(crate) const LABEL_MAX: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        assert_eq!("sync/1".parse::<Service>().map(|name| name.to_string()), Ok("sync/1".to_owned()));
        for text in ["", "Sync", "a b", "é", "a\0", &"a".repeat(LABEL_MAX + 1)] {
            assert!(text.parse::<Topic>().is_err(), "{text}");
        }
    }
}
