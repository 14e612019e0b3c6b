//! Deterministic CBOR: RFC 8949 section 4.2.1, and of that only what signed records need. No tags, no floats, no lengths
//! that come later. A value has exactly one spelling; every other spelling of it is refused.
//!
//! The types themselves are derived with `minicbor`: maps with small integers as keys (`#[cbor(map)]`, ascending), absent
//! options left out, sets and maps ordered by their keys. That no second spelling is read is held here, once for all types.

use std::convert::Infallible;

use minicbor::{Decode, Decoder, Encode};

mod shape;
pub mod with;

/// A value that strangers may send: how large and how deep it may be.
pub trait Bounded: Encode<()> + for<'b> Decode<'b, ()> {
    /// The most bytes of one encoded value.
    const BYTES_MAX: usize;
    /// The most arrays and maps that may stand inside each other.
    const DEPTH_MAX: usize;
}

/// Why bytes are not a value of the type asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// Larger than `T::BYTES_MAX`. Nothing was read.
    #[error("{len} bytes; at most {max} are read")]
    TooLong {
        /// What came.
        len: usize,
        /// `T::BYTES_MAX`.
        max: usize,
    },
    /// More arrays and maps inside each other than `T::DEPTH_MAX`.
    #[error("nested deeper than {max}")]
    TooDeep {
        /// `T::DEPTH_MAX`.
        max: usize,
    },
    /// The bytes end inside the value.
    #[error("cut off after {len} bytes")]
    Truncated {
        /// What came.
        len: usize,
    },
    /// Bytes after the value.
    #[error("{extra} bytes after the value")]
    Trailing {
        /// How many.
        extra: usize,
    },
    /// A float, a tag, an indefinite length or a reserved value: never part of a record.
    #[error("byte {initial:#04x} at {at} begins something that records do not have")]
    Foreign {
        /// The initial byte of the item.
        initial: u8,
        /// Where it stands.
        at: usize,
    },
    /// Well-formed, but not this type.
    #[error("not of the expected form: {0}")]
    Form(String),
    /// Readable, but not as the encoder writes it: unsorted keys, a long integer, an unknown field.
    #[error("not the one deterministic spelling")]
    OtherSpelling,
}

/// The one spelling of the value.
pub fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    let written: Result<Vec<u8>, minicbor::encode::Error<Infallible>> = minicbor::to_vec(value);
    written.expect("our encoders fail only if the writer does, and memory does not")
}

/// Reads a value from exactly these bytes.
///
/// # Errors
/// Anything but the one spelling of a `T` within its bounds. What is read, encoded again, gives the same bytes.
pub fn decode<T: Bounded>(bytes: &[u8]) -> Result<T, CborError> {
    decode_within(bytes, T::BYTES_MAX, T::DEPTH_MAX)
}

/// The same for a type that borrows from the bytes, with the bounds as arguments.
pub(crate) fn decode_within<'b, T>(
    bytes: &'b [u8],
    bytes_max: usize,
    depth_max: usize,
) -> Result<T, CborError>
where
    T: Encode<()> + Decode<'b, ()>,
{
    if bytes.len() > bytes_max {
        return Err(CborError::TooLong { len: bytes.len(), max: bytes_max });
    }
    shape::check(bytes, depth_max)?;
    let value: T = Decoder::new(bytes).decode().map_err(|error| CborError::Form(error.to_string()))?;
    if encode(&value) != bytes {
        return Err(CborError::OtherSpelling);
    }
    Ok(value)
}
