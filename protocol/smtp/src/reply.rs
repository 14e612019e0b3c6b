//! Replies as this server writes them (RFC 5321 section 4.2), and enhanced status codes (RFC 3463).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use bytes::{BufMut, BytesMut};

/// `class.subject.detail`, RFC 3463.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnhancedStatus {
    class: u8,
    subject: u16,
    detail: u16,
}

/// Text that is not an enhanced status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an enhanced status code such as 5.1.1")]
pub struct ParseStatusError;

impl EnhancedStatus {
    /// `None` unless the class is 2, 4 or 5 and the other two have at most three digits.
    pub const fn new(class: u8, subject: u16, detail: u16) -> Option<Self> {
        if matches!(class, 2 | 4 | 5) && subject <= 999 && detail <= 999 {
            Some(Self { class, subject, detail })
        } else {
            None
        }
    }

    /// 2 success, 4 temporary, 5 permanent.
    pub fn class(self) -> u8 {
        self.class
    }

    /// What it is about: 1 address, 2 mailbox, 3 mail system, 4 network, 5 protocol, 6 content, 7 security.
    pub fn subject(self) -> u16 {
        self.subject
    }

    /// What exactly.
    pub fn detail(self) -> u16 {
        self.detail
    }
}

impl fmt::Display for EnhancedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

impl FromStr for EnhancedStatus {
    type Err = ParseStatusError;
    fn from_str(text: &str) -> Result<Self, ParseStatusError> {
        let number = |part: Option<&str>| {
            part.filter(|digits| {
                (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
            })
            .and_then(|digits| digits.parse::<u16>().ok())
            .ok_or(ParseStatusError)
        };
        let mut parts = text.splitn(3, '.');
        let class = u8::try_from(number(parts.next())?).map_err(|_| ParseStatusError)?;
        Self::new(class, number(parts.next())?, number(parts.next())?).ok_or(ParseStatusError)
    }
}

/// One reply of this server, of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    code: u16,
    /// Absent where RFC 2034 section 4 forbids it (greeting, EHLO) and from intermediate replies.
    status: Option<&'static str>,
    text: Cow<'static, str>,
}

impl Reply {
    /// With an enhanced status.
    pub(crate) const fn new(code: u16, status: &'static str, text: &'static str) -> Self {
        Self { code, status: Some(status), text: Cow::Borrowed(text) }
    }

    /// With an enhanced status and a text made on the spot. It must hold no line end.
    pub(crate) const fn with_text(code: u16, status: &'static str, text: String) -> Self {
        Self { code, status: Some(status), text: Cow::Owned(text) }
    }

    /// Without an enhanced status.
    pub(crate) const fn bare(code: u16, text: Cow<'static, str>) -> Self {
        Self { code, status: None, text }
    }

    /// Appends the reply as one line.
    pub(crate) fn write(&self, out: &mut BytesMut) {
        self.write_line(b' ', out);
    }

    /// Appends several lines of one reply.
    pub(crate) fn write_all(lines: &[Self], out: &mut BytesMut) {
        if let Some((last, others)) = lines.split_last() {
            for line in others {
                line.write_line(b'-', out);
            }
            last.write_line(b' ', out);
        }
    }

    fn write_line(&self, separator: u8, out: &mut BytesMut) {
        debug_assert!(!self.text.contains(['\r', '\n']), "a reply holds no line end");
        out.put_slice(self.code.to_string().as_bytes());
        out.put_u8(separator);
        if let Some(status) = self.status {
            out.put_slice(status.as_bytes());
            out.put_u8(b' ');
        }
        out.put_slice(self.text.as_bytes());
        out.put_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_read_back_as_printed() {
        for text in ["2.0.0", "4.4.1", "5.7.26", "5.999.0"] {
            assert_eq!(text.parse::<EnhancedStatus>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_not_a_status() {
        for text in
            ["", "5", "5.1", "5.1.", "3.0.0", "5.1.1.1", "5.1000.1", "+5.1.1", "5. 1.1", "55.1.1", "300.0.0"]
        {
            assert!(text.parse::<EnhancedStatus>().is_err(), "{text:?}");
        }
    }
}
