//! What the value of a header field means. mail-parser reads it; here is what keeps that safe on bytes from strangers.
//!
//! mail-parser 0.11 takes quadratic time for encoded words without an end (20 s for 320 kB) and for parameters by the
//! thousand. So the first are told apart before ([`has_costly_words`]) and the second cut off.

use std::borrow::Cow;

use encoding_rs::Encoding;
use essaim_imap::{Date, InternalDate};
use mail_parser::parsers::MessageStream;
use mail_parser::{Address, DateTime, HeaderValue};
use memchr::{memchr, memchr2, memmem};

use super::charset;

/// A value with its folding undone (RFC 5322 section 2.2.3): one line without its end, without CR, LF and NUL.
pub(super) fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    let value = value.trim_ascii();
    if memchr2(b'\n', b'\r', value).is_none() && memchr(0, value).is_none() {
        return Cow::Borrowed(value);
    }
    let mut line = Vec::with_capacity(value.len());
    let mut bytes = value.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\n' => {}
            b'\r' if bytes.peek() == Some(&b'\n') => {}
            b'\r' | 0 => line.push(b' '),
            _ => line.push(byte),
        }
    }
    Cow::Owned(line)
}

/// A value as a line of Unicode, encoded words left as they are.
pub(super) fn text(value: &[u8], fallback: &'static Encoding) -> String {
    charset::undeclared(&unfold(value), fallback).into_owned()
}

/// A value as a line of Unicode with the encoded words (RFC 2047) decoded.
pub(super) fn decoded(value: &[u8], fallback: &'static Encoding) -> String {
    let line = text(value, fallback);
    match decode_words(&line) {
        Cow::Owned(decoded) => decoded,
        Cow::Borrowed(_) => line,
    }
}

/// A line with its encoded words decoded; as it is if there are none, or only such as no one writes.
pub(super) fn decode_words(line: &str) -> Cow<'_, str> {
    if memmem::find(line.as_bytes(), b"=?").is_none() || has_costly_words(line.as_bytes()) {
        return Cow::Borrowed(line);
    }
    let ended = format!("{line}\n");
    match MessageStream::new(ended.as_bytes()).parse_unstructured() {
        HeaderValue::Text(text) => Cow::Owned(text.into_owned()),
        _ => Cow::Owned(String::new()),
    }
}

/// One entry of an address list, encoded words left as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// `None` for addresses that are in no group.
    pub(super) name: Option<String>,
    pub(super) mailboxes: Vec<Mailbox>,
}

/// Who is meant: at least one of the two is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mailbox {
    pub(super) name: Option<String>,
    pub(super) address: Option<String>,
}

/// A list of addresses (RFC 5322 section 3.4).
pub(super) fn addresses(value: &[u8], fallback: &'static Encoding) -> Vec<Group> {
    // The encoded words are hidden from the parser: clients decode them, and a comma in one separates as any other.
    let line = text(value, fallback).replace("=?", HIDDEN_WORD) + "\n";
    let show = |text: Cow<'_, str>| text.replace(HIDDEN_WORD, "=?").trim().to_owned();
    let mailbox = |addr: mail_parser::Addr<'_>| Mailbox {
        name: addr.name.map(show).filter(|name| !name.is_empty()),
        address: addr.address.map(show).filter(|address| !address.is_empty()),
    };
    let told = |mailbox: &Mailbox| mailbox.name.is_some() || mailbox.address.is_some();
    let mailboxes = |list: Vec<mail_parser::Addr<'_>>| list.into_iter().map(mailbox).filter(told).collect();
    match MessageStream::new(line.as_bytes()).parse_address() {
        HeaderValue::Address(Address::List(list)) => vec![Group { name: None, mailboxes: mailboxes(list) }],
        HeaderValue::Address(Address::Group(groups)) => groups
            .into_iter()
            .map(|group| Group { name: group.name.map(show), mailboxes: mailboxes(group.addresses) })
            .collect(),
        _ => Vec::new(),
    }
}

/// A word and its parameters, as in Content-Type and Content-Disposition; RFC 2231 and RFC 2047 undone in the values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Parameterized {
    /// In lower case.
    pub(super) kind: String,
    /// In lower case.
    pub(super) subtype: Option<String>,
    /// Names in lower case, each once.
    pub(super) parameters: Vec<(String, String)>,
}

impl Parameterized {
    /// `None` if nothing can be made of it.
    pub(super) fn of(value: &[u8], fallback: &'static Encoding) -> Option<Self> {
        let line = text(value, fallback);
        let end = line.match_indices(';').nth(PARAMETERS_MAX).map_or(line.len(), |(at, _)| at);
        let mut line = format!("{}\n", line.get(..end)?);
        if has_costly_words(line.as_bytes()) {
            line = line.replace("=?", "= ?");
        }
        let HeaderValue::ContentType(parsed) = MessageStream::new(line.as_bytes()).parse_content_type()
        else {
            return None;
        };
        let mut parameters: Vec<(String, String)> = Vec::new();
        for attribute in parsed.attributes.unwrap_or_default() {
            let name = token(&attribute.name);
            if !name.is_empty() && !parameters.iter().any(|(known, _)| *known == name) {
                parameters.push((name, attribute.value.into_owned()));
            }
        }
        Some(Self {
            kind: token(&parsed.c_type),
            subtype: parsed.c_subtype.map(|text| token(&text)),
            parameters,
        })
    }

    /// The value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The words of a list between commas, such as Content-Language has.
pub(super) fn words(value: &[u8]) -> Vec<String> {
    let line = unfold(value);
    line.split(|byte| *byte == b',').map(first_token).filter(|word| !word.is_empty()).collect()
}

/// The first token (RFC 2045 section 5.1) of a value, such as Content-Transfer-Encoding is.
pub(super) fn first_token(value: &[u8]) -> String {
    token(&String::from_utf8_lossy(unfold(value).trim_ascii_start()))
}

/// The moment a Date field tells (RFC 5322 section 3.3); without a zone it is taken as UTC.
pub(super) fn date(value: &[u8]) -> Option<InternalDate> {
    let line = unfold(value);
    let parse = |zone: &str| {
        let line = [&line, zone.as_bytes(), b"\n"].concat();
        match MessageStream::new(&line).parse_date() {
            HeaderValue::DateTime(date) => moment(&date),
            _ => None,
        }
    };
    parse("").or_else(|| parse(" +0000"))
}

/// The message ids in a value, without the angle brackets.
pub(super) fn message_ids(value: &[u8]) -> Vec<String> {
    let line = [&unfold(value), &b"\n"[..]].concat();
    match MessageStream::new(&line).parse_id() {
        HeaderValue::Text(id) => vec![id.into_owned()],
        HeaderValue::TextList(ids) => ids.into_iter().map(Cow::into_owned).collect(),
        _ => Vec::new(),
    }
}

fn moment(date: &DateTime) -> Option<InternalDate> {
    let day = Date::new(date.year, date.month, date.day)?;
    let zone = i16::from(date.tz_hour) * 60 + i16::from(date.tz_minute);
    let zone = if date.tz_before_gmt { -zone } else { zone };
    InternalDate::new(day, date.hour, date.minute, date.second, zone)
}

/// As far as it is a token, in lower case.
fn token(text: &str) -> String {
    let end = text.find(|c: char| !c.is_ascii_graphic() || r#"()<>@,;:\"/[]?="#.contains(c));
    text.get(..end.unwrap_or(text.len())).unwrap_or_default().to_ascii_lowercase()
}

/// Would a decoder that begins anew at each `=?` walk over this line again and again? Encoded words as RFC 2047 has them
/// are walked over once.
fn has_costly_words(line: &[u8]) -> bool {
    let mut ends = memmem::find_iter(line, b"?=").peekable();
    let mut marks = memchr::memchr_iter(b'?', line).peekable();
    let mut steps = 0usize;
    for start in memmem::find_iter(line, b"=?") {
        // =?charset?q?text?=
        while marks.next_if(|mark| *mark < start + 2).is_some() {}
        let Some(mark) = marks.peek() else { break };
        let data = mark + 3;
        if line.get(mark + 2) != Some(&b'?') {
            continue;
        }
        while ends.next_if(|end| *end < data).is_some() {}
        steps += ends.peek().unwrap_or(&line.len()).saturating_sub(start);
    }
    steps > 4 * line.len() + 4096
}

/// What stands for `=?` while addresses are parsed: no address has a control character.
const HIDDEN_WORD: &str = "=\u{1a}";
/// More parameters than this are not looked at.
const PARAMETERS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use encoding_rs::{UTF_8, WINDOWS_1252};

    use super::*;

    fn list(value: &str) -> Vec<String> {
        let show = |mailbox: &Mailbox| {
            let name = mailbox.name.as_deref().unwrap_or("-");
            format!("{name}|{}", mailbox.address.as_deref().unwrap_or("-"))
        };
        addresses(value.as_bytes(), UTF_8)
            .iter()
            .flat_map(|group| {
                let name = group.name.iter().map(|name| format!("{name}:"));
                name.chain(group.mailboxes.iter().map(show)).collect::<Vec<_>>()
            })
            .collect()
    }

    #[test]
    fn folding_goes() {
        assert_eq!(&*unfold(b" a\r\n b\n\tc\r\n"), b"a b\tc");
        assert_eq!(&*unfold(b"a\rb\0c"), b"a b c");
        assert_eq!(&*unfold(b" \r\n"), b"");
    }

    #[test]
    fn encoded_words_are_decoded() {
        for (value, text) in [
            ("=?utf-8?q?caf=C3=A9?=", "café"),
            ("a =?iso-8859-1?B?6Q==?=\r\n =?utf-8?q?t=C3=A9?= b", "a été b"),
            ("=?utf-8?q?broken", "=?utf-8?q?broken"),
            ("plain", "plain"),
            ("", ""),
        ] {
            assert_eq!(decoded(value.as_bytes(), UTF_8), text);
        }
        assert_eq!(decoded(b"caf\xe9", WINDOWS_1252), "café");
    }

    #[test]
    fn encoded_words_without_end_stay_as_they_are() {
        let hostile = "=?a1?q?_".repeat(100_000);
        assert!(has_costly_words(hostile.as_bytes()));
        assert_eq!(decoded(hostile.as_bytes(), UTF_8), hostile);
        let long = "=?utf-8?q?=C3=A9=C3=A9?= ".repeat(10_000);
        assert!(!has_costly_words(long.as_bytes()));
        assert_eq!(decoded(long.as_bytes(), UTF_8), "éé".repeat(10_000));
    }

    #[test]
    fn addresses_with_names_groups_and_routes() {
        assert_eq!(list("a@b.test"), ["-|a@b.test"]);
        assert_eq!(list("Ann <a@b>, \"B, b\" <b@b>, c@b (Cee)"), ["Ann|a@b", "B, b|b@b", "Cee|c@b"]);
        assert_eq!(list("=?utf-8?q?=C3=A9?= <a@b>"), ["=?utf-8?q?=C3=A9?=|a@b"]);
        assert_eq!(list("g: a@b, c@d;, e@f"), ["g:", "-|a@b", "-|c@d", "-|e@f"]);
        assert_eq!(list("undisclosed-recipients:;"), ["undisclosed-recipients:"]);
        assert_eq!(list("<@r1,@r2:a@b>"), ["-|@r1,@r2:a@b"]);
        assert_eq!(list("<\"a b\"@c>"), ["-|\"a b\"@c"]);
        assert_eq!(list("just a name"), ["just a name|-"]);
        assert_eq!(list(", ,"), [""; 0]);
    }

    #[test]
    fn parameters_in_all_their_spellings() {
        let parsed = Parameterized::of(
            b"Attachment; filename*0*=utf-8''a%C3%A9; filename*1=\".p;df\";\r\n x=\"=?utf-8?q?=C3=A9?=\"; X=2",
            UTF_8,
        )
        .unwrap();
        assert_eq!((parsed.kind.as_str(), parsed.subtype.as_deref()), ("attachment", None));
        assert_eq!(parsed.parameter("filename"), Some("aé.p;df"));
        assert_eq!(parsed.parameter("x"), Some("é"));
        assert_eq!(parsed.parameters.len(), 2);

        let folded = Parameterized::of(b"multipart/mixed; boundary=\"foo\r\n bar\"", UTF_8).unwrap();
        assert_eq!(folded.parameter("boundary"), Some("foo bar"));
        assert_eq!(Parameterized::of(b"", UTF_8), None);
    }

    #[test]
    fn thousands_of_parameters_are_cut_off() {
        let value = format!("text/plain{}", "; a*1=x".repeat(100_000));
        assert!(Parameterized::of(value.as_bytes(), UTF_8).is_some());
    }

    #[test]
    fn dates() {
        let seconds = |value: &str| date(value.as_bytes()).map(|date| (date.at.seconds(), date.zone_minutes));
        assert_eq!(seconds("Thu, 01 Jan 1970 01:00:00 +0100"), Some((0, 60)));
        assert_eq!(seconds("1 Jan 70 00:00 -0130 (x)"), Some((5400, -90)));
        assert_eq!(seconds("Thu, 1 Jan 1970 00:00:00"), Some((0, 0)));
        assert_eq!(seconds("Thu, 1 Jan 1970 00:00:60 GMT"), Some((60, 0)));
        for no_date in ["", "yesterday", "31 Feb 2020 00:00:00 +0000", "1 Jan 2020 25:00:00 +0000"] {
            assert_eq!(seconds(no_date), None, "{no_date}");
        }
    }

    #[test]
    fn message_ids_lose_their_brackets() {
        assert_eq!(message_ids(b" <a@b>\r\n <c@d> "), ["a@b", "c@d"]);
        assert_eq!(message_ids(b"a@b"), ["a@b"]);
        assert_eq!(message_ids(b" "), [""; 0]);
    }
}
