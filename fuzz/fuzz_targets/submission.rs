//! The header of what a member sends: nothing private stays, what is missing is added, the rest passes as it is.
#![no_main]

use bytes::Bytes;
use essaim_fuzz::{Cuts, pieces, split};
use essaim_smtp::MessageId;
use essaim_smtp::submission::{Additions, FromField, Header, HeaderEditor, HeaderTooLarge};
use essaim_types::{Address, ByteSize, Timestamp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (mut knobs, message) = split(data);
    let limit = knobs.pick(&[ByteSize::kib(256), ByteSize(100)]);
    let whole = edit(message, limit, Cuts::Nowhere);
    for cuts in [Cuts::Everywhere, Cuts::At(knobs.clone())] {
        let cut = edit(message, limit, cuts);
        assert_eq!(cut, whole, "the pieces make a difference");
    }
    let Ok((edited, header)) = whole else { return };
    check_fields(&edited);
    check_authors(&header);
    // What was mended once is in order, and so is what was seen.
    let again = edit(&edited, ByteSize::mib(1), Cuts::Nowhere);
    assert_eq!(again.map(|(again, header)| (text(&again), header)), Ok((text(&edited), header)));
});

fn edit(message: &[u8], limit: ByteSize, cuts: Cuts<'_>) -> Result<(Vec<u8>, Header), HeaderTooLarge> {
    let message_id = MessageId::new("id", "coop.test".parse().expect("it is a domain"));
    let mut editor = HeaderEditor::new(limit, Additions { date: Timestamp(0), message_id });
    let mut out = Vec::new();
    for piece in pieces(message, cuts) {
        let through = editor.header().is_some();
        let passed = editor.feed(Bytes::copy_from_slice(piece))?;
        assert!(!through || passed == piece, "the body was touched");
        out.extend_from_slice(&passed);
    }
    let known = editor.header().cloned();
    let (rest, header) = editor.finish();
    assert!(known.is_none_or(|known| known == header), "told otherwise before the end");
    out.extend_from_slice(&rest);
    Ok((out, header))
}

/// The header section read by somebody else: lines up to the first empty one.
fn check_fields(message: &[u8]) {
    let lines = message.split_inclusive(|&byte| byte == b'\n');
    let header = lines.take_while(|line| !matches!(*line, b"\r\n" | b"\n"));
    let names: Vec<String> = header
        .filter(|line| !matches!(line, [b' ' | b'\t', ..]))
        .filter_map(|line| line.split(|&byte| byte == b':').next())
        .map(|name| text(name.trim_ascii_end()).to_ascii_lowercase())
        .collect();
    let count = |wanted: &str| names.iter().filter(|name| *name == wanted).count();
    assert_eq!(count("bcc") + count("resent-bcc") + count("return-path"), 0, "private: {names:?}");
    assert!(count("date") > 0 && count("message-id") > 0, "missing: {names:?}");
}

fn check_authors(header: &Header) {
    if let FromField::Addresses(addresses) = &header.from {
        assert!(!addresses.is_empty());
        for address in addresses {
            assert_eq!(address.to_string().parse::<Address>().as_ref(), Ok(address));
        }
    }
}

fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}
