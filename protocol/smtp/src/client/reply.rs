//! Replies of other hosts: RFC 5321 section 4.2, read with bounds.

use std::fmt;

use bytes::{Buf, BytesMut};
use memchr::memchr;

use super::config::Limits;
use crate::reply::EnhancedStatus;

/// What another host said. The text is printable, of one line and at most 1000 bytes, whatever was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteReply {
    code: u16,
    status: Option<EnhancedStatus>,
    text: String,
}

impl RemoteReply {
    /// The three digits.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The enhanced status; `x.0.0` if the host gave none that agrees with the code.
    pub fn status(&self) -> EnhancedStatus {
        let class = match self.code {
            200..=399 => 2,
            400..=499 => 4,
            _ => 5,
        };
        let plain = EnhancedStatus::new(class, 0, 0).expect("x.0.0 is a status");
        self.status.filter(|status| status.class() == class).unwrap_or(plain)
    }

    /// The text of all lines, without the enhanced status.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }

    pub(super) fn is_intermediate(&self) -> bool {
        (300..400).contains(&self.code)
    }
}

/// As it was said, on one line.
impl fmt::Display for RemoteReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(status) = self.status {
            write!(f, " {status}")?;
        }
        if self.text.is_empty() { Ok(()) } else { write!(f, " {}", self.text) }
    }
}

/// Gathers the lines of one reply.
#[derive(Debug, Default)]
pub(super) struct ReplyReader {
    /// Bytes of the input known to hold no LF.
    scanned: usize,
    code: Option<u16>,
    lines: Vec<String>,
}

/// A whole reply: for EHLO the lines matter.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lines {
    pub(super) reply: RemoteReply,
    pub(super) lines: Vec<String>,
}

impl ReplyReader {
    /// Takes one reply off the input; `None` if more is needed.
    pub(super) fn take(
        &mut self,
        input: &mut BytesMut,
        limits: &Limits,
    ) -> Result<Option<Lines>, &'static str> {
        loop {
            let unseen = input.get(self.scanned..).unwrap_or_default();
            let Some(at) = memchr(b'\n', unseen) else {
                self.scanned = input.len();
                return if self.scanned > limits.reply_line {
                    Err("a line of a reply is too long")
                } else {
                    Ok(None)
                };
            };
            let length = self.scanned + at;
            self.scanned = 0;
            if length > limits.reply_line {
                return Err("a line of a reply is too long");
            }
            let line = input.split_to(length);
            input.advance(1);
            if let Some(reply) = self.line(line.strip_suffix(b"\r").unwrap_or(&line), limits)? {
                return Ok(Some(reply));
            }
        }
    }

    fn line(&mut self, line: &[u8], limits: &Limits) -> Result<Option<Lines>, &'static str> {
        let (digits, rest) = line.split_at_checked(3).ok_or("a reply without a code")?;
        let code = code(digits).ok_or("a reply without a code")?;
        if *self.code.get_or_insert(code) != code {
            return Err("a reply with two codes");
        }
        let (last, text) = match rest.split_first() {
            None => (true, rest),
            Some((b' ', text)) => (true, text),
            Some((b'-', text)) => (false, text),
            Some(_) => return Err("a reply without a code"),
        };
        if self.lines.len() >= limits.reply_lines {
            return Err("a reply with too many lines");
        }
        self.lines.push(printable(text));
        if !last {
            return Ok(None);
        }
        self.code = None;
        let lines = std::mem::take(&mut self.lines);
        Ok(Some(Lines { reply: summary(code, &lines), lines }))
    }
}

/// The status of the first line, and the text of all without it.
fn summary(code: u16, lines: &[String]) -> RemoteReply {
    let status = lines.first().and_then(|line| line.split(' ').next()?.parse::<EnhancedStatus>().ok());
    let prefix = status.map(|status| status.to_string()).unwrap_or_default();
    let mut text = String::new();
    for line in lines {
        let rest = line.strip_prefix(&prefix).filter(|rest| rest.is_empty() || rest.starts_with(' '));
        let line = rest.unwrap_or(line).trim();
        let separator = if text.is_empty() || line.is_empty() { "" } else { " " };
        text.push_str(separator);
        text.push_str(line);
    }
    text.truncate(text.floor_char_boundary(TEXT_MAX));
    RemoteReply { code, status, text }
}

fn code(digits: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?;
    text.parse().ok().filter(|code| (200..600).contains(code))
}

fn printable(text: &[u8]) -> String {
    String::from_utf8_lossy(text).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

const TEXT_MAX: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &str, step: usize) -> Vec<Result<String, &'static str>> {
        let (mut reader, mut buffer, mut out) = (ReplyReader::default(), BytesMut::new(), Vec::new());
        let limits = Limits { reply_line: 40, reply_lines: 3, ..Limits::default() };
        for piece in input.as_bytes().chunks(step) {
            buffer.extend_from_slice(piece);
            loop {
                match reader.take(&mut buffer, &limits) {
                    Ok(None) => break,
                    Ok(Some(lines)) => out.push(Ok(format!("{} [{}]", lines.reply, lines.reply.status()))),
                    Err(error) => {
                        out.push(Err(error));
                        return out;
                    }
                }
            }
        }
        out
    }

    #[test]
    fn replies_are_read_in_pieces_of_any_size() {
        let cases = [
            ("250 OK\r\n", vec![Ok("250 OK [2.0.0]")]),
            ("250\r\n", vec![Ok("250 [2.0.0]")]),
            ("250 2.1.5\r\n", vec![Ok("250 2.1.5 [2.1.5]")]),
            ("550 5.1.1 gone\r\n250 x\n", vec![Ok("550 5.1.1 gone [5.1.1]"), Ok("250 x [2.0.0]")]),
            ("550-5.1.1 no\r\n550-5.1.1\r\n550 5.1.1 one\r\n", vec![Ok("550 5.1.1 no one [5.1.1]")]),
            ("450 5.1.1 odd\r\n", vec![Ok("450 5.1.1 odd [4.0.0]")]),
            ("250-a\0b\r\n250 \u{1b}c\r\n", vec![Ok("250 a b c [2.0.0]")]),
            ("250-a\r\n251 b\r\n", vec![Err("a reply with two codes")]),
            ("25\r\n", vec![Err("a reply without a code")]),
            ("+25 x\r\n", vec![Err("a reply without a code")]),
            ("250x\r\n", vec![Err("a reply without a code")]),
            ("650 x\r\n", vec![Err("a reply without a code")]),
            ("SSH-2.0-OpenSSH\r\n", vec![Err("a reply without a code")]),
            ("250-a\r\n250-a\r\n250-a\r\n250 a\r\n", vec![Err("a reply with too many lines")]),
            ("250 34567890123456789012345678901234567890\r\n", vec![Err("a line of a reply is too long")]),
            ("250 345678901234567890123456789012345678901", vec![Err("a line of a reply is too long")]),
        ];
        for (input, expected) in cases {
            for step in 1..=input.len() {
                let expected: Vec<_> = expected.iter().map(|result| result.map(str::to_owned)).collect();
                assert_eq!(read(input, step), expected, "{input:?} by {step}");
            }
        }
    }

    #[test]
    fn a_long_reply_is_cut_at_a_character() {
        let lines = vec!["é".repeat(300); 3];
        let reply = summary(250, &lines);
        assert!((999..=1000).contains(&reply.text().len()));
    }
}
