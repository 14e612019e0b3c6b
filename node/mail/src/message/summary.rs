//! What is computed once, when a message arrives, and kept beside its entry.

use bytes::BytesMut;
use essaim_imap::InternalDate;
use essaim_imap::response::StructureForm;
use essaim_types::Timestamp;
use serde::{Deserialize, Serialize};

use super::gather::Known;
use super::ids::{ThreadIds, hashes};
use super::part::Parts;
use super::rendered;
use super::scan::{Scanned, Scanner};
use super::structure::{has_attachment, parts, structure};
use super::value::date;

/// All that a listing, a search over envelopes and a FETCH of parts need to know of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    size: u64,
    sent: Option<(Timestamp, i16)>,
    thread: ThreadIds,
    attachment: bool,
    /// The envelope does not tell all of the fields it is made of.
    lossy: bool,
    preview: String,
    envelope: Vec<u8>,
    structure: Vec<u8>,
    parts: Parts,
}

/// Makes a [`Summary`] of a message that comes in pieces. Holds at most one long line and the fields that matter.
#[derive(Debug)]
pub struct Summarizer(Scanner);

impl Summarizer {
    /// Begins a message.
    #[expect(clippy::new_without_default, reason = "an empty message is nothing to begin with")]
    pub fn new() -> Self {
        Self(Scanner::new())
    }

    /// The next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.0.push(bytes);
    }

    /// All bytes have come.
    pub fn finish(self) -> Summary {
        Summary::from_scanned(&self.0.finish())
    }
}

impl Summary {
    /// Of a whole message.
    pub fn of(raw: &[u8]) -> Self {
        let mut summarizer = Summarizer::new();
        summarizer.push(raw);
        summarizer.finish()
    }

    fn from_scanned(scanned: &Scanned) -> Self {
        let Scanned { size, entities, fields, sample } = scanned;
        let mut envelope = BytesMut::new();
        if let Some(message) = entities.first() {
            message.envelope.render(&mut envelope);
        }
        let mut extended = BytesMut::new();
        structure(entities).render(StructureForm::Extended, &mut extended);
        let ids = |field| fields.value(field).map(hashes).unwrap_or_default();
        Self {
            size: *size as u64,
            sent: fields.value(Known::Date).and_then(date).map(|sent| (sent.at, sent.zone_minutes)),
            thread: ThreadIds {
                message_id: ids(Known::MessageId).first().copied(),
                in_reply_to: ids(Known::InReplyTo),
                references: ids(Known::References),
            },
            attachment: has_attachment(entities),
            lossy: entities.first().is_none_or(|message| message.lossy),
            preview: sample.preview(),
            envelope: envelope.into(),
            structure: extended.into(),
            parts: parts(entities),
        }
    }

    /// As it is stored.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![VERSION]).expect("a summary holds nothing that postcard cannot write")
    }

    /// From what was stored. `None` if another version wrote it, or it is damaged: make it anew from the message.
    pub fn decode(stored: &[u8]) -> Option<Self> {
        let (version, fields) = stored.split_first()?;
        (*version == VERSION).then(|| postcard::from_bytes(fields).ok()).flatten()
    }

    /// RFC822.SIZE
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The moment its Date field tells, with the zone told there.
    pub fn sent(&self) -> Option<InternalDate> {
        self.sent.map(|(at, zone_minutes)| InternalDate { at, zone_minutes })
    }

    /// What joins it to its thread.
    pub fn thread(&self) -> &ThreadIds {
        &self.thread
    }

    /// Has it something that people would call an attachment?
    pub fn has_attachment(&self) -> bool {
        self.attachment
    }

    /// PREVIEW (RFC 8970): the beginning of its text, at most 200 characters; empty if it has no text.
    pub fn preview(&self) -> &str {
        &self.preview
    }

    /// ENVELOPE, as it is sent.
    pub fn envelope(&self) -> &[u8] {
        &self.envelope
    }

    /// Is there more in the fields of the envelope than it tells? Then only the header itself can say what it does not have.
    pub(super) fn is_lossy(&self) -> bool {
        self.lossy
    }

    /// BODYSTRUCTURE, as it is sent.
    pub fn body_structure(&self) -> &[u8] {
        &self.structure
    }

    /// BODY, as it is sent.
    pub fn body(&self) -> Vec<u8> {
        rendered::basic_structure(&self.structure)
    }

    /// Where the parts stand.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }
}

/// The layout of what is stored. Summaries of other versions are made anew.
const VERSION: u8 = 1;
