//! Of what several holders say that they have, which is the last state of the account, and whom not to believe.

use essaim_identity::account::{AccountLog, Epoch};
use essaim_identity::{RecordHash, Signed};
use essaim_types::{AccountId, ListingId, Lsn};

use super::held::{Form, Held, SealFault};
use crate::archive::{Root, Seal};

/// A replica that may be what it says. Its bytes are still to be held against its seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Who has it.
    pub holder: ListingId,
    /// How it is read.
    pub form: Form,
    /// What it is, signed by the host that the log names.
    pub seal: Seal,
    /// Its bytes.
    pub length: u64,
}

/// Why a replica is not looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// Nobody has signed it.
    #[error(transparent)]
    Seal(#[from] SealFault),
    /// Of another account.
    #[error("it is of account {theirs}")]
    OtherAccount {
        /// Of which.
        theirs: AccountId,
    },
    /// It has changes only.
    #[error("it has only what changed since another")]
    Partial,
    /// Its entry is none of those that the head stands on.
    #[error("the account's log has no entry on which it was made")]
    OffTheLog,
    /// Another than the host that served the account then.
    #[error("it is not sealed by the hoster that the account's log names at that place")]
    OtherSigner,
}

/// Something that the member should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// A holder shows something that is none.
    Doubtful {
        /// Who.
        holder: ListingId,
        /// Why.
        doubt: Doubt,
    },
    /// A holder's last state is older than another's.
    Behind {
        /// Who.
        holder: ListingId,
        /// Under which host.
        epoch: Epoch,
        /// Up to which change.
        lsn: Lsn,
    },
    /// Nobody else has anything: whether this is the last state, nobody can say.
    Alone {
        /// Who.
        holder: ListingId,
    },
}

/// What all holders have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The best first: the highest epoch, then the highest LSN; the shorter of two.
    pub candidates: Vec<Candidate>,
    /// In the order of the holders.
    pub remarks: Vec<Remark>,
}

/// Compares. `head` is the last entry of the log; a replica was made on one before it, by the host of that time.
pub fn compare(log: &AccountLog, head: &RecordHash, offers: &[(ListingId, Vec<Held>)]) -> Comparison {
    let (mut candidates, mut remarks) = (Vec::new(), Vec::new());
    for (holder, held) in offers {
        for one in held {
            match check(log, head, one) {
                Ok(seal) => candidates.push(Candidate {
                    holder: *holder,
                    form: one.form,
                    seal: seal.into_record(),
                    length: one.length,
                }),
                Err(doubt) => remarks.push(Remark::Doubtful { holder: *holder, doubt }),
            }
        }
    }
    candidates.sort_by_key(|one| {
        (std::cmp::Reverse((one.seal.epoch, one.seal.lsn_to)), one.length, one.seal.root, one.holder)
    });
    remarks.extend(behind(&candidates));
    Comparison { candidates, remarks }
}

/// The best of each holder that is not as good as the best of all; or that there is one holder only.
fn behind(candidates: &[Candidate]) -> Vec<Remark> {
    let Some(best) = candidates.first() else { return Vec::new() };
    let (mut seen, mut remarks) = (vec![best.holder], Vec::new());
    for one in candidates {
        if seen.contains(&one.holder) {
            continue;
        }
        seen.push(one.holder);
        if (one.seal.epoch, one.seal.lsn_to) < (best.seal.epoch, best.seal.lsn_to) {
            let (epoch, lsn) = (Epoch(one.seal.epoch), Lsn(one.seal.lsn_to));
            remarks.push(Remark::Behind { holder: one.holder, epoch, lsn });
        }
    }
    if seen.len() == 1 {
        remarks.push(Remark::Alone { holder: best.holder });
    }
    remarks
}

/// The seal, if the host that the log names has made it at that place.
fn check(log: &AccountLog, head: &RecordHash, held: &Held) -> Result<Signed<Seal>, Doubt> {
    let seal = held.seal()?;
    let said = seal.record();
    if said.account != log.account() {
        return Err(Doubt::OtherAccount { theirs: said.account });
    }
    if said.lsn_from != 0 {
        return Err(Doubt::Partial);
    }
    let made_on: Root = said.log_head.ok_or(Doubt::OffTheLog)?;
    let entry = log.chain(head).find(|entry| *entry.hash().as_bytes() == made_on);
    let entry = entry.ok_or(Doubt::OffTheLog)?.record();
    if (entry.host.key, entry.epoch.0) != (said.key, said.epoch) {
        return Err(Doubt::OtherSigner);
    }
    Ok(seal)
}
