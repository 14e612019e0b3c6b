//! The papers of one move, made and checked (`specs/14-account-log.md`). What is signed by whom is decided in `essaim_identity::account`; here
//! it is held against this store and this directory.

use essaim_accounts::StorageError;
use essaim_identity::account::{
    Acceptance, AcceptanceCode, AccountDraft, AccountEntry, AccountLog, ConsentText, HandoverFault, Host,
    IntentFault, Kind, MoveAccept, MoveId, MoveIntent, MoveReceipt, Refusal, StateRoot, TextError,
};
use essaim_identity::cbor::CborError;
use essaim_identity::keyring::Role;
use essaim_identity::{BadSignature, Cosigned, Cosigning, Keyring, PublicKey, SigningKey};
use essaim_migration::moving::Summary;
use essaim_migration::moving::message::Offer;
use essaim_types::{AccountId, ListingId, Timestamp};
use minicbor::bytes::ByteVec;

use super::plan::Plan;
use crate::failure::Failure;

/// Why a paper does not count. Told to the other side as it stands here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PaperFault {
    #[error("a paper of the move cannot be read")]
    Text(#[from] TextError),
    #[error("a paper of the move cannot be read")]
    Content(#[from] CborError),
    #[error("a paper of the move is not genuine")]
    Signature(#[from] BadSignature),
    #[error(transparent)]
    Consent(#[from] IntentFault),
    #[error("the promise of the new hoster, or the receipt, does not count")]
    Handover(#[from] HandoverFault),
    #[error("the account's log does not take an entry")]
    Log(#[from] Refusal),
    #[error("the consent is for another acceptance code, or for another hoster than the code")]
    OtherCode,
    #[error("the consent is of another move")]
    OtherMove,
    #[error("the account has no signed log here: it was made by an older essaim")]
    NoLog,
    #[error("this node has not the key with which the account's host signs")]
    NoKey,
    #[error("{listing} is not known here: has it joined the federation?")]
    UnknownHoster { listing: ListingId },
    #[error("{key} is no node of {listing}")]
    NotItsNode { key: PublicKey, listing: ListingId },
    #[error("what was signed is not what was agreed")]
    Differs,
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Node(#[from] Failure),
}

/// What the member and the target have signed before anything is sent.
#[derive(Debug, Clone)]
pub(super) struct Papers {
    pub(super) consent: Cosigning<MoveIntent>,
    pub(super) acceptance: Acceptance,
}

impl Papers {
    /// Of a plan: they were checked when it was made.
    pub(super) fn of(plan: &Plan) -> Result<Self, PaperFault> {
        Self::read(&plan.consent, &plan.acceptance)
    }

    pub(super) fn read(consent: &[u8], acceptance: &str) -> Result<Self, PaperFault> {
        let acceptance = acceptance.parse::<AcceptanceCode>()?.claims().clone();
        let consent = Cosigning::<MoveIntent>::parse(consent)?;
        let said = consent.claims();
        if (said.target, said.nonce) != (acceptance.node.listing, acceptance.nonce) {
            return Err(PaperFault::OtherCode);
        }
        Ok(Self { consent, acceptance })
    }

    /// As they are pasted: the code must be good now, and the consent of this account, as its log is.
    pub(super) fn pasted(
        consent: &str,
        acceptance: &str,
        head: &AccountEntry,
        now: Timestamp,
    ) -> Result<Self, PaperFault> {
        let ConsentText(consent) = consent.parse()?;
        let papers = Self::read(&consent.to_wire(), acceptance)?;
        MoveIntent::check(&papers.consent, papers.intent().account, head, now)?;
        Ok(papers)
    }

    pub(super) fn intent(&self) -> &MoveIntent {
        self.consent.claims()
    }

    /// The target looks at an offer: the account log in it, and that the member, at its end, wants this move. The account's hoster is who is asked
    /// about; `None` if the log says that the caller has nothing to give.
    pub(super) fn examine(
        offer: &Offer,
        account: AccountId,
        id: MoveId,
        now: Timestamp,
    ) -> Result<(Self, Host), PaperFault> {
        let text = std::str::from_utf8(&offer.acceptance).map_err(|_| PaperFault::OtherCode)?;
        let papers = Self::read(&offer.consent, text)?;
        let log = read_log(&offer.log, account)?;
        let head = head(&log);
        if papers.intent().mid != id {
            return Err(PaperFault::OtherMove);
        }
        MoveIntent::check(&papers.consent, account, head.record(), now)?;
        Ok((papers, head.record().host))
    }

    /// The target's promise, signed with its key for the account; its node signs too.
    pub(super) fn promise(
        &self,
        host: &SigningKey,
        node: PublicKey,
        summary: &Summary,
    ) -> Result<Cosigning<MoveAccept>, PaperFault> {
        let MoveIntent { account, mid, target, .. } = *self.intent();
        let host_key = Host { listing: target, key: host.public() };
        let root = StateRoot(summary.root());
        let accept = MoveAccept { account, mid, host: host_key, node, lsn: summary.at, root };
        let mut promise = Cosigning::propose(&accept)?;
        promise.sign(host).map_err(|_| PaperFault::Differs)?;
        Ok(promise)
    }

    /// The source's entry: checks the promise against what both hold, and signs that the account moves.
    pub(super) fn entry(
        &self,
        log: AccountLog,
        host: &SigningKey,
        (promise, summary): (&[u8], &Summary),
        target: &Keyring,
        now: Timestamp,
    ) -> Result<Cosigned<AccountEntry>, PaperFault> {
        let promise = Cosigning::<MoveAccept>::parse(promise)?;
        let promise = MoveAccept::check(&promise, self.intent())?;
        let said = promise.record();
        said.check_node(target)?;
        if (said.lsn, said.root) != (summary.at, StateRoot(summary.root())) {
            return Err(PaperFault::Differs);
        }
        let mut log = log;
        let before = head(&log).clone();
        if before.record().host.key != host.public() {
            return Err(PaperFault::NoKey);
        }
        let at = now.max(before.record().ts);
        let draft =
            AccountDraft::hand_over(&before, self.consent.clone(), promise.into_unverified(), at).propose();
        let mut entry = draft?;
        entry.sign(host).map_err(|_| PaperFault::Differs)?;
        let entry = entry.verify()?;
        log.accept(entry.clone())?;
        Ok(entry)
    }

    /// The target reads the entry that moves the account to it.
    pub(super) fn moved(
        &self,
        entry: &[u8],
        mut log: AccountLog,
        host: &SigningKey,
    ) -> Result<Cosigned<AccountEntry>, PaperFault> {
        let entry = Cosigning::<AccountEntry>::parse(entry)?.verify()?;
        let said = entry.record();
        let Kind::Move(proof) = &said.kind else { return Err(PaperFault::Differs) };
        if proof.intent.claims() != self.intent() || said.host.key != host.public() {
            return Err(PaperFault::OtherMove);
        }
        log.accept(entry.clone())?;
        if head(&log).hash() != entry.hash() {
            return Err(PaperFault::Differs);
        }
        Ok(entry)
    }

    /// The receipt with one signature of the two: the target's.
    pub(super) fn receipt(
        &self,
        entry: &Cosigned<AccountEntry>,
        source: Host,
        host: &SigningKey,
        now: Timestamp,
    ) -> Result<Cosigning<MoveReceipt>, PaperFault> {
        let Kind::Move(proof) = &entry.record().kind else { return Err(PaperFault::Differs) };
        let accept = proof.accept.claims();
        let receipt = MoveReceipt {
            account: accept.account,
            mid: accept.mid,
            entry: entry.hash(),
            source,
            target: entry.record().host,
            lsn: accept.lsn,
            source_root: accept.root,
            target_root: accept.root,
            at: Timestamp::from_seconds(now.seconds()),
        };
        let mut receipt = Cosigning::propose(&receipt)?;
        receipt.sign(host).map_err(|_| PaperFault::Differs)?;
        Ok(receipt)
    }

    /// The source adds its own signature, and looks whether the receipt is of what it has committed.
    pub(super) fn countersigned(
        &self,
        receipt: &[u8],
        entry: &[u8],
        source: Host,
        host: &SigningKey,
    ) -> Result<Cosigned<MoveReceipt>, PaperFault> {
        let entry = Cosigning::<AccountEntry>::parse(entry)?.verify()?;
        let Kind::Move(proof) = &entry.record().kind else { return Err(PaperFault::Differs) };
        let accept = proof.accept.claims();
        let mut receipt = Cosigning::<MoveReceipt>::parse(receipt)?;
        let said = receipt.claims();
        let agreed = (said.account, said.mid, said.entry) == (accept.account, accept.mid, entry.hash())
            && (said.source, said.target) == (source, entry.record().host)
            && (said.lsn, said.target_root) == (accept.lsn, accept.root);
        if !agreed {
            return Err(PaperFault::Differs);
        }
        receipt.sign(host).map_err(|_| PaperFault::Differs)?;
        Ok(MoveReceipt::check(&receipt)?)
    }
}

/// Whether this key is of a node of the hoster.
pub(super) fn check_node(keyring: &Keyring, key: PublicKey) -> Result<(), PaperFault> {
    if keyring.is_settled() && keyring.head().has_role(&key, Role::Node) {
        Ok(())
    } else {
        Err(PaperFault::NotItsNode { key, listing: keyring.listing() })
    }
}

/// The last entry that stands: what a store holds of an account that it serves, its hoster has checked. A source that offers a log with a
/// recovery that nobody has seen gives away what is its own.
pub(super) fn head(log: &AccountLog) -> &Cosigned<AccountEntry> {
    log.settled_head()
}

fn read_log(entries: &[ByteVec], account: AccountId) -> Result<AccountLog, PaperFault> {
    let entries = entries.iter().map(|wire| Ok(Cosigning::<AccountEntry>::parse(wire)?.verify()?));
    let mut entries: Vec<Cosigned<AccountEntry>> = entries.collect::<Result<_, PaperFault>>()?;
    let first = entries.iter().position(|entry| entry.hash().as_bytes() == account.as_bytes());
    let mut log = AccountLog::found(entries.swap_remove(first.ok_or(PaperFault::NoLog)?))?;
    match log.accept_all(entries).into_iter().next() {
        Some((_, refusal)) => Err(refusal.into()),
        None => Ok(log),
    }
}
