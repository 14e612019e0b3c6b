//! What a host offers in its reply to EHLO.

use essaim_types::ByteSize;

/// The extensions that matter to a sender.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Extensions {
    pub(super) pipelining: bool,
    pub(super) eight_bit: bool,
    pub(super) smtputf8: bool,
    pub(super) start_tls: bool,
    pub(super) login_plain: bool,
    pub(super) entry: bool,
    pub(super) moved: bool,
    /// SIZE: offered, and the limit if there is one.
    pub(super) size: Option<Option<ByteSize>>,
}

impl Extensions {
    /// From the lines after the first. Unknown keywords are skipped (RFC 5321 section 2.2.1).
    pub(super) fn parse(lines: &[String]) -> Self {
        let mut offered = Self::default();
        for line in lines.iter().skip(1) {
            // Old hosts write AUTH=PLAIN.
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
            match words.next().map(str::to_ascii_uppercase).as_deref() {
                Some("PIPELINING") => offered.pipelining = true,
                Some("8BITMIME") => offered.eight_bit = true,
                Some("SMTPUTF8") => offered.smtputf8 = true,
                Some("XENTRY") => offered.entry = true,
                Some("XMOVED") => offered.moved = true,
                Some("STARTTLS") => offered.start_tls = true,
                Some("AUTH") => offered.login_plain |= words.any(|word| word.eq_ignore_ascii_case("PLAIN")),
                // RFC 1870 section 3: no number or 0 means no fixed limit.
                Some("SIZE") => {
                    let limit =
                        words.next().and_then(|digits| digits.parse().ok()).filter(|limit| *limit != 0);
                    offered.size = Some(limit.map(ByteSize));
                }
                _ => {}
            }
        }
        offered
    }

    /// The limit on messages, if the host told one.
    pub(super) fn size_limit(&self) -> Option<ByteSize> {
        self.size.flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lines: &[&str]) -> Extensions {
        Extensions::parse(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn offers_are_read_in_any_case_and_with_old_habits() {
        let offered =
            parse(&["mx SIZE 1", "pipelining", "Size 1000", "AUTH=LOGIN PLAIN", "XYZZY", "", "8BITMIME"]);
        assert_eq!(offered.size_limit(), Some(ByteSize(1000)));
        assert!(offered.pipelining && offered.login_plain && offered.eight_bit);
        assert!(!offered.start_tls && !offered.smtputf8);
    }

    #[test]
    fn rfc1870_3_a_size_of_zero_is_no_limit() {
        for line in ["SIZE", "SIZE 0", "SIZE x", "SIZE 99999999999999999999"] {
            assert_eq!(parse(&["mx", line]).size, Some(None), "{line}");
        }
        assert_eq!(parse(&["mx"]).size, None);
    }
}
