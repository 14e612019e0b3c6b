//! The FETCH response: RFC 9051 section 7.5.2.

use bytes::{BufMut, BytesMut};
use essaim_types::{ModSeq, Uid};

use super::encoder::write_flags;
use super::{Encoder, text};
use crate::command::{HeaderName, Legacy, PartPath, Section, SectionText};
use crate::{Enabled, Flag, InternalDate, ObjectId};

/// The items of one FETCH response, in any order. Nothing is sent twice or left out by itself: the caller decides.
#[derive(Debug)]
#[must_use = "the response ends with `finish`"]
pub struct FetchWriter<'a> {
    out: &'a mut BytesMut,
    enabled: Enabled,
    separator: &'static [u8],
}

impl Encoder<'_> {
    /// `* 12 FETCH (..)`: begins it for the message with this sequence number.
    pub fn fetch(&mut self, sequence: u32) -> FetchWriter<'_> {
        self.out.put_slice(b"* ");
        text::number(self.out, u64::from(sequence));
        self.out.put_slice(b" FETCH ");
        FetchWriter { out: self.out, enabled: self.enabled, separator: b"(" }
    }
}

impl FetchWriter<'_> {
    /// `FLAGS (\Seen)`
    pub fn flags<'f>(&mut self, flags: impl IntoIterator<Item = &'f Flag>) {
        self.name("FLAGS ");
        write_flags(self.out, flags);
    }

    /// `UID 4827313`
    pub fn uid(&mut self, uid: Uid) {
        self.name("UID ");
        text::number(self.out, u64::from(uid.value()));
    }

    /// `MODSEQ (12121231000)`
    pub fn mod_seq(&mut self, mod_seq: ModSeq) {
        self.name("MODSEQ (");
        text::number(self.out, mod_seq.0);
        self.out.put_u8(b')');
    }

    /// `INTERNALDATE "17-Jul-1996 02:44:25 -0700"`
    pub fn internal_date(&mut self, date: InternalDate) {
        self.name("INTERNALDATE ");
        write_date(self.out, date);
    }

    /// `SAVEDATE ".."`, or NIL if the mailbox does not know it.
    pub fn save_date(&mut self, date: Option<InternalDate>) {
        self.name("SAVEDATE ");
        match date {
            Some(date) => write_date(self.out, date),
            None => self.out.put_slice(b"NIL"),
        }
    }

    /// `RFC822.SIZE 44827`
    pub fn size(&mut self, bytes: u64) {
        self.name("RFC822.SIZE ");
        text::number(self.out, bytes);
    }

    /// `EMAILID (M6d99ac3275bb4e)`
    pub fn email_id(&mut self, id: &ObjectId) {
        self.name("EMAILID (");
        self.out.put_slice(id.as_str().as_bytes());
        self.out.put_u8(b')');
    }

    /// `THREADID (T64b478a75b7ea9)`, or NIL.
    pub fn thread_id(&mut self, id: Option<&ObjectId>) {
        self.name("THREADID ");
        match id {
            None => self.out.put_slice(b"NIL"),
            Some(id) => {
                self.out.put_u8(b'(');
                self.out.put_slice(id.as_str().as_bytes());
                self.out.put_u8(b')');
            }
        }
    }

    /// `ENVELOPE (..)`, as [`Envelope::render`](super::Envelope::render) wrote it.
    pub fn envelope(&mut self, rendered: &[u8]) {
        self.name("ENVELOPE ");
        self.out.put_slice(rendered);
    }

    /// `BODY (..)`, as [`BodyStructure::render`](super::BodyStructure::render) wrote it in the basic form.
    pub fn body(&mut self, rendered: &[u8]) {
        self.name("BODY ");
        self.out.put_slice(rendered);
    }

    /// `BODYSTRUCTURE (..)`, as [`BodyStructure::render`](super::BodyStructure::render) wrote it in the extended form.
    pub fn body_structure(&mut self, rendered: &[u8]) {
        self.name("BODYSTRUCTURE ");
        self.out.put_slice(rendered);
    }

    /// `BODY[1]<0> {n}` and the bytes. `origin` is the offset of the window asked for, if one was.
    pub fn section(&mut self, section: &Section, origin: Option<u64>, bytes: &[u8]) {
        self.section_head(section, origin, bytes.len() as u64);
        self.raw(bytes);
    }

    /// `BODY[1]<0> {n}` without the bytes: exactly `length` of them must follow through [`raw`](Self::raw).
    pub fn section_head(&mut self, section: &Section, origin: Option<u64>, length: u64) {
        self.section_name(section, origin);
        text::literal_head(self.out, length);
    }

    /// `BODY[7] NIL`: there is no such section.
    pub fn section_missing(&mut self, section: &Section, origin: Option<u64>) {
        self.section_name(section, origin);
        self.out.put_slice(b"NIL");
    }

    /// `BINARY[1]<0> {n}` and the bytes; `~{n}` if there is a NUL among them, as RFC 9051 section 7.5.2 asks.
    pub fn binary(&mut self, part: &PartPath, origin: Option<u64>, bytes: &[u8]) {
        self.name("BINARY");
        self.part_and_origin(part, origin);
        if bytes.contains(&0) {
            self.out.put_u8(b'~');
        }
        text::literal_head(self.out, bytes.len() as u64);
        self.raw(bytes);
    }

    /// `BINARY[1]<0> ~{n}` without the bytes: exactly `length` of them, of any value, must follow through
    /// [`raw`](Self::raw).
    pub fn binary_head(&mut self, part: &PartPath, origin: Option<u64>, length: u64) {
        self.name("BINARY");
        self.part_and_origin(part, origin);
        self.out.put_u8(b'~');
        text::literal_head(self.out, length);
    }

    /// `BINARY[7] NIL`: there is no such part.
    pub fn binary_missing(&mut self, part: &PartPath, origin: Option<u64>) {
        self.name("BINARY");
        self.part_and_origin(part, origin);
        self.out.put_slice(b"NIL");
    }

    /// `BINARY.SIZE[1] 42`; 0 for a part that is not there.
    pub fn binary_size(&mut self, part: &PartPath, bytes: u64) {
        self.name("BINARY.SIZE");
        self.part_and_origin(part, None);
        text::number(self.out, bytes);
    }

    /// `RFC822 {n}` and its like without the bytes: exactly `length` of them must follow through [`raw`](Self::raw).
    pub fn legacy_head(&mut self, legacy: Legacy, length: u64) {
        self.name(legacy.as_str());
        self.out.put_u8(b' ');
        text::literal_head(self.out, length);
    }

    /// The next bytes of what a head announced.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.put_slice(bytes);
    }

    /// The buffer, to be sent and emptied while a long literal passes.
    pub fn buffer(&mut self) -> &mut BytesMut {
        self.out
    }

    /// Ends the response.
    pub fn finish(self) {
        // RFC 9051 section 9 wants one item at least; a caller without any would write `(`, so give it an empty list.
        self.out.put_slice(if self.separator == b"(" { b"()\r\n" } else { b")\r\n" });
    }

    fn name(&mut self, name: &str) {
        self.out.put_slice(self.separator);
        self.separator = b" ";
        self.out.put_slice(name.as_bytes());
    }

    fn section_name(&mut self, section: &Section, origin: Option<u64>) {
        self.name("BODY[");
        write_part(self.out, &section.part);
        let dot = !section.part.is_root() && section.text != SectionText::All;
        if dot {
            self.out.put_u8(b'.');
        }
        match &section.text {
            SectionText::All => {}
            SectionText::Header => self.out.put_slice(b"HEADER"),
            SectionText::Text => self.out.put_slice(b"TEXT"),
            SectionText::Mime => self.out.put_slice(b"MIME"),
            SectionText::Fields(names) => self.field_names("HEADER.FIELDS (", names),
            SectionText::FieldsExcept(names) => self.field_names("HEADER.FIELDS.NOT (", names),
        }
        self.origin(origin);
    }

    fn field_names(&mut self, head: &str, names: &[HeaderName]) {
        self.out.put_slice(head.as_bytes());
        for (at, name) in names.iter().enumerate() {
            if at > 0 {
                self.out.put_u8(b' ');
            }
            text::astring(self.out, name.as_str().as_bytes(), self.enabled);
        }
        self.out.put_u8(b')');
    }

    fn part_and_origin(&mut self, part: &PartPath, origin: Option<u64>) {
        self.out.put_u8(b'[');
        write_part(self.out, part);
        self.origin(origin);
    }

    fn origin(&mut self, origin: Option<u64>) {
        self.out.put_u8(b']');
        if let Some(origin) = origin {
            self.out.put_u8(b'<');
            text::number(self.out, origin);
            self.out.put_u8(b'>');
        }
        self.out.put_u8(b' ');
    }
}

fn write_part(out: &mut BytesMut, part: &PartPath) {
    for (at, level) in part.levels().iter().enumerate() {
        if at > 0 {
            out.put_u8(b'.');
        }
        text::number(out, u64::from(level.get()));
    }
}

/// RFC 9051 section 9 `date-time`: the day padded with a space to two characters.
fn write_date(out: &mut BytesMut, date: InternalDate) {
    let day = date.date();
    let (hour, minute, second) = date.time_of_day();
    let zone = date.zone_minutes.unsigned_abs();
    out.put_u8(b'"');
    if day.day() < 10 {
        out.put_u8(b' ');
    }
    text::number(out, u64::from(day.day()));
    out.put_u8(b'-');
    out.put_slice(day.month_name().as_bytes());
    out.put_u8(b'-');
    padded(out, day.year() / 100);
    padded(out, day.year() % 100);
    out.put_u8(b' ');
    padded(out, hour.into());
    out.put_u8(b':');
    padded(out, minute.into());
    out.put_u8(b':');
    padded(out, second.into());
    out.put_slice(if date.zone_minutes < 0 { b" -" } else { b" +" });
    padded(out, zone / 60);
    padded(out, zone % 60);
    out.put_u8(b'"');
}

fn padded(out: &mut BytesMut, value: u16) {
    if value < 10 {
        out.put_u8(b'0');
    }
    text::number(out, u64::from(value));
}
