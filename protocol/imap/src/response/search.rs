//! SEARCH and ESEARCH responses: RFC 3501 section 7.2.5, RFC 9051 section 7.3.5, RFC 7162 section 3.1.6.

use bytes::{BufMut, BytesMut};
use essaim_types::ModSeq;

use super::{Encoder, NumberSet, text};
use crate::{Numbering, Tag};

impl Encoder<'_> {
    /// `* SEARCH 2 84 882`, with `(MODSEQ 917162500)` if the key asked for mod-sequences and something was found.
    pub fn search(&mut self, found: impl IntoIterator<Item = u32>, highest: Option<ModSeq>) {
        self.out.put_slice(b"* SEARCH");
        let mut any = false;
        for number in found {
            any = true;
            self.out.put_u8(b' ');
            text::number(self.out, u64::from(number));
        }
        if let Some(highest) = highest.filter(|_| any) {
            self.out.put_slice(b" (MODSEQ ");
            text::number(self.out, highest.0);
            self.out.put_u8(b')');
        }
        self.out.put_slice(b"\r\n");
    }

    /// `* ESEARCH (TAG "A282") UID MIN 2 COUNT 3`: begins it; the items follow, then [`EsearchWriter::finish`].
    pub fn esearch(&mut self, tag: &Tag, numbering: Numbering) -> EsearchWriter<'_> {
        self.out.put_slice(b"* ESEARCH (TAG ");
        text::string(self.out, tag.as_bytes(), self.enabled);
        self.out.put_slice(if numbering == Numbering::Uid { b") UID" } else { b")" });
        EsearchWriter { out: self.out }
    }
}

/// The items of an ESEARCH response. MIN, MAX and ALL are left out if nothing was found.
#[derive(Debug)]
#[must_use = "the line ends with `finish`"]
pub struct EsearchWriter<'a> {
    out: &'a mut BytesMut,
}

impl EsearchWriter<'_> {
    /// The lowest number found, if any.
    pub fn min(self, min: Option<u32>) -> Self {
        self.item(" MIN ", min.map(u64::from))
    }

    /// The highest number found, if any.
    pub fn max(self, max: Option<u32>) -> Self {
        self.item(" MAX ", max.map(u64::from))
    }

    /// How many were found.
    pub fn count(self, count: u32) -> Self {
        self.item(" COUNT ", Some(u64::from(count)))
    }

    /// All that were found, ascending.
    pub fn all(self, found: &NumberSet) -> Self {
        if !found.is_empty() {
            self.out.put_slice(b" ALL ");
            found.write(self.out);
        }
        self
    }

    /// The highest mod-sequence among those told (RFC 7162 section 3.1.5), if the key asked and something was found.
    pub fn mod_seq(self, highest: Option<ModSeq>) -> Self {
        self.item(" MODSEQ ", highest.map(|mod_seq| mod_seq.0))
    }

    /// Ends the line.
    pub fn finish(self) {
        self.out.put_slice(b"\r\n");
    }

    fn item(self, name: &str, value: Option<u64>) -> Self {
        if let Some(value) = value {
            self.out.put_slice(name.as_bytes());
            text::number(self.out, value);
        }
        self
    }
}
