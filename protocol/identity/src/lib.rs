//! Who signed what: keyrings, signed records, deterministic CBOR. No clock, no disk, no randomness of its own.
//!
//! | module | |
//! |---|---|
//! | [`cbor`] | one spelling for every value, bounds for strangers |
//! | [`key`] | Ed25519 keys and signatures, peer ids |
//! | [`keys`] | small sorted sets and maps of keys |
//! | [`signed`] | records with one signature: [`Unverified`] as received, [`Signed`] once checked |
//! | [`cosigned`] | records with several, gathered offline: [`Cosigning`], [`Cosigned`] |
//! | [`keyring`] | a hoster's keys over time: [`Keyring`] |
//! | [`words`] | a root secret on paper: 24 words |
//! | [`account`] | an account over time: its log, its keys, the papers of a move |
//! | [`node`] | what a node says about itself in cards and invitations |
//! | [`invitation`] | the link by which a hoster joins |
//! | [`domain`] | TXT record and card: domain and hoster name each other |
//!
//! Bytes and rules: `specs/08-identity.md` and `specs/14-account-log.md`.
#![warn(clippy::indexing_slicing, missing_docs)]

pub mod account;
pub mod cbor;
pub mod cosigned;
pub mod domain;
pub mod invitation;
pub mod key;
pub mod keyring;
pub mod keys;
pub mod node;
pub mod signed;
pub mod words;

pub use cosigned::{Cosigned, Cosigning};
pub use key::{BadSignature, PublicKey, Signature, SigningKey};
pub use keyring::Keyring;
pub use keys::{KeyMap, KeySet};
pub use signed::{Record, RecordHash, Signed, Unverified};
