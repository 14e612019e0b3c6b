//! The kinds of object that an account holds.

use std::fmt;

/// The kind of an object. The store treats it as an opaque byte; the list is here so that no number is given twice.
///
/// A number is never reused: it is in every log and archive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKind(pub u8);

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        impl ObjectKind {
            $($(#[$doc])* pub const $name: Self = Self($number);)*

            /// Every kind known to this version.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name of the kind in messages and exports; `None` if a later version wrote it.
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// The account itself: quota and state. The only kind that the store reads; its key is empty.
    ACCOUNT = 0, "account";
    /// What the member is called, their language, when the account was made.
    PROFILE = 1, "profile";
    /// A password or an app password, hashed.
    CREDENTIAL = 2, "credential";
    /// A mailbox: name, UIDVALIDITY, UIDNEXT, subscription.
    MAILBOX = 3, "mailbox";
    /// A message in a mailbox: dates, and the blobs of its bytes.
    MESSAGE = 4, "message";
    /// Which of 64 neighbouring messages of a mailbox there are, their flags and MODSEQs.
    FLAGS = 5, "flags";
    /// An entry of the account's own log, by its hash; and the salt of its addresses. It moves with the account.
    ACCOUNT_LOG = 6, "account log";
    /// An address that the account had at a hoster where it lived before. It moves with the account.
    FORMER_ADDRESS = 7, "former address";
    /// What a recovery has put aside until the member confirms it: the kind that it was, then its key.
    ASIDE = 15, "put aside";
    /// Hoster only: which account an address belongs to.
    ADDRESS = 16, "address";
    /// Hoster only: a message on its way out.
    QUEUED = 17, "queued";
    /// Hoster only: an entry of the journal of administrative acts.
    AUDIT = 18, "audit";
    /// Hoster only: a row of the shared directory.
    DIRECTORY = 19, "directory";
    /// Hoster only: a node that this one stays connected to.
    PEER = 20, "peer";
    /// Hoster only: an invitation into the federation that was given out.
    INVITATION = 21, "invitation";
    /// Hoster only: which listing is its own. Its key is empty.
    IDENTITY = 22, "identity";
    /// Hoster only: what one hoster's node saw of another from outside.
    OBSERVATION = 23, "observation";
    /// Hoster only: when a listing of the directory changed here last. An empty key: of the whole.
    LISTED = 24, "listed";
    /// Hoster only: a hoster that somebody mentions, by its domain.
    MENTIONED = 25, "mentioned";
    /// Hoster only: the secret key that this hoster made for an account, by the account's id. It does not move.
    HOST_KEY = 26, "host key";
    /// Hoster only: what another hoster has handed over, so that it is taken once.
    TAKEN = 31, "taken";
    /// Hoster only: where an address of another hoster lives now.
    RELOCATION = 51, "relocation";
    /// Hoster only: how far the move of an account is, by its id.
    MOVE = 28, "move";
    /// Hoster only: how far the import of an account from an archive is, by its id.
    ARRIVAL = 29, "arrival";
    /// Hoster only: whose an address of another hoster was, before its account came here.
    FORMER = 30, "former";
    /// Hoster only: what it knows of the log of an account, its own receipts among it.
    WITNESS = 48, "witness";
    /// Hoster only: a replica that it keeps of an account of another hoster.
    REPLICA = 49, "replica";
    /// Hoster only: the recovery of an account that it does, by the account's id.
    RECOVERY = 50, "recovery";
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "kind {}", self.0),
        }
    }
}

impl fmt::Debug for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
