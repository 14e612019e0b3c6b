//! What the two nodes say before bytes are carried: each message is four bytes of length, big-endian, then one value in deterministic CBOR.

use std::fmt;
use std::net::IpAddr;

use essaim_identity::cbor::{self, Bounded, CborError};
use essaim_types::{ListingId, Secret};
use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

/// The first message, of the old hoster: somebody logs in to an account that has moved.
#[derive(Clone, Encode, Decode)]
#[cbor(map)]
pub struct Handover {
    /// The address at the old hoster that was logged in with.
    #[n(0)]
    pub address: String,
    /// The password, looked at by nobody yet.
    #[n(1)]
    #[cbor(with = "secret")]
    pub password: Secret,
    /// Where the client is.
    #[n(2)]
    #[cbor(with = "ip")]
    pub client: IpAddr,
    /// What it speaks, and how far it is.
    #[n(3)]
    pub service: Service,
    /// What is wanted.
    #[n(4)]
    pub wish: Wish,
}

/// What the client speaks, with what the new hoster needs to go on in the middle.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Service {
    /// IMAP, at a LOGIN or AUTHENTICATE with this tag.
    #[n(0)]
    Imap {
        /// The tag.
        #[n(0)]
        tag: String,
    },
    /// Submission, at AUTH.
    #[n(1)]
    Submission {
        /// The name that the client gave with EHLO.
        #[n(0)]
        hello: String,
        /// How its connection to the old hoster is encrypted.
        #[n(1)]
        tls: Option<String>,
    },
}

/// Why the login is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Wish {
    /// The session goes on at the new hoster.
    #[n(0)]
    Serve,
    /// Only whether the password is right: to whom it is, the old hoster tells where the account is now.
    #[n(1)]
    Check,
}

/// The answer of the new hoster.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Answer {
    /// The password is right. If it was wished, the session follows.
    #[n(0)]
    Welcome,
    /// The client is to be told no.
    #[n(1)]
    Refused(#[n(0)] Refusal),
    /// The account has moved on from here; the password was not looked at.
    #[n(2)]
    Elsewhere {
        /// To this hoster.
        #[n(0)]
        #[cbor(with = "essaim_identity::cbor::with::listing")]
        listing: ListingId,
        /// Its domain.
        #[n(1)]
        to: String,
        /// The member's address there.
        #[n(2)]
        address: String,
    },
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Refusal {
    /// The password is wrong.
    #[n(0)]
    Wrong,
    /// Too many wrong ones; the password was not looked at.
    #[n(1)]
    Throttled {
        /// Seconds to wait.
        #[n(0)]
        seconds: u32,
    },
    /// The password is right, and the account is disabled.
    #[n(2)]
    Disabled,
    /// Too much at this moment.
    #[n(3)]
    Busy,
    /// No account here had this address at the hoster that asks.
    #[n(4)]
    Unknown,
}

impl Bounded for Handover {
    const BYTES_MAX: usize = MESSAGE_BYTES_MAX;
    const DEPTH_MAX: usize = 3;
}

impl Bounded for Answer {
    const BYTES_MAX: usize = MESSAGE_BYTES_MAX;
    const DEPTH_MAX: usize = 4;
}

/// A message with its length before it; wiped when dropped, for there may be a password in it.
pub fn write<T: Bounded>(message: &T) -> Zeroizing<Vec<u8>> {
    let body = Zeroizing::new(cbor::encode(message));
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    Zeroizing::new([&length.to_be_bytes(), body.as_slice()].concat())
}

/// The length that four bytes announce; `None` if it is more than a message has.
pub fn length(head: [u8; 4]) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(head)).ok().filter(|length| *length <= MESSAGE_BYTES_MAX)
}

/// The message in exactly these bytes.
///
/// # Errors
/// Anything else.
pub fn read<T: Bounded>(body: &[u8]) -> Result<T, CborError> {
    cbor::decode(body)
}

impl fmt::Debug for Handover {
    /// Who it is stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handover")
            .field("service", &self.service)
            .field("wish", &self.wish)
            .finish_non_exhaustive()
    }
}

/// A message: an address, a password as long as IMAP and SMTP take them, a tag or two names.
pub const MESSAGE_BYTES_MAX: usize = 16 << 10;

mod secret {
    use essaim_types::Secret;
    use minicbor::decode::Error as Unread;
    use minicbor::encode::{Error as Unwritten, Write};
    use minicbor::{Decoder, Encoder};

    pub(super) fn encode<C, W: Write>(
        secret: &Secret,
        to: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), Unwritten<W::Error>> {
        to.str(secret.expose())?.ok()
    }

    pub(super) fn decode<C>(from: &mut Decoder<'_>, _: &mut C) -> Result<Secret, Unread> {
        Ok(Secret::new(from.str()?))
    }
}

/// Four or sixteen bytes.
mod ip {
    use std::net::IpAddr;

    use minicbor::decode::Error as Unread;
    use minicbor::encode::{Error as Unwritten, Write};
    use minicbor::{Decoder, Encoder};

    pub(super) fn encode<C, W: Write>(
        ip: &IpAddr,
        to: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), Unwritten<W::Error>> {
        match ip.to_canonical() {
            IpAddr::V4(ip) => to.bytes(&ip.octets())?.ok(),
            IpAddr::V6(ip) => to.bytes(&ip.octets())?.ok(),
        }
    }

    pub(super) fn decode<C>(from: &mut Decoder<'_>, _: &mut C) -> Result<IpAddr, Unread> {
        let bytes = from.bytes()?;
        let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
        let ip = four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from));
        // One spelling: an IPv4 address is not written in sixteen bytes.
        let ip = ip.ok().filter(|ip| *ip == ip.to_canonical());
        ip.ok_or_else(|| Unread::message("this is no IP address"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handover() -> Handover {
        Handover {
            address: "ann@a.test".to_owned(),
            password: Secret::new("secret"),
            client: "2001:db8::1".parse().unwrap(),
            service: Service::Submission { hello: "[192.0.2.1]".to_owned(), tls: Some("TLSv1.3".to_owned()) },
            wish: Wish::Check,
        }
    }

    #[test]
    fn what_is_written_is_read_and_any_other_byte_is_not_the_same() {
        let wire = write(&handover());
        let (head, body) = wire.split_at(4);
        assert_eq!(length(head.try_into().unwrap()), Some(body.len()));
        let read: Handover = read(body).unwrap();
        assert_eq!((read.address.as_str(), read.password.expose()), ("ann@a.test", "secret"));
        assert_eq!(
            (read.client, &read.service, read.wish),
            (handover().client, &handover().service, Wish::Check)
        );
        assert_eq!(write(&read), wire);
        for at in 0..body.len() {
            for change in [1, 0x20, 0x80] {
                let mut other = body.to_vec();
                if let Some(byte) = other.get_mut(at) {
                    *byte ^= change;
                }
                if let Ok(read) = super::read::<Handover>(&other) {
                    assert_eq!(write(&read).get(4..), Some(&*other), "two spellings");
                }
            }
        }
    }

    #[test]
    fn every_answer_is_read_back() {
        let refusals = [
            Refusal::Wrong,
            Refusal::Throttled { seconds: 9 },
            Refusal::Disabled,
            Refusal::Busy,
            Refusal::Unknown,
        ];
        let elsewhere = Answer::Elsewhere {
            listing: ListingId::from_bytes([7; 32]),
            to: "c.test".to_owned(),
            address: "ann@c.test".to_owned(),
        };
        for answer in refusals.map(Answer::Refused).into_iter().chain([Answer::Welcome, elsewhere]) {
            assert_eq!(read::<Answer>(&write(&answer)[4..]), Ok(answer));
        }
    }

    #[test]
    fn a_message_has_a_longest_length_and_prints_no_password() {
        let max = u32::try_from(MESSAGE_BYTES_MAX).unwrap();
        assert_eq!(length(max.to_be_bytes()), Some(MESSAGE_BYTES_MAX));
        assert_eq!(length((max + 1).to_be_bytes()), None);
        let long = Handover { password: Secret::new("x".repeat(MESSAGE_BYTES_MAX)), ..handover() };
        assert!(read::<Handover>(&write(&long)[4..]).is_err());
        let shown = format!("{:?}", handover());
        assert!(!shown.contains("secret") && !shown.contains("ann"), "{shown}");
    }
}
