//! A hoster's keys over time: a chain of entries, each signed by root keys of the one before.
//!
//! [`Keyring`] holds what has been accepted of one hoster's chain and answers whose signature counts. What it holds is a
//! function of the set of entries that were offered, not of their order: entries that stand at the same place do not push
//! each other out, they freeze the keyring until an entry names both (`specs/08-identity.md`, section "Forks").

mod accept;
mod draft;
mod entry;
mod history;
mod refusal;

pub use accept::Accepted;
pub use draft::{Draft, DraftError, Missing};
pub use entry::{ActorId, Cut, EntryNumber, KeyringEntry, Operator, Past, Role, Roles};
pub use entry::{CHAIN_MAX, ENTRY_BYTES_MAX, OPERATORS_MAX, REVOKED_MAX, ROOTS_MAX};
pub use history::{BRANCHES_MAX, Keyring, Standing, Status};
pub use refusal::{EntryFault, Refusal};
