//! Why a message goes where it goes. Most go to the domain of their recipients; accounts that have moved make three more cases. See specs/07-queue.md.

use essaim_types::{AccountId, Domain, ListingId};
use serde::{Deserialize, Serialize};

/// Why a message goes to its destination.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Course {
    /// It is the domain of the recipients.
    #[default]
    Straight,
    /// An account has moved away from here: mail of anybody for its old addresses goes to its home.
    Forward {
        #[serde(with = "account")]
        account: AccountId,
    },
    /// An account of elsewhere has moved, as its old hoster has shown: mail of ours for its old addresses goes to its home.
    Follow {
        #[serde(with = "listing")]
        home: ListingId,
    },
    /// A member writes under an address that they had at this hoster: it sends what it is handed on to whomever it is for.
    Through {
        #[serde(with = "listing")]
        hoster: ListingId,
    },
}

/// Where mail goes that does not go to the domain of its recipients.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Heading {
    /// Of the hoster that is to take it.
    pub domain: Domain,
    pub course: Course,
}

impl Course {
    /// For people and programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Straight => "straight",
            Self::Forward { .. } => "forward",
            Self::Follow { .. } => "follow",
            Self::Through { .. } => "through",
        }
    }
}

/// Ids as their 32 bytes, not as text.
macro_rules! bytes {
    ($module:ident, $id:ident) => {
        mod $module {
            use serde::{Deserialize, Deserializer, Serialize, Serializer};

            use super::$id;

            pub(super) fn serialize<S: Serializer>(id: &$id, serializer: S) -> Result<S::Ok, S::Error> {
                id.as_bytes().serialize(serializer)
            }

            pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$id, D::Error> {
                <[u8; 32]>::deserialize(deserializer).map($id::from_bytes)
            }
        }
    };
}

bytes!(account, AccountId);
bytes!(listing, ListingId);
