//! What is imported from: messages one after another, each in pieces.

use std::io;
use std::path::PathBuf;

use essaim_types::Timestamp;

use crate::record::SystemFlags;

/// Messages that come from elsewhere, in the order in which they are to be numbered.
pub trait Source {
    /// The mailboxes that there are, also empty ones, as far as known before reading.
    fn mailboxes(&self) -> Vec<String>;

    /// How much there is, for the progress bar.
    fn total(&self) -> Amount;

    /// The next message. Its bytes go to `sink` piece by piece, lines ended by CRLF, before its other properties are known; if
    /// the result is not a message, what went to `sink` counts for nothing. `None` after the last.
    fn next(&mut self, sink: &mut Sink<'_>) -> Result<Option<Item>, SourceError>;

    /// How much has been read.
    fn position(&self) -> Amount;
}

/// Takes the bytes of a message; when it refuses, reading stops.
pub type Sink<'a> = dyn FnMut(&[u8]) -> Result<(), SinkFull> + 'a;

/// The sink takes no more; it knows why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SinkFull;

/// How much there is, or was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    Messages(u64),
    Bytes(u64),
}

/// What stood at one place of the source.
#[derive(Debug)]
pub enum Item {
    /// A message, and what the source says about it.
    Message(Found),
    /// Something that looks like a message but is another program's note to itself.
    NotMail,
    /// Something that could not be read. The next may be better.
    Unreadable {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What a source says about a message, besides its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Name of the mailbox, levels separated by `/`.
    pub mailbox: String,
    /// System flags.
    pub flags: SystemFlags,
    /// Keywords, such as `$Forwarded`.
    pub keywords: Vec<String>,
    /// When it was delivered.
    pub internal_date: Option<Timestamp>,
}

/// Why nothing more can be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("could not read {path}", path = path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} holds no Maildir: expected a directory with `cur` and `new`, or directories of such", path = path.display())]
    NotAMaildir { path: PathBuf },
    #[error("{path} is not an mbox file: its first line does not begin with `From `", path = path.display())]
    NotAnMbox { path: PathBuf },
    #[error("{path} has over {max} directories: name the folder that holds the mail", path = path.display())]
    TooManyDirectories { path: PathBuf, max: usize },
    #[error("the import was stopped by its receiver")]
    SinkFull,
}

impl From<SinkFull> for SourceError {
    fn from(_: SinkFull) -> Self {
        Self::SinkFull
    }
}
