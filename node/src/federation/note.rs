//! What an operator does to the federation, for the journal of administrative acts (`essaim audit`): written in the commit of the act.

use essaim_accounts::{Act, Journal, StorageError};
use essaim_store::Tx;

/// One act.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    journal: Journal,
    act: Act,
    /// To whom, or what.
    detail: String,
}

impl Note {
    /// By whom the journal is.
    pub(crate) fn new(journal: Journal, act: Act, detail: impl Into<String>) -> Self {
        Self { journal, act, detail: detail.into() }
    }

    pub(super) fn write(self, tx: &mut Tx<'_>) -> Result<(), StorageError> {
        self.journal.note(tx, self.act, None, &self.detail)
    }
}

/// An invitation was given out; the detail is until when it is good.
pub(crate) const PEER_INVITE: Act = Act::new("peer.invite");
/// An invitation of another hoster was taken; the detail is the hoster.
pub(crate) const PEER_JOIN: Act = Act::new("peer.join");
/// Another hoster took an invitation of ours; the detail is its listing.
pub(crate) const PEER_ADMIT: Act = Act::new("peer.admit");
/// A hoster is no peer any more; the detail is its node.
pub(crate) const PEER_REMOVE: Act = Act::new("peer.remove");
/// A key may edit now; the detail is the key and its roles.
pub(super) const OPERATOR_ADD: Act = Act::new("operator.add");
/// A key may edit no more; the detail is the key.
pub(super) const OPERATOR_REMOVE: Act = Act::new("operator.remove");
/// The own listing was edited; the detail is the fields.
pub(crate) const DIRECTORY_EDIT: Act = Act::new("directory.edit");
/// The detail is whom this hoster vouches for.
pub(crate) const DIRECTORY_VOUCH: Act = Act::new("directory.vouch");
/// The detail is whom this hoster says nothing of any more.
pub(crate) const DIRECTORY_WITHDRAW: Act = Act::new("directory.withdraw");
/// The detail is whom this hoster warns of.
pub(crate) const DIRECTORY_WARN: Act = Act::new("directory.warn");
/// The detail is which listing is not shown here.
pub(crate) const DIRECTORY_HIDE: Act = Act::new("directory.hide");
/// The detail is which listing is shown here again.
pub(crate) const DIRECTORY_UNHIDE: Act = Act::new("directory.unhide");
/// Hosters that somebody mentions were taken from a file; the detail is who mentions them, and how many.
pub(crate) const DIRECTORY_IMPORT: Act = Act::new("directory.import");
/// The detail is who is not mentioned here any more.
pub(crate) const DIRECTORY_FORGET: Act = Act::new("directory.forget");
/// A hoster that this one vouches for has lost its domain; the detail is the domain.
pub(super) const DOMAIN_LOST: Act = Act::new("directory.domain-lost");
