//! A signature counts for one record, one version, exactly these bytes, and this key.

use essaim_identity::cbor::{self, Bounded, CborError};
use essaim_identity::cosigned::{MergeError, SIGNATURES_MAX};
use essaim_identity::{
    BadSignature, Cosigning, PublicKey, Record, Signature, Signed, SigningKey, Unverified,
};
use minicbor::{Decode, Encode};

/// A record of another crate, as small as can be.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Note {
    #[n(0)]
    text: String,
}

impl Bounded for Note {
    const BYTES_MAX: usize = 64;
    const DEPTH_MAX: usize = 1;
}

impl Record for Note {
    const NAME: &'static str = "note/1";
}

/// The same bytes under another name.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Warning {
    #[n(0)]
    text: String,
}

impl Bounded for Warning {
    const BYTES_MAX: usize = 256;
    const DEPTH_MAX: usize = 1;
}

impl Record for Warning {
    const NAME: &'static str = "note/2";
}

#[test]
fn a_record_reads_back_as_signed() {
    let signed = Signed::sign(&note(), &key(1)).unwrap();
    let wire = signed.to_wire();
    let read = Unverified::<Note>::parse(&wire).unwrap();
    assert_eq!(read.claims(), &note());
    assert_eq!(read.hash(), signed.hash());
    assert_eq!(read.to_wire(), wire);
    let read = read.verify(&key(1).public()).unwrap();
    assert_eq!(read, signed);
    assert_eq!(read.bytes(), cbor::encode(&note()));
    assert_eq!(read.signer(), &key(1).public());
    assert_eq!(read.signature().as_bytes(), &wire[wire.len() - 64..]);
    assert_eq!(read.into_record(), note());
}

#[test]
fn what_is_signed_is_name_zero_and_bytes() {
    let signed = Signed::sign(&note(), &key(1)).unwrap();
    let message = [b"essaim/note/1\0", signed.bytes()].concat();
    assert_eq!(*signed.signature(), key(1).sign(&message));
    assert_eq!(signed.hash().as_bytes(), blake3::hash(&message).as_bytes());
}

#[test]
fn another_key_another_record_or_another_signature_does_not_verify() {
    let wire = Signed::sign(&note(), &key(1)).unwrap().to_wire();
    let other = key(2).public();
    assert_eq!(Unverified::<Note>::parse(&wire).unwrap().verify(&other), Err(BadSignature { key: other }));
    let renamed = Unverified::<Warning>::parse(&wire).unwrap();
    assert_ne!(renamed.hash(), Unverified::<Note>::parse(&wire).unwrap().hash());
    assert!(renamed.verify(&key(1).public()).is_err());
    let mut forged = wire;
    *forged.last_mut().unwrap() ^= 1;
    assert!(Unverified::<Note>::parse(&forged).unwrap().verify(&key(1).public()).is_err());
}

#[test]
fn a_signature_has_one_spelling_too() {
    // s + L verifies where only the equation is looked at; RFC 8032 section 5.1.7 wants s < L.
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut bytes = *key(1).sign(b"message").as_bytes();
    let mut carry = 0u16;
    for (byte, add) in bytes[32..].iter_mut().zip(order) {
        carry += u16::from(*byte) + u16::from(add);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    assert_eq!(carry, 0);
    assert!(key(1).public().verify(b"message", &Signature::from_bytes(bytes)).is_err());
}

#[test]
fn a_signature_whose_r_is_of_small_order_is_refused() {
    // Chalkias, Garillot, Nikolaenko: Taming the many EdDSAs (2020), table 5, vector 2. Some libraries accept it.
    let key = "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43";
    let message = "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab";
    let signature = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa\
                     8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e";
    let key = PublicKey::from_bytes(hex(key).try_into().unwrap()).unwrap();
    let signature = Signature::from_bytes(hex(signature).try_into().unwrap());
    assert_eq!(key.verify(&hex(message), &signature), Err(BadSignature { key }));
}

#[test]
fn what_others_would_refuse_is_not_signed() {
    let long = Note { text: "a".repeat(61) };
    assert_eq!(Signed::sign(&long, &key(1)), Err(CborError::TooLong { len: 65, max: 64 }));
    assert_eq!(Cosigning::propose(&long), Err(CborError::TooLong { len: 65, max: 64 }));
    let longest = Note { text: "a".repeat(60) };
    let wire = Signed::sign(&longest, &key(1)).unwrap().to_wire();
    assert!(Unverified::<Note>::parse(&wire).is_ok());
    assert!(matches!(Unverified::<Note>::parse(&[0; 137]), Err(CborError::TooLong { len: 137, max: 136 })));
}

#[test]
fn signatures_of_several_are_gathered() {
    let mut proposal = Cosigning::propose(&note()).unwrap();
    let empty = proposal.clone();
    proposal.sign(&key(1)).unwrap();
    let mut copy = empty.clone();
    copy.sign(&key(2)).unwrap();
    proposal.merge(&copy).unwrap();
    proposal.merge(&empty).unwrap();
    let both = keys(&[1, 2]);
    assert_eq!(sorted(proposal.signers()), both);
    assert_eq!(proposal.hash(), empty.hash(), "who signs does not change what is signed");
    assert_eq!(proposal.hash(), Signed::sign(&note(), &key(7)).unwrap().hash());

    let read = Cosigning::<Note>::parse(&proposal.to_wire()).unwrap();
    assert_eq!(read, proposal);
    let checked = read.verify().unwrap();
    assert_eq!(checked.record(), &note());
    assert_eq!(checked.bytes(), cbor::encode(&note()));
    assert_eq!(sorted(checked.signers()), both);
    assert_eq!(checked.into_unverified(), proposal);
}

#[test]
fn one_false_signature_spoils_all() {
    let mut proposal = Cosigning::propose(&note()).unwrap();
    proposal.sign(&key(1)).unwrap();
    proposal.sign(&key(2)).unwrap();
    let mut wire = proposal.to_wire();
    *wire.last_mut().unwrap() ^= 1;
    let last = *keys(&[1, 2]).last().unwrap();
    assert_eq!(Cosigning::<Note>::parse(&wire).unwrap().verify(), Err(BadSignature { key: last }));
}

#[test]
fn signatures_of_something_else_and_too_many_are_not_merged() {
    let mut proposal = Cosigning::propose(&note()).unwrap();
    let other = Cosigning::propose(&Note { text: "other".into() }).unwrap();
    let error = MergeError::OtherRecord { ours: proposal.hash(), theirs: other.hash() };
    assert_eq!(proposal.merge(&other), Err(error));

    let mut more = proposal.clone();
    for n in 0..u8::try_from(SIGNATURES_MAX).unwrap() {
        proposal.sign(&key(n)).unwrap();
    }
    assert_eq!(proposal.sign(&key(100)), Err(MergeError::TooMany));
    assert_eq!(proposal.sign(&key(3)), Ok(()), "one who signs again takes no new place");
    more.sign(&key(100)).unwrap();
    assert_eq!(proposal.merge(&more), Err(MergeError::TooMany));
    assert!(Cosigning::<Note>::parse(&proposal.to_wire()).unwrap().verify().is_ok());
}

#[test]
fn more_signatures_than_a_record_has_are_not_read() {
    let mut entries: Vec<(PublicKey, Signature)> =
        (0..11).map(|n| (key(n).public(), key(n).sign(b""))).collect();
    entries.sort_by_key(|(key, _)| *key);
    let mut wire = vec![0x82, 0x43, 0xa1, 0x00, 0x60, 0xab];
    for (key, signature) in &entries {
        wire.extend(cbor::encode(key));
        wire.extend(cbor::encode(signature));
    }
    let refused = Cosigning::<Warning>::parse(&wire).unwrap_err();
    assert_eq!(refused, CborError::Form("more than 10 signatures".into()));
    // In another order than that of the keys: the same signatures, but not the one spelling.
    let mut wire = vec![0x82, 0x43, 0xa1, 0x00, 0x60, 0xa2];
    for (key, signature) in [entries[1], entries[0]] {
        wire.extend(cbor::encode(&key));
        wire.extend(cbor::encode(&signature));
    }
    assert_eq!(Cosigning::<Note>::parse(&wire), Err(CborError::OtherSpelling));
}

fn hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn note() -> Note {
    Note { text: "bonjour".into() }
}

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32])
}

fn keys(numbers: &[u8]) -> Vec<PublicKey> {
    let mut keys: Vec<_> = numbers.iter().map(|n| key(*n).public()).collect();
    keys.sort();
    keys
}

fn sorted<'a>(keys: impl Iterator<Item = &'a PublicKey>) -> Vec<PublicKey> {
    keys.copied().collect()
}
