//! How types of `essaim-types` are spelled in CBOR: `#[cbor(with = "essaim_identity::cbor::with::listing")]`.

macro_rules! bytes32 {
    ($(#[$doc:meta])* $name:ident, $type:ty) => {
        $(#[$doc])*
        pub mod $name {
            use minicbor::decode::Error as Unread;
            use minicbor::encode::{Error as Unwritten, Write};
            use minicbor::{Decoder, Encoder};

            /// As a byte string of 32 bytes.
            ///
            /// # Errors
            /// Those of the writer.
            pub fn encode<C, W: Write>(
                id: &$type,
                to: &mut Encoder<W>,
                _: &mut C,
            ) -> Result<(), Unwritten<W::Error>> {
                to.bytes(id.as_bytes())?.ok()
            }

            /// From a byte string of 32 bytes.
            ///
            /// # Errors
            /// Anything else.
            pub fn decode<C>(from: &mut Decoder<'_>, _: &mut C) -> Result<$type, Unread> {
                crate::cbor::with::byte_array::<32>(from).map(<$type>::from_bytes)
            }
        }
    };
}

bytes32!(
    /// The id of a listing.
    listing, essaim_types::ListingId
);
bytes32!(
    /// The id of an account.
    account, essaim_types::AccountId
);
bytes32!(
    /// The id of a blob.
    blob, essaim_types::BlobId
);

/// A point in time: a signed integer of milliseconds.
pub mod timestamp {
    use essaim_types::Timestamp;
    use minicbor::decode::Error as Unread;
    use minicbor::encode::{Error as Unwritten, Write};
    use minicbor::{Decoder, Encoder};

    /// As an integer.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn encode<C, W: Write>(
        time: &Timestamp,
        to: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), Unwritten<W::Error>> {
        to.i64(time.0)?.ok()
    }

    /// From an integer.
    ///
    /// # Errors
    /// Anything else, or one that does not fit 64 bits with a sign.
    pub fn decode<C>(from: &mut Decoder<'_>, _: &mut C) -> Result<Timestamp, Unread> {
        from.i64().map(Timestamp)
    }
}

/// A domain: text, lower case, a name in ASCII. An international name is its A-labels (RFC 5890): one name, one spelling.
pub mod domain {
    use essaim_types::Domain;
    use minicbor::decode::Error as Unread;
    use minicbor::encode::{Error as Unwritten, Write};
    use minicbor::{Decoder, Encoder};

    /// As text.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn encode<C, W: Write>(
        domain: &Domain,
        to: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), Unwritten<W::Error>> {
        to.str(domain.as_str())?.ok()
    }

    /// Whether records can name this domain: in ASCII, and not an address literal.
    pub fn is_name(domain: &Domain) -> bool {
        domain.as_str().is_ascii() && !domain.as_str().starts_with('[')
    }

    /// From text.
    ///
    /// # Errors
    /// Anything that is not a domain name.
    pub fn decode<C>(from: &mut Decoder<'_>, _: &mut C) -> Result<Domain, Unread> {
        let at = from.position();
        let text = from.str()?;
        let domain = text.parse().ok().filter(is_name);
        domain.ok_or_else(|| Unread::message("not a domain name in ASCII").at(at))
    }
}

/// A domain that may be absent; it is then left out.
pub mod maybe_domain {
    use essaim_types::Domain;
    use minicbor::decode::Error as Unread;
    use minicbor::encode::{Error as Unwritten, Write};
    use minicbor::{Decoder, Encoder};

    /// As text.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn encode<C, W: Write>(
        domain: &Option<Domain>,
        to: &mut Encoder<W>,
        c: &mut C,
    ) -> Result<(), Unwritten<W::Error>> {
        match domain {
            Some(domain) => super::domain::encode(domain, to, c),
            None => to.null()?.ok(),
        }
    }

    /// From text.
    ///
    /// # Errors
    /// Anything that is not a domain name.
    pub fn decode<C>(from: &mut Decoder<'_>, c: &mut C) -> Result<Option<Domain>, Unread> {
        super::domain::decode(from, c).map(Some)
    }

    /// Whether it is left out.
    pub fn is_nil(domain: &Option<Domain>) -> bool {
        domain.is_none()
    }

    /// What is read where it was left out.
    pub fn nil() -> Option<Option<Domain>> {
        Some(None)
    }
}

/// A list of domains: an array of texts.
pub mod domains {
    use essaim_types::Domain;
    use minicbor::decode::Error as Unread;
    use minicbor::encode::{Error as Unwritten, Write};
    use minicbor::{Decoder, Encoder};

    /// As an array.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn encode<C, W: Write>(
        domains: &[Domain],
        to: &mut Encoder<W>,
        c: &mut C,
    ) -> Result<(), Unwritten<W::Error>> {
        to.array(u64::try_from(domains.len()).unwrap_or(u64::MAX))?;
        domains.iter().try_for_each(|domain| super::domain::encode(domain, to, c))
    }

    /// From an array.
    ///
    /// # Errors
    /// Anything but domain names in it.
    pub fn decode<C>(from: &mut Decoder<'_>, c: &mut C) -> Result<Vec<Domain>, Unread> {
        let at = from.position();
        let count = from.array()?.ok_or_else(|| Unread::message("of no definite length").at(at))?;
        (0..count).map(|_| super::domain::decode(from, c)).collect()
    }
}

/// A point in time in whole seconds since 1970; what is smaller is cut off.
pub mod seconds {
    use essaim_types::Timestamp;
    use minicbor::decode::Error as Unread;
    use minicbor::encode::{Error as Unwritten, Write};
    use minicbor::{Decoder, Encoder};

    /// As an integer.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn encode<C, W: Write>(
        time: &Timestamp,
        to: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), Unwritten<W::Error>> {
        to.i64(time.seconds())?.ok()
    }

    /// From an integer. Times that milliseconds cannot hold come back as others and so have no spelling that is read.
    ///
    /// # Errors
    /// Anything else, or one that does not fit 64 bits with a sign.
    pub fn decode<C>(from: &mut Decoder<'_>, _: &mut C) -> Result<Timestamp, Unread> {
        from.i64().map(Timestamp::from_seconds)
    }
}

/// The same of a time that may be absent; it is then left out.
pub mod maybe_seconds {
    use essaim_types::Timestamp;
    use minicbor::decode::Error as Unread;
    use minicbor::encode::{Error as Unwritten, Write};
    use minicbor::{Decoder, Encoder};

    /// As an integer.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn encode<C, W: Write>(
        time: &Option<Timestamp>,
        to: &mut Encoder<W>,
        c: &mut C,
    ) -> Result<(), Unwritten<W::Error>> {
        match time {
            Some(time) => super::seconds::encode(time, to, c),
            None => to.null()?.ok(),
        }
    }

    /// From an integer.
    ///
    /// # Errors
    /// Those of [`super::seconds::decode`].
    pub fn decode<C>(from: &mut Decoder<'_>, c: &mut C) -> Result<Option<Timestamp>, Unread> {
        super::seconds::decode(from, c).map(Some)
    }

    /// Whether it is left out.
    pub fn is_nil(time: &Option<Timestamp>) -> bool {
        time.is_none()
    }

    /// What is read where it was left out.
    pub fn nil() -> Option<Option<Timestamp>> {
        Some(None)
    }
}

/// A list of listings: an array of byte strings of 32 bytes.
pub mod listings {
    use essaim_types::ListingId;
    use minicbor::decode::Error as Unread;
    use minicbor::encode::{Error as Unwritten, Write};
    use minicbor::{Decoder, Encoder};

    /// As an array.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn encode<C, W: Write>(
        listings: &[ListingId],
        to: &mut Encoder<W>,
        c: &mut C,
    ) -> Result<(), Unwritten<W::Error>> {
        to.array(u64::try_from(listings.len()).unwrap_or(u64::MAX))?;
        listings.iter().try_for_each(|listing| super::listing::encode(listing, to, c))
    }

    /// From an array.
    ///
    /// # Errors
    /// Anything but listings in it.
    pub fn decode<C>(from: &mut Decoder<'_>, c: &mut C) -> Result<Vec<ListingId>, Unread> {
        let at = from.position();
        let count = from.array()?.ok_or_else(|| Unread::message("of no definite length").at(at))?;
        (0..count).map(|_| super::listing::decode(from, c)).collect()
    }
}

/// The number of a change: an unsigned integer.
pub mod lsn {
    use essaim_types::Lsn;
    use minicbor::decode::Error as Unread;
    use minicbor::encode::{Error as Unwritten, Write};
    use minicbor::{Decoder, Encoder};

    /// As an integer.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn encode<C, W: Write>(lsn: &Lsn, to: &mut Encoder<W>, _: &mut C) -> Result<(), Unwritten<W::Error>> {
        to.u64(lsn.0)?.ok()
    }

    /// From an integer.
    ///
    /// # Errors
    /// Anything else.
    pub fn decode<C>(from: &mut Decoder<'_>, _: &mut C) -> Result<Lsn, Unread> {
        from.u64().map(Lsn)
    }
}

/// A byte string of exactly `N` bytes.
///
/// # Errors
/// Anything else.
pub fn byte_array<const N: usize>(
    from: &mut minicbor::Decoder<'_>,
) -> Result<[u8; N], minicbor::decode::Error> {
    let at = from.position();
    from.bytes()?
        .try_into()
        .map_err(|_| minicbor::decode::Error::message(format!("not a byte string of {N} bytes")).at(at))
}

/// CBOR of a type that is an array of bytes and nothing more: a byte string of that length.
macro_rules! byte_string {
    ($type:ident) => {
        impl<C> minicbor::Encode<C> for $type {
            fn encode<W: minicbor::encode::Write>(
                &self,
                to: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                to.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $type {
            fn decode(from: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                $crate::cbor::with::byte_array(from).map(Self)
            }
        }
    };
}
pub(crate) use byte_string;
