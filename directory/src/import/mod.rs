//! What others write of hosters, as drafts of listings: unsigned, and nothing but what somebody mentions.
//!
//! Readers only: pure and bounded. A field that no listing may have (a link without TLS, a text that turns around) is left out, and said
//! to be; a file that is none is refused with the line or field that is wrong.

pub mod chatons;
mod collect;
mod depth;
mod draft;
pub mod librehost;

use std::collections::BTreeMap;

use essaim_types::Timestamp;
use serde::{Deserialize, Serialize};

pub use crate::properties::{LINE_MAX, PROPERTIES_MAX, PropertiesError};
pub use draft::{Draft, MENTIONED_BY_MAX};

/// A hoster as a file tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The host of its home page, in ASCII, without `www.`; absent if the file names no page.
    pub domain: Option<String>,
    /// When the file says that it was written.
    pub updated: Option<Timestamp>,
    /// Fields of a listing as `essaim directory edit --set` takes them. All of them together are a possible listing.
    pub fields: BTreeMap<String, String>,
    /// What was not taken.
    pub left_out: Vec<LeftOut>,
}

/// Something in a file that no listing has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// As the file names it.
    pub field: String,
    /// Why.
    pub why: String,
}

/// Why a file is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It is larger than any such file.
    #[error("the file is larger than {FILE_MAX} bytes")]
    TooLarge,
    /// Not JSON, or a field of another type.
    #[error("line {line}, column {column}: {reason}")]
    Json {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What was expected there.
        reason: String,
    },
    /// Objects in objects in objects.
    #[error("line {line} is nested deeper than {DEPTH_MAX} levels")]
    TooDeep {
        /// From 1.
        line: usize,
    },
    /// More hosters than one file tells of.
    #[error("the file tells of more than {HOSTERS_MAX} hosters")]
    TooMany,
    /// Not Java's properties.
    #[error(transparent)]
    Properties(#[from] PropertiesError),
    /// Properties, but not of an organization.
    #[error("file.class is {class:?}, not Organization")]
    OtherClass {
        /// What it says, cut at 40 characters.
        class: String,
    },
    /// The hoster says that it has ended.
    #[error("{field} says that this hoster has closed")]
    Closed {
        /// Which field.
        field: &'static str,
    },
    /// Nothing in it is of a hoster.
    #[error("the file has no field of a hoster")]
    Nothing,
}

fn bounded(bytes: &[u8]) -> Result<&[u8], ImportError> {
    if bytes.len() > FILE_MAX { Err(ImportError::TooLarge) } else { Ok(bytes) }
}

/// Bytes of a file.
pub const FILE_MAX: usize = 1 << 20;
/// Levels of arrays and objects.
pub const DEPTH_MAX: usize = 8;
/// Hosters in one file.
pub const HOSTERS_MAX: usize = 500;
/// ISO 639-2 for a language that is not known.
const UNDETERMINED: &str = "und";
