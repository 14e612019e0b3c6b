//! What must hold for every message, for the tests.

use std::num::NonZeroU32;

use bytes::BytesMut;
use essaim_harness::Value;
use essaim_imap::command::{PartPath, Section, SectionText};
use essaim_imap::response::StructureForm;
use imap_codec::ResponseCodec;
use imap_codec::decode::Decoder as _;

use super::scan::Scanner;
use super::structure::structure;
use super::*;

/// The summary of a message, after all that must hold for it was checked.
pub(super) fn checked(raw: &[u8]) -> Summary {
    let summary = Summary::of(raw);
    assert_eq!(summary.size(), raw.len() as u64);
    assert_eq!(summary, in_pieces(raw), "the pieces make a difference");
    assert_stored_as_it_is(&summary);
    assert_parts_lie_within_each_other(raw, &summary);
    assert_sections(raw, &summary);
    assert_texts_are_imap(raw, &summary);
    assert!(summary.preview().chars().count() <= PREVIEW_CHARS_MAX);
    assert!(!summary.preview().contains(char::is_control));
    summary
}

fn in_pieces(raw: &[u8]) -> Summary {
    let mut summarizer = Summarizer::new();
    let mut rest = raw;
    // Lengths without a common measure, many of them short.
    for step in 1usize.. {
        let (piece, more) = rest.split_at(rest.len().min(1 + step * step % 4099));
        summarizer.push(piece);
        rest = more;
        if rest.is_empty() {
            break;
        }
    }
    summarizer.finish()
}

fn assert_stored_as_it_is(summary: &Summary) {
    let stored = summary.encode();
    assert!(stored.len() <= 1 << 20, "{} bytes", stored.len());
    assert_eq!(Summary::decode(&stored).as_ref(), Some(summary));
    assert_eq!(Summary::decode(stored.split_last().unwrap().1), None);
}

fn assert_parts_lie_within_each_other(raw: &[u8], summary: &Summary) {
    let parts: Vec<&Part> = summary.parts().iter().collect();
    assert!((1..=PARTS_MAX).contains(&parts.len()));
    assert_eq!(parts.first().unwrap().whole(), 0..raw.len());
    // The parts that those to come are inside of, and how many of these there are.
    let mut open: Vec<(std::ops::Range<usize>, usize)> = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let inside = usize::try_from(part.inside).unwrap();
        while open.last().is_some_and(|(_, end)| *end <= at) {
            open.pop();
        }
        let (header, body) = (part.header(), part.body());
        assert!(header.start <= header.end && header.end == body.start && body.start <= body.end);
        if let Some((parent, _)) = open.last() {
            assert!(parent.start <= header.start && body.end <= parent.end, "part {at} sticks out");
        }
        match part.kind() {
            PartKind::Multipart => assert!(inside > 0),
            PartKind::Message => assert!(inside > 0 && parts.get(at + 1).unwrap().whole() == body),
            _ => assert_eq!(inside, 0),
        }
        open.push((body, at + 1 + inside));
        assert!(open.len() <= DEPTH_MAX);
    }
    for pair in parts.windows(2) {
        if let [one, next] = pair {
            assert!(one.inside > 0 || one.whole().end <= next.whole().start, "parts overlap");
        }
    }
}

fn assert_sections(raw: &[u8], summary: &Summary) {
    let section = |part: PartPath, text| summary.section(raw, &Section { part, text });
    let header = section(PartPath::ROOT, SectionText::Header).unwrap();
    let text = section(PartPath::ROOT, SectionText::Text).unwrap();
    assert!(raw == [header.as_ref(), &text].concat(), "header and text are not the whole");
    assert_eq!(section(PartPath::ROOT, SectionText::FieldsExcept(Vec::new())), Some(header));
    let mut fetched = 0usize;
    let mut paths = vec![Vec::new()];
    // A few hundred of each message suffice.
    while let Some(levels) = paths.pop().filter(|_| fetched < 500) {
        for number in 1..=300 {
            let mut levels: Vec<NonZeroU32> = levels.clone();
            levels.push(NonZeroU32::new(number).unwrap());
            let Some(path) = PartPath::new(levels.clone()) else { break };
            let Some(part) = summary.parts().find(&path) else { break };
            fetched += 1;
            assert_eq!(section(path.clone(), SectionText::All).unwrap().len(), part.body().len());
            assert_eq!(section(path.clone(), SectionText::Mime).unwrap().len(), part.header().len());
            let message = *part.kind() == PartKind::Message;
            assert_eq!(section(path.clone(), SectionText::Header).is_some(), message);
            match summary.parts().encoded(&path) {
                Ok(encoded) => {
                    let bytes = raw.get(encoded.range()).unwrap();
                    assert_eq!(encoded.decoded_size(bytes), encoded.decode(bytes).len() as u64);
                }
                Err(error) => assert_eq!(error, BinaryError::UnknownEncoding),
            }
            if part.inside > 0 {
                paths.push(levels);
            }
        }
    }
    assert!(fetched > 0);
}

fn assert_texts_are_imap(raw: &[u8], summary: &Summary) {
    let mut scanner = Scanner::new();
    scanner.push(raw);
    let mut basic = BytesMut::new();
    structure(&scanner.finish().entities).render(StructureForm::Basic, &mut basic);
    assert_eq!(summary.body(), basic.to_vec(), "BODY is not what the encoder writes");

    let items =
        [b"(", summary.envelope(), b" ", &summary.body(), b" ", summary.body_structure(), b")"].concat();
    let values = Value::parse(&items);
    let lists: Vec<usize> = values.iter().flat_map(Value::list).map(|value| value.list().len()).collect();
    let complete = matches!(*lists, [10, basic, extended] if basic >= 2 && extended >= basic + 4);
    assert!(complete, "{lists:?}: {}", items.escape_ascii());

    if depth(summary) <= CODEC_DEPTH_MAX && !items.windows(8).any(|word| word == b"\"global\"") {
        let fetch = [
            b"* 1 FETCH (ENVELOPE ",
            summary.envelope(),
            b" BODY ",
            &summary.body(),
            b" BODYSTRUCTURE ",
            summary.body_structure(),
            b")\r\n",
        ]
        .concat();
        let parsed = ResponseCodec::default().decode(&fetch);
        assert!(parsed.is_ok_and(|(rest, _)| rest.is_empty()), "{}", fetch.escape_ascii());
    }
}

fn depth(summary: &Summary) -> usize {
    let mut ends: Vec<usize> = Vec::new();
    let mut deepest = 0;
    for (at, part) in summary.parts().iter().enumerate() {
        ends.retain(|end| *end > at);
        ends.push(at + 1 + usize::try_from(part.inside).unwrap());
        deepest = deepest.max(ends.len());
    }
    deepest
}

/// imap-codec reads no deeper.
const CODEC_DEPTH_MAX: usize = 7;
