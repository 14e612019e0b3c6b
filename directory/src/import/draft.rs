//! A hoster that is only mentioned, as a node keeps it. It is never signed, never gossiped, and not shown where a listing of the same domain is.

use std::collections::BTreeMap;

use essaim_identity::cbor::Bounded;
use essaim_types::Timestamp;
use minicbor::{Decode, Encode};

use super::Found;
use crate::listing::{Content, Listing, check_content, parse_edit};

/// A hoster that somebody mentions.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Draft {
    /// Its domain: there is one draft for each.
    #[n(0)]
    pub domain: String,
    /// Who mentions it: a domain or a name.
    #[n(1)]
    pub mentioned_by: String,
    /// When it was taken in here.
    #[cbor(n(2), with = "essaim_identity::cbor::with::timestamp")]
    pub imported: Timestamp,
    /// When the source says that it was written.
    #[cbor(n(3), with = "optional_time")]
    pub updated: Option<Timestamp>,
    /// Fields of a listing as text.
    #[n(4)]
    fields: BTreeMap<String, String>,
}

impl Draft {
    /// What a file tells of a hoster with a domain; `None` if it names none, or the source has no name that can be shown.
    pub fn new(found: Found, mentioned_by: &str, now: Timestamp) -> Option<Self> {
        check_content(Content::Line(MENTIONED_BY_MAX), mentioned_by).ok()?;
        let Found { domain, updated, fields, .. } = found;
        let domain = domain.filter(|domain| check_content(Content::Domain, domain).is_ok())?;
        Some(Self { domain, mentioned_by: mentioned_by.to_owned(), imported: now, updated, fields })
    }

    /// What is said of it, read as a listing is: the same checks hold again.
    pub fn listing(&self) -> Listing {
        let edits = self.fields.iter().filter_map(|(key, text)| parse_edit(key, text).ok());
        let fields = edits.filter_map(|edit| Some((edit.key, edit.value?))).collect();
        Listing::read(&fields)
    }
}

mod optional_time {
    use essaim_types::Timestamp;
    use minicbor::decode::Error;
    use minicbor::encode::Write;
    use minicbor::{Decoder, Encoder};

    pub(super) fn encode<C, W: Write>(
        time: &Option<Timestamp>,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.encode(time.map(|time| time.0))?.ok()
    }

    pub(super) fn decode<C>(decoder: &mut Decoder<'_>, _: &mut C) -> Result<Option<Timestamp>, Error> {
        Ok(decoder.decode::<Option<i64>>()?.map(Timestamp))
    }
}

impl Bounded for Draft {
    /// The fields of a listing are at most 20 KiB.
    const BYTES_MAX: usize = 24 << 10;
    const DEPTH_MAX: usize = 3;
}

/// Bytes of the name of a source.
pub const MENTIONED_BY_MAX: usize = 80;
