//! An account's or a listing's id in a record: its 32 bytes, not its text.

use essaim_types::{AccountId, ListingId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! one {
    ($($module:ident, $id:ident;)*) => {$(
        /// For `#[serde(with = "..")]`.
        pub(super) mod $module {
            use super::{Deserialize, Deserializer, $id, Serialize, Serializer};

            pub(in crate::record) fn serialize<S: Serializer>(id: &$id, serializer: S) -> Result<S::Ok, S::Error> {
                id.as_bytes().serialize(serializer)
            }

            pub(in crate::record) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$id, D::Error> {
                Ok($id::from_bytes(<[u8; $id::LEN]>::deserialize(deserializer)?))
            }
        }
    )*};
}
one! {
    account, AccountId;
    listing, ListingId;
}

/// For `#[serde(with = "id::list")]`.
pub(super) mod list {
    use super::{AccountId, Deserialize, Deserializer, Serializer};

    pub(in crate::record) fn serialize<S: Serializer>(
        ids: &[AccountId],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(ids.iter().map(AccountId::as_bytes))
    }

    pub(in crate::record) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<AccountId>, D::Error> {
        let ids = Vec::<[u8; AccountId::LEN]>::deserialize(deserializer)?;
        Ok(ids.into_iter().map(AccountId::from_bytes).collect())
    }
}

/// For `#[serde(with = "id::option")]`.
pub(super) mod option {
    use super::{AccountId, Deserialize, Deserializer, Serialize, Serializer};

    pub(in crate::record) fn serialize<S: Serializer>(
        id: &Option<AccountId>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        id.as_ref().map(AccountId::as_bytes).serialize(serializer)
    }

    pub(in crate::record) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<AccountId>, D::Error> {
        Ok(<Option<[u8; AccountId::LEN]>>::deserialize(deserializer)?.map(AccountId::from_bytes))
    }
}
