//! Sections of a message's body. What stands in the message byte for byte is only named, so that a large one can be sent
//! without being held; decoded or selected text is made at once.

use std::ops::Range;

use bytes::Bytes;
use essaim_imap::command::{FetchItem, PartPath, Partial, Section};
use essaim_imap::response::FetchWriter;
use essaim_store::Object;
use essaim_types::BlobId;

use super::outcome::Stop;
use crate::Mail;
use crate::message::{BinaryError, Encoded, Summary, windowed};
use crate::record::{Message, RecordError};

/// The bytes of one message, read as far as they are asked for.
#[derive(Debug, Default)]
pub(super) struct Body {
    blobs: Vec<BlobId>,
    size: u64,
    /// The last blob read, and where it begins in the message.
    read: Option<(usize, u64, Bytes)>,
}

/// What becomes of an item.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// It is in the buffer.
    Whole,
    /// Its head is in the buffer; these bytes of the message must follow at once.
    Head(Range<u64>),
    /// It cannot be decoded.
    UnknownEncoding,
}

impl Body {
    /// `bytes` are all of them, if somebody has read them already.
    pub(super) fn new(object: &Object, message: &Message, bytes: Option<Bytes>) -> Self {
        let read = bytes.map(|bytes| (0, 0, bytes));
        Self { blobs: object.blobs.clone(), size: message.size.0, read }
    }

    /// Writes one item that needs the bytes. The whole message needs no summary.
    pub(super) fn write(
        &mut self,
        mail: &Mail,
        item: &FetchItem,
        summary: Option<&Summary>,
        fetch: &mut FetchWriter<'_>,
    ) -> Result<Written, Stop> {
        match item {
            FetchItem::Section { section, partial, .. } => {
                let origin = partial.map(|partial| partial.offset);
                if *section == Section::WHOLE {
                    let range = window(0..self.size, *partial);
                    fetch.section_head(section, origin, range.end - range.start);
                    return self.verbatim(mail, range, fetch);
                }
                let Some(cut) = summary.and_then(|summary| summary.parts().cut(section)) else {
                    fetch.section_missing(section, origin);
                    return Ok(Written::Whole);
                };
                if cut.is_verbatim() {
                    let range = window(wide(cut.range()), *partial);
                    fetch.section_head(section, origin, range.end - range.start);
                    return self.verbatim(mail, range, fetch);
                }
                let bytes = self.bytes(mail, wide(cut.range()))?;
                let bytes = cut.of(&bytes);
                let bytes = partial.map_or(bytes.clone(), |partial| windowed(bytes, partial));
                fetch.section(section, origin, &bytes);
            }
            FetchItem::Legacy(legacy) => {
                let section = legacy.section();
                let cut = summary.and_then(|summary| summary.parts().cut(&section));
                let range = match cut {
                    _ if section == Section::WHOLE => 0..self.size,
                    cut => cut.map_or(0..0, |cut| wide(cut.range())),
                };
                fetch.legacy_head(*legacy, range.end - range.start);
                return self.verbatim(mail, range, fetch);
            }
            FetchItem::Binary { part, partial, .. } => {
                let origin = partial.map(|partial| partial.offset);
                match encoded(summary, part) {
                    Ok(encoded) => {
                        let bytes = self.bytes(mail, wide(encoded.range()))?;
                        let decoded = encoded.decode(&bytes);
                        let decoded = partial.map_or(decoded.clone(), |partial| windowed(decoded, partial));
                        fetch.binary_head(part, origin, decoded.len() as u64);
                        fetch.raw(&decoded);
                    }
                    Err(BinaryError::NoSuchPart) => fetch.binary_missing(part, origin),
                    Err(BinaryError::UnknownEncoding) => return Ok(Written::UnknownEncoding),
                }
            }
            FetchItem::BinarySize(part) => match encoded(summary, part) {
                Ok(encoded) => {
                    let bytes = self.bytes(mail, wide(encoded.range()))?;
                    fetch.binary_size(part, encoded.decoded_size(&bytes));
                }
                Err(BinaryError::NoSuchPart) => fetch.binary_size(part, 0),
                Err(BinaryError::UnknownEncoding) => return Ok(Written::UnknownEncoding),
            },
            FetchItem::Flags
            | FetchItem::InternalDate
            | FetchItem::Size
            | FetchItem::Envelope
            | FetchItem::Body
            | FetchItem::BodyStructure
            | FetchItem::Uid
            | FetchItem::ModSeq
            | FetchItem::EmailId
            | FetchItem::ThreadId
            | FetchItem::SaveDate => {}
        }
        Ok(Written::Whole)
    }

    /// The next bytes of a range, as many as come at once; empty at its end.
    pub(super) fn next(&mut self, mail: &Mail, range: &mut Range<u64>) -> Result<Bytes, Stop> {
        while !range.is_empty() {
            let (index, start) = match &self.read {
                Some((_, start, blob))
                    if range.start >= *start && range.start < start + blob.len() as u64 =>
                {
                    let end = range.end.min(start + blob.len() as u64);
                    let piece = blob.slice(narrow(range.start - start)..narrow(end - start));
                    range.start = end;
                    return Ok(piece);
                }
                Some((index, start, blob)) if range.start > *start => (index + 1, start + blob.len() as u64),
                _ => (0, 0),
            };
            // The record says that there is more.
            let Some(id) = self.blobs.get(index) else {
                return Err(RecordError::Damaged { kind: "message" }.into());
            };
            self.read = Some((index, start, mail.store.blob(id)?));
        }
        Ok(Bytes::new())
    }

    /// A range that is sent as it is: at once if it is short.
    fn verbatim(
        &mut self,
        mail: &Mail,
        range: Range<u64>,
        fetch: &mut FetchWriter<'_>,
    ) -> Result<Written, Stop> {
        if range.end - range.start > SENT_AT_ONCE_MAX {
            return Ok(Written::Head(range));
        }
        let bytes = self.bytes(mail, range)?;
        fetch.raw(&bytes);
        Ok(Written::Whole)
    }

    /// A range at once.
    pub(super) fn bytes(&mut self, mail: &Mail, mut range: Range<u64>) -> Result<Bytes, Stop> {
        let first = self.next(mail, &mut range)?;
        if range.is_empty() {
            return Ok(first);
        }
        let mut whole = first.to_vec();
        loop {
            let piece = self.next(mail, &mut range)?;
            if piece.is_empty() {
                return Ok(whole.into());
            }
            whole.extend_from_slice(&piece);
        }
    }
}

fn encoded(summary: Option<&Summary>, part: &PartPath) -> Result<Encoded, BinaryError> {
    summary.ok_or(BinaryError::NoSuchPart)?.parts().encoded(part)
}

fn window(range: Range<u64>, partial: Option<Partial>) -> Range<u64> {
    let Some(partial) = partial else { return range };
    let (start, end) = partial.window(range.end - range.start);
    range.start + start..range.start + end
}

fn wide(range: Range<usize>) -> Range<u64> {
    range.start as u64..range.end as u64
}

fn narrow(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// Longer texts of a message are sent blob by blob.
const SENT_AT_ONCE_MAX: u64 = 512 << 10;
