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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Encode, Decode)]
    #[cbor(map)]
    struct Sample {
        #[n(0)]
        number: u32,
        #[n(1)]
        list: Vec<u8>,
        #[n(24)]
        maybe: Option<String>,
    }

    impl Bounded for Sample {
        const BYTES_MAX: usize = 16;
        const DEPTH_MAX: usize = 2;
    }

    fn hex(text: &str) -> Vec<u8> {
        let text = text.replace(' ', "");
        let digits = text.as_bytes().chunks(2);
        digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    #[test]
    fn a_value_has_the_spelling_of_rfc8949_4_2_1() {
        let value = Sample { number: 500, list: vec![1], maybe: Some("a".into()) };
        let bytes = encode(&value);
        assert_eq!(bytes, hex("a3 00 1901f4 01 8101 1818 6161"));
        assert_eq!(decode(&bytes), Ok(value));
        let without = Sample { number: 0, list: vec![], maybe: None };
        assert_eq!(encode(&without), hex("a200000180"));
        assert_eq!(decode(&hex("a200000180")), Ok(without));
    }

    #[test]
    fn other_spellings_of_the_same_value_are_refused() {
        let spellings = [
            ("a2000001980000", "a length with more digits than needed"),
            ("a20018000180", "an integer with more digits than needed"),
            ("a201800000", "keys out of order"),
            ("a20000018018f6", "an absent option that is spelled"),
            ("a3000001801818f6", "null for what should be left out"),
            ("a3000001800200", "an unknown field"),
            ("a3000001800000", "a key twice"),
        ];
        for (text, what) in spellings {
            assert!(decode::<Sample>(&hex(text)).is_err(), "{what}");
        }
        assert_eq!(decode::<Sample>(&hex("a201800000")), Err(CborError::OtherSpelling));
        assert_eq!(decode::<Sample>(&hex("a3000001800200")), Err(CborError::OtherSpelling));
        assert_eq!(decode::<Sample>(&hex("a20018000180")), Err(CborError::OtherSpelling));
    }

    #[test]
    fn what_is_no_value_of_the_type_is_refused_by_name() {
        let refused = |text: &str| decode::<Sample>(&hex(text)).unwrap_err();
        assert_eq!(refused(&"00".repeat(17)), CborError::TooLong { len: 17, max: 16 });
        assert!(matches!(refused("a200000181 60"), CborError::Form(_)), "a text among numbers");
        assert_eq!(refused("a2000001818100"), CborError::TooDeep { max: 2 });
        assert_eq!(refused("81818100"), CborError::TooDeep { max: 2 });
        assert_eq!(refused("a2000001"), CborError::Truncated { len: 4 });
        assert_eq!(refused("a20000018000"), CborError::Trailing { extra: 1 });
        assert_eq!(refused("bf00000180ff"), CborError::Foreign { initial: 0xbf, at: 0 });
        assert!(matches!(refused("a10000"), CborError::Form(_)));
        assert!(matches!(refused(""), CborError::Truncated { len: 0 }));
    }
}
