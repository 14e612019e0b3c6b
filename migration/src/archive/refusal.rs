//! Why an archive is refused: which object, where, and what is wrong with it.

use std::fmt;
use std::io;

use essaim_identity::BadSignature;
use essaim_identity::cbor::CborError;
use essaim_types::BlobId;

use super::path::PathFault;

/// An archive that is not taken. Nothing after the place named was looked at.
#[derive(Debug, thiserror::Error)]
#[error("{object}: {why}")]
pub struct Refusal {
    /// The file in the archive, or the part of it, as a person finds it.
    pub object: String,
    /// Bytes of the archive, as they come, before the frame in which it was found.
    pub offset: u64,
    /// What is wrong.
    #[source]
    pub why: Why,
}

/// Why reading stopped before the end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError<E> {
    /// The source of the bytes failed; the archive may be well.
    #[error("the archive could not be read")]
    Source(#[source] io::Error),
    /// The archive is not taken.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Whoever receives what is read gave up.
    #[error("what was read could not be kept")]
    Receiver(#[source] E),
}

/// What is wrong.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Not a zstd frame as archives have them (RFC 8878): no checksum, another window, a skippable frame.
    #[error("this is not a frame of an archive (zstd, with its size and a checksum)")]
    NotAFrame,
    /// More than `FRAME_MAX` bytes in one frame.
    #[error("a frame says that it holds {bytes} bytes; {max} are allowed")]
    FrameTooLarge {
        /// What it says.
        bytes: u64,
        /// `FRAME_MAX`.
        max: u64,
    },
    /// More than `RATIO_MAX`.
    #[error("a frame of {stored} bytes would grow to {plain}: more than {max} times as many")]
    Bomb {
        /// Bytes of the frame.
        stored: u64,
        /// Bytes that it gives.
        plain: u64,
        /// `RATIO_MAX`.
        max: u64,
    },
    /// The frame does not decode.
    #[error("the bytes are damaged ({0})")]
    Damaged(String),
    /// The bytes end too early.
    #[error("the archive is cut off here")]
    CutOff,
    /// Bytes after the end, or between objects.
    #[error("bytes stand here that belong to nothing")]
    Stray,
    /// Not a tar header as archives have them.
    #[error("the tar header is damaged, or not as archives write it")]
    Header,
    /// A link, a device, a directory.
    #[error("it is a {0}; an archive holds plain files only")]
    NotAFile(&'static str),
    /// A name that an archive may not have.
    #[error(transparent)]
    Path(#[from] PathFault),
    /// A name that was there before, or that some file systems do not tell from one that was.
    #[error("this name was there before, or one that differs in case or accents' spelling only")]
    Duplicate,
    /// Messages of a mailbox come with growing UIDs; so none comes twice.
    #[error("its UID is not above that of the message before, {last}")]
    UidOrder {
        /// The UID of the message before.
        last: u32,
    },
    /// More than `MAILBOXES_MAX`.
    #[error("there are more than {max} mailboxes")]
    TooManyMailboxes {
        /// `MAILBOXES_MAX`.
        max: usize,
    },
    /// More than `NAMES_MAX`.
    #[error("there are more than {max} names")]
    TooManyNames {
        /// `NAMES_MAX`.
        max: usize,
    },
    /// Longer than it may be.
    #[error("it has {bytes} bytes; {max} are allowed")]
    TooLong {
        /// What its header says.
        bytes: u64,
        /// The limit for this kind of file.
        max: u64,
    },
    /// The whole is larger than whoever reads it allows.
    #[error("with it the archive holds {total} {unit}; {max} are allowed here")]
    OverTotal {
        /// With this one.
        total: u64,
        /// The limit.
        max: u64,
        /// What is counted.
        unit: &'static str,
    },
    /// Something else should stand here.
    #[error("{expected} should stand here")]
    Unexpected {
        /// What should.
        expected: String,
    },
    /// A page of objects that is not one.
    #[error("it is not a page of objects: {0}")]
    Page(CborError),
    /// An object of a page that contradicts itself.
    #[error("object {number} of the page is not possible: {reason}")]
    Object {
        /// Its number in the page, from 0.
        number: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// Content that is not what its object names.
    #[error("its bytes at {offset} are not blob {blob}")]
    Blob {
        /// Which was named.
        blob: BlobId,
        /// Where in the file.
        offset: u64,
    },
    /// A file of JSON that is not as archives have it.
    #[error("it says something impossible: {0}")]
    Json(String),
    /// The manifest names other bytes.
    #[error("it is not what the manifest says of it: {0}")]
    Manifest(&'static str),
    /// The seal names another root or other totals.
    #[error("the seal is of other content: {0} differs")]
    Seal(&'static str),
    /// The seal is not a record.
    #[error("the seal is damaged: {0}")]
    SealForm(CborError),
    /// Nobody signed this.
    #[error(transparent)]
    Signature(#[from] BadSignature),
}

impl<E> ReadError<E> {
    pub(super) fn refuse(object: impl fmt::Display, offset: u64, why: Why) -> Self {
        Self::Refused(Refusal { object: object.to_string(), offset, why })
    }
}
