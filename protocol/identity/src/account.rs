//! An account over time: a log of signed entries, each of which says everything that is so from it on.
//!
//! [`AccountLog`] holds what was accepted of one account and answers who may serve it, at a time and by the word of given
//! witnesses. The answer is a function of the *set* of entries and receipts, not of their order. The member's keys outrank
//! the host's: a host alone neither moves an account nor changes its keys (`specs/14-account-log.md`).
//!
//! | module | |
//! |---|---|
//! | `entry` | one entry, its kinds, and what must be right about it alone |
//! | `rules` | which entry may follow which, and who must have signed |
//! | `log`, `state` | the set of entries; which of them stand |
//! | `witness` | what other hosters sign when they have seen an entry |
//! | `draft` | how the next entry is made |
//! | `kit` | the member's 24 words and the keys made from them |
//! | `intent`, `acceptance`, `handover` | the papers of a move: consent, acceptance code, accept, receipt |
//! | `residence` | what an old hoster shows of where an account lives now |
//! | `highest` | what is remembered against rollback; the fence of a node that has just started |

mod acceptance;
mod draft;
mod entry;
mod handover;
mod highest;
mod intent;
mod kit;
mod log;
mod refusal;
mod residence;
mod rules;
mod state;
mod text;
mod values;
mod witness;

pub use acceptance::{Acceptance, AcceptanceCode, AcceptanceError};
pub use draft::{AccountDraft, first_entry};
pub use entry::{
    ADDRESSES_MAX, ENTRY_BYTES_MAX, ENTRY_SIGNATURES_MAX, ENTRY_WIRE_MAX, MEMBER_KEYS_MAX, RECOVERY_WAIT_MAX,
    RECOVERY_WAIT_MIN, REPLICAS_MAX,
};
pub use entry::{AccountEntry, Host, Kind, MoveProof, Past, Policy};
pub use handover::{HandoverFault, MoveAccept, MoveReceipt};
pub use highest::{BootFence, Fence, Highest, RolledBack};
pub use intent::{ConsentText, IntentFault, MoveIntent};
pub use kit::Kit;
pub use log::{Accepted, AccountLog, HOST_ENTRIES_MAX, OTHER_ENTRIES_MAX};
pub use refusal::{EntryFault, Field, Refusal};
pub use residence::{RESIDENCE_BYTES_MAX, Residence, ResidenceFault, Shown};
pub use rules::{FREEZE_MAX, FREEZE_REST};
pub use state::{AccountState, CLOCK_SKEW_MAX, OVERRIDE_WINDOW, Waiting};
pub use text::TextError;
pub use values::{
    AddressCommit, AddressSalt, Authority, Epoch, MoveId, RecoveryHash, Role, Roles, Seq, StateRoot,
};
pub use witness::{Equivocation, ReceiptFault, WITNESSES_MAX, WitnessReceipt, WitnessRefusal, Witnesses};

/// How long a consent or an acceptance code is good at most.
pub const PAPER_LIFETIME_MAX: std::time::Duration = std::time::Duration::from_hours(14 * 24);
