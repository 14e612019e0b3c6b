//! One message: what IMAP asks of its bytes.
//!
//! [`Summary`] is computed once at arrival and kept; from it envelopes are listed and sections cut without reading the message
//! anew. [`Content`] seeks texts in the message itself. Neither fails on any bytes: what a message leaves unclear is
//! decided here, once, and every limit has a name.

mod charset;
mod content;
mod entity;
mod envelope;
mod fields;
mod gather;
mod head;
mod ids;
mod lines;
mod mime;
mod needle;
mod part;
mod plain;
mod preview;
mod rendered;
mod scan;
mod section;
mod structure;
mod summary;
mod transfer;
mod value;

#[cfg(test)]
mod check;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod measure;

pub use content::Content;
pub use gather::FIELD_MAX;
pub use ids::{IdHash, REFERENCES_MAX, ThreadIds};
pub use needle::Needle;
pub use part::{Part, PartKind, Parts};
pub use preview::PREVIEW_CHARS_MAX;
pub use section::{BinaryError, Cut, Encoded, windowed};
pub use summary::{Summarizer, Summary};
pub use transfer::{Decoder, Encoding};

/// How deep a message is looked into; what is deeper is one part, application/octet-stream.
pub const DEPTH_MAX: usize = essaim_imap::response::BodyStructure::DEPTH_MAX;

/// How many parts are told apart; the last one is all the rest.
pub const PARTS_MAX: usize = 5_000;

/// How many bytes of text ENVELOPE may have; what does not fit is left out.
pub const ENVELOPE_MAX: usize = 192 * 1024;

/// How many bytes BODYSTRUCTURE may have, within a few; after that no more parts are told apart. Together with the
/// rest a summary stays below the store's limit of 1 MiB for a value.
pub const STRUCTURE_MAX: usize = 640 * 1024;
