//! A message: whatever its bytes are there is a summary of it, and everything that IMAP cuts and seeks lies inside of it.
//!
//! The first line of the input is also a text that is sought.
#![no_main]

use std::borrow::Cow;
use std::num::{NonZeroU32, NonZeroU64};

use essaim_fuzz::{Cuts, Knobs, pieces, split};
use essaim_imap::command::{Header, HeaderName, PartPath, Partial, Section, SectionText};
use essaim_mail::message::{
    Content, DEPTH_MAX, Encoding, Needle, PARTS_MAX, PREVIEW_CHARS_MAX, Part, PartKind, Summarizer, Summary,
    windowed,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (knobs, raw) = split(data);
    let summary = Summary::of(raw);
    assert_eq!(summary.size(), raw.len() as u64);
    for cuts in [Cuts::Everywhere, Cuts::At(knobs.clone())] {
        assert_eq!(in_pieces(raw, cuts), summary, "the pieces make a difference");
    }
    check_stored(&summary, raw);
    check_texts(&summary);
    check_parts(&summary, raw);
    let paths = paths(&summary);
    check_sections(&summary, raw, &paths, knobs.clone());
    check_decoding(&summary, raw, &paths, knobs.clone());
    let sought = &data[..data.len() - raw.len()];
    check_search(&summary, raw, &String::from_utf8_lossy(sought.trim_ascii_end()));
    check_found(&summary, raw, knobs);
});

fn in_pieces(raw: &[u8], cuts: Cuts<'_>) -> Summary {
    let mut summarizer = Summarizer::new();
    pieces(raw, cuts).for_each(|piece| summarizer.push(piece));
    summarizer.finish()
}

/// What is kept comes back; something else that was kept there does no harm.
fn check_stored(summary: &Summary, raw: &[u8]) {
    let stored = summary.encode();
    assert!(stored.len() <= essaim_store::VALUE_MAX);
    assert_eq!(Summary::decode(&stored).as_ref(), Some(summary));
    let version = stored.first().copied().expect("what is kept has a version");
    if let Some(other) = Summary::decode(&[&[version], raw].concat()) {
        other.body();
        other.envelope_has(Header::From, &Needle::new("x"));
        Content::new(raw, &other).text_has(&Needle::new("x"));
    }
}

fn check_texts(summary: &Summary) {
    assert!(summary.preview().chars().count() <= PREVIEW_CHARS_MAX);
    assert!(!summary.preview().contains(char::is_control));
    assert_eq!(items(summary.envelope()), 10, "{}", summary.envelope().escape_ascii());
    for structure in [summary.body_structure(), &summary.body()] {
        assert!(items(structure) >= 2, "{}", structure.escape_ascii());
    }
}

/// How many items the one parenthesized list has that this text is (RFC 9051 section 4).
fn items(text: &[u8]) -> usize {
    let (mut rest, mut depth, mut items) = (text, 0usize, 0);
    while let [byte, more @ ..] = rest {
        items += usize::from(depth == 1 && !matches!(byte, b' ' | b')'));
        assert!(depth > 0 || (*byte == b'(' && items == 0), "not one list: {}", text.escape_ascii());
        rest = match byte {
            b'(' => {
                depth += 1;
                more
            }
            b')' => {
                depth -= 1;
                more
            }
            b' ' => more,
            b'"' => after_quoted(more),
            b'{' => after_literal(more),
            _ => after_atom(rest),
        };
    }
    assert_eq!(depth, 0, "no end: {}", text.escape_ascii());
    items
}

fn after_atom(text: &[u8]) -> &[u8] {
    let end =
        text.iter().position(|byte| matches!(byte, b' ' | b'(' | b')' | b'"' | b'{')).unwrap_or(text.len());
    let (atom, rest) = text.split_at(end);
    assert!(
        !atom.is_empty() && atom.iter().all(u8::is_ascii_graphic),
        "not an atom: {}",
        atom.escape_ascii()
    );
    rest
}

fn after_quoted(mut rest: &[u8]) -> &[u8] {
    loop {
        rest = match rest {
            [b'"', more @ ..] => return more,
            [b'\\', b'"' | b'\\', more @ ..] => more,
            [0 | b'\r' | b'\n' | b'\\', ..] | [] => panic!("not a quoted string"),
            [_, more @ ..] => more,
        };
    }
}

fn after_literal(rest: &[u8]) -> &[u8] {
    let end = rest.windows(3).position(|end| end == b"}\r\n").expect("a literal has a length");
    let length = std::str::from_utf8(&rest[..end]).ok().and_then(|digits| digits.parse::<usize>().ok());
    let (content, rest) = rest[end + 3..].split_at(length.expect("the length is a number"));
    assert!(!content.contains(&0), "a literal has no NUL");
    rest
}

fn check_parts(summary: &Summary, raw: &[u8]) {
    let parts: Vec<&Part> = summary.parts().iter().collect();
    assert!((1..=PARTS_MAX).contains(&parts.len()));
    assert_eq!(parts[0].whole(), 0..raw.len());
    for part in &parts {
        let (header, body) = (part.header(), part.body());
        assert!(header.start <= header.end && header.end == body.start && body.start <= body.end);
        assert!(body.end <= raw.len(), "a part sticks out");
    }
    for pair in parts.windows(2) {
        let nested =
            pair[0].body().start <= pair[1].whole().start && pair[1].whole().end <= pair[0].body().end;
        assert!(nested || pair[0].whole().end <= pair[1].whole().start, "parts overlap");
    }
}

/// The numbers of the parts, as far as a client would ask: a few hundred.
fn paths(summary: &Summary) -> Vec<PartPath> {
    let mut found = Vec::new();
    let mut open = vec![Vec::new()];
    while let Some(levels) = open.pop().filter(|_| found.len() < 300) {
        for number in 1..=300 {
            let next = [levels.as_slice(), &[NonZeroU32::new(number).expect("it is not 0")]].concat();
            let Some(path) = PartPath::new(next.clone()) else { break };
            let Some(part) = summary.parts().find(&path) else { break };
            if matches!(part.kind(), PartKind::Multipart | PartKind::Message) {
                open.push(next);
            }
            found.push(path);
        }
    }
    assert!(!found.is_empty(), "every message has a part 1");
    assert!(found.iter().all(|path| path.levels().len() <= DEPTH_MAX));
    found
}

fn check_sections(summary: &Summary, raw: &[u8], paths: &[PartPath], mut knobs: Knobs<'_>) {
    let section = |part: &PartPath, text| summary.section(raw, &Section { part: part.clone(), text });
    let root = PartPath::ROOT;
    let header = section(&root, SectionText::Header).expect("every message has a header");
    let text = section(&root, SectionText::Text).expect("every message has a text");
    assert!(raw == [header.as_ref(), &text].concat(), "header and text are not the whole");
    assert_eq!(section(&root, SectionText::FieldsExcept(Vec::new())), Some(header.clone()));
    let names = vec![HeaderName::try_from("subject").expect("it is a name")];
    for path in paths.iter().chain([&root]) {
        let all = section(path, SectionText::All).expect("the part was found");
        let partial = Partial {
            offset: u64::from(knobs.turn()),
            length: NonZeroU64::new(u64::from(knobs.turn()) + 1).expect("it is not 0"),
        };
        let rest = all.get(usize::try_from(partial.offset).expect("it is small")..).unwrap_or_default();
        let window = rest.get(..usize::try_from(partial.length.get()).expect("it is small")).unwrap_or(rest);
        assert_eq!(windowed(Cow::Borrowed(&all), partial), window);
        let some = section(path, SectionText::Fields(names.clone()));
        let others = section(path, SectionText::FieldsExcept(names.clone()));
        assert_eq!(some.is_some(), others.is_some());
        section(path, SectionText::Mime);
    }
}

/// BINARY: the size told is the size sent, and the decoder does not mind how the bytes come.
fn check_decoding(summary: &Summary, raw: &[u8], paths: &[PartPath], knobs: Knobs<'_>) {
    for path in paths {
        let Ok(encoded) = summary.parts().encoded(path) else { continue };
        let bytes = &raw[encoded.range()];
        let whole = encoded.decode(bytes);
        assert_eq!(encoded.decoded_size(bytes), whole.len() as u64);
        let mut decoder = encoded.encoding().decoder().expect("an unknown encoding was refused");
        let mut out = Vec::new();
        pieces(bytes, Cuts::At(knobs.clone())).for_each(|piece| decoder.push(piece, &mut out));
        decoder.finish(&mut out);
        assert_eq!(out.escape_ascii().to_string(), whole.escape_ascii().to_string());
    }
}

/// A search that the summary can answer is answered as the message itself would; BODY finds no more than TEXT.
fn check_search(summary: &Summary, raw: &[u8], sought: &str) {
    let mut content = Content::new(raw, summary);
    assert!(content.text_has(&Needle::new("")) || raw.is_empty());
    for text in [sought, "é", "no such text \u{1f41d}"] {
        let needle = Needle::new(text);
        let (text, body) = (content.text_has(&needle), content.body_has(&needle));
        assert!(text || !body, "found in the body, and not in the text");
        for field in [Header::Subject, Header::From, Header::To, Header::Cc, Header::Bcc] {
            summary.envelope_has(field, &needle);
        }
        for name in ["subject", "message-id", "in-reply-to", "date"] {
            let name = HeaderName::try_from(name).expect("it is a name");
            if let Some(known) = summary.header_has(&name, &needle) {
                assert_eq!(known, content.header_has(&name, &needle), "{needle:?} in {name:?}");
            }
        }
    }
}

/// A word of ASCII that stands in a plain text is found there.
fn check_found(summary: &Summary, raw: &[u8], mut knobs: Knobs<'_>) {
    let plain = |part: &&Part| match part.kind() {
        PartKind::Plain(charset) => {
            let known = charset.as_deref().is_none_or(|name| ["us-ascii", "utf-8"].contains(&name));
            known && part.encoding() == Encoding::Identity && !part.body().is_empty()
        }
        _ => false,
    };
    let Some(part) = summary.parts().iter().find(plain) else { return };
    let body = &raw[part.body()];
    let start = usize::from(knobs.turn()) % body.len();
    let word = &body[start..body.len().min(start + 8)];
    if let Some(word) = std::str::from_utf8(word).ok().filter(|word| word.is_ascii()) {
        assert!(Content::new(raw, summary).body_has(&Needle::new(word)), "{word:?} is not found");
    }
}
