//! Archives that lie: each is refused, and the object is named.

use tar::{EntryType, Header};

use super::super::header::BLOCK;
use super::super::page;
use super::*;

/// The small sample, with the frame of its objects as the change leaves it.
fn tampered(change: impl FnOnce(&mut Vec<u8>)) -> Refusal {
    let mut frames = frames(&Sample::small().write());
    change(&mut frames[OBJECTS]);
    read_all(&framed(&frames)).unwrap_err()
}

fn header_of<'a>(frame: &'a mut [u8], name: &str) -> &'a mut [u8] {
    let at = (0..frame.len()).step_by(BLOCK).find(|at| frame[*at..].starts_with(name.as_bytes())).unwrap();
    &mut frame[at..at + BLOCK]
}

/// With one header changed, its sum right again.
fn with_header(name: &str, change: impl FnOnce(&mut Header)) -> Refusal {
    tampered(|frame| {
        let block = header_of(frame, name);
        let mut header = Header::from_byte_slice(block).clone();
        change(&mut header);
        header.set_cksum();
        block.copy_from_slice(header.as_bytes());
    })
}

fn named(name: &'static str) -> impl FnOnce(&mut Header) {
    move |header: &mut Header| {
        let bytes = header.as_mut_bytes();
        bytes[..100].fill(0);
        bytes[..name.len()].copy_from_slice(name.as_bytes());
    }
}

/// The small sample, with a page in which the items are as the change leaves them, and its header fitting.
fn with_page(change: impl FnOnce(&mut Vec<Item>)) -> Refusal {
    tampered(|frame| {
        let before = page_length(frame);
        let mut items = page::decode(1, &frame[BLOCK..BLOCK + before]).unwrap();
        change(&mut items);
        let page = page::encode(&items);
        let mut header = Header::from_byte_slice(&frame[..BLOCK]).clone();
        header.set_size(page.len() as u64);
        header.set_cksum();
        let padded = [page.clone(), vec![0; page.len().next_multiple_of(BLOCK) - page.len()]].concat();
        let rest = frame.split_off(BLOCK + before.next_multiple_of(BLOCK));
        *frame = [&header.as_bytes()[..], &padded, &rest].concat();
    })
}

fn page_length(frame: &[u8]) -> usize {
    usize::try_from(Header::from_byte_slice(&frame[..BLOCK]).size().unwrap()).unwrap()
}

#[test]
fn a_traversal_name_is_refused_and_named() {
    let refusal = with_header("mail/1/1.eml", named("../../etc/cron.d/x"));
    assert_eq!(refusal.why, Why::Path(PathFault::Traversal));
    assert_eq!(refusal.object, "\"../../etc/cron.d/x\"");
}

#[test]
fn an_absolute_name_is_refused() {
    let refusal = with_header("mail/1/1.eml", named("/etc/passwd"));
    assert_eq!(refusal.why, Why::Path(PathFault::Absolute));
}

#[test]
fn a_link_is_refused() {
    for kind in [EntryType::Symlink, EntryType::Link] {
        let refusal = with_header("mail/1/1.eml", |header| {
            header.set_entry_type(kind);
            header.set_link_name("/etc/passwd").unwrap();
        });
        assert!(matches!(refusal.why, Why::NotAFile(_)), "{refusal}");
        assert_eq!(refusal.object, "\"mail/1/1.eml\"");
    }
}

#[test]
fn a_device_is_refused() {
    let refusal = with_header("mail/1/1.eml", |header| header.set_entry_type(EntryType::Char));
    assert_eq!(refusal.why, Why::NotAFile("device"));
}

#[test]
fn a_size_other_than_the_objects_is_refused() {
    let refusal = with_header("mail/1/1.eml", |header| header.set_size(20));
    assert!(matches!(refusal.why, Why::Unexpected { .. }));
    assert_eq!(refusal.object, "mail/1/1.eml");
}

#[test]
fn content_that_no_object_names_is_refused() {
    let refusal = with_page(|items| {
        if let Item::Object { object, content } = &mut items[0] {
            object.blobs.clear();
            *content = None;
        }
    });
    assert_eq!(refusal.object, "mail/1/1.eml");
    let refusal = with_page(|items| items.retain(|item| item.content().is_none()));
    assert_eq!(refusal.why, Why::Unexpected { expected: "an object that names it".to_owned() });
}

#[test]
fn an_object_whose_content_is_missing_is_refused() {
    let refusal = with_page(|items| items.push(items[0].clone()));
    assert_eq!(refusal.why, Why::UidOrder { last: 9 });
    let refusal = with_page(|items| {
        let mut more = items[2].clone();
        if let Item::Object { content: Some(content), .. } = &mut more {
            content.path = Path::mail(2, 2);
        }
        items.push(more);
    });
    assert!(matches!(&refusal.why, Why::Unexpected { expected } if expected == "mail/2/2.eml"), "{refusal}");
}

#[test]
fn two_names_that_differ_in_case_are_refused() {
    let refusal = with_page(|items| {
        for (index, name) in [(0, "files/A"), (1, "files/a")] {
            if let Item::Object { content: Some(content), .. } = &mut items[index] {
                content.path = name.parse().unwrap();
            }
        }
    });
    assert_eq!((refusal.object.as_str(), refusal.why), ("files/a", Why::Duplicate));
}

#[test]
fn a_changed_byte_of_a_message_names_the_message() {
    let refusal = tampered(|frame| {
        let at = frame.windows(5).position(|window| window == b"third").unwrap();
        frame[at] = b'T';
    });
    assert_eq!(refusal.object, "mail/2/1.eml");
    assert!(matches!(refusal.why, Why::Blob { offset: 0, .. }));
}

#[test]
fn an_object_changed_behind_the_manifest_is_named() {
    let refusal = with_page(|items| {
        if let Item::Object { object, .. } = &mut items[4] {
            object.value = b"\x01VALUE".to_vec();
        }
    });
    assert_eq!(
        (refusal.object.as_str(), refusal.why),
        ("objects/000001.cbor", Why::Manifest("its bytes differ"))
    );
}

#[test]
fn bytes_between_objects_are_refused() {
    let refusal = tampered(|frame| {
        let at = BLOCK + page_length(frame);
        frame[at] = 1;
    });
    assert_eq!(refusal.why, Why::Stray);
}

#[test]
fn segments_left_out_doubled_or_in_another_order_are_refused() {
    let all = frames(&Sample::small().write());
    let pick =
        |order: &[usize]| read_all(&framed(&order.iter().map(|at| all[*at].clone()).collect::<Vec<_>>()));
    assert!(pick(&[0, 1, 2, 3]).is_ok());
    for order in [&[0, 2, 3][..], &[0, 1, 3], &[1, 2, 3], &[0, 1, 1, 2, 3], &[0, 2, 1, 3], &[0, 1, 2], &[3]] {
        assert!(pick(order).is_err(), "{order:?}");
    }
    assert!(pick(&[0, 1, 2, 3, 3]).is_err());
    assert_eq!(pick(&[0, 1, 2]).unwrap_err().why, Why::CutOff);
}

#[test]
fn a_seal_of_another_archive_is_refused() {
    let mut one = frames(&Sample::small().write());
    let mut other = Sample::small();
    other.mail(3, 1, &[b"more"]);
    *one.last_mut().unwrap() = frames(&other.write()).last().unwrap().clone();
    let refusal = read_all(&framed(&one)).unwrap_err();
    assert_eq!((refusal.object.as_str(), refusal.why), ("manifest.sig", Why::Seal("the root")));
}

#[test]
fn a_seal_that_nobody_signed_is_refused() {
    let mut frames = frames(&Sample::small().write());
    // The last byte of the signature.
    let seal = frames.last_mut().unwrap();
    let size = page_length(seal);
    seal[BLOCK + size - 1] ^= 1;
    let refusal = read_all(&framed(&frames)).unwrap_err();
    assert!(matches!(refusal.why, Why::Signature(_)), "{refusal}");
}

#[test]
fn more_than_the_reader_allows_is_refused_before_it_is_read() {
    let bytes = Sample::small().write();
    let outcome = |limits| match read(&bytes[..], limits, &mut Kept::default()) {
        Err(ReadError::Refused(refusal)) => refusal.why,
        _ => panic!("it was read"),
    };
    let bytes_max = ReadLimits { bytes_max: 2000, ..ReadLimits::NONE };
    assert!(matches!(outcome(bytes_max), Why::OverTotal { unit: "bytes", max: 2000, .. }));
    let objects_max = ReadLimits { objects_max: 5, ..ReadLimits::NONE };
    assert_eq!(outcome(objects_max), Why::OverTotal { unit: "objects", max: 5, total: 6 });
}

#[test]
fn an_archive_cut_off_anywhere_is_refused() {
    let bytes = Sample::small().write();
    for length in 0..bytes.len() {
        let refusal = read_all(&bytes[..length]).unwrap_err();
        assert!(matches!(refusal.why, Why::CutOff), "{length}: {refusal}");
    }
}

#[test]
fn a_flipped_bit_anywhere_is_found() {
    let bytes = Sample::small().write();
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        assert!(read_all(&flipped).is_err(), "byte {at}");
    }
}

#[test]
fn flipped_bits_behind_the_frames_sums_are_found_too() {
    let frames = frames(&Sample::small().write());
    for (number, frame) in frames.iter().enumerate() {
        for at in (0..frame.len()).step_by(29) {
            let mut flipped = frames.clone();
            flipped[number][at] ^= 1 << (at % 8);
            assert!(read_all(&framed(&flipped)).is_err(), "byte {at} of frame {number}");
        }
    }
}

/// The frame of the objects: the first is that of `archive.json` and its like.
const OBJECTS: usize = 1;
