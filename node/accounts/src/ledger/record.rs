//! The `HOST_KEY` object of the hoster's account: the secret with which it signs for one account.

use essaim_identity::SigningKey;
use essaim_types::ObjectKind;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::record::Record;

/// 32 bytes, wiped when dropped.
#[derive(PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(super) struct HostKey {
    seed: [u8; 32],
}

impl HostKey {
    pub(super) fn of(key: &SigningKey) -> Self {
        Self { seed: *key.to_seed() }
    }

    pub(super) fn key(&self) -> SigningKey {
        SigningKey::from_seed(&self.seed)
    }
}

impl Record for HostKey {
    const OBJECT: ObjectKind = ObjectKind::HOST_KEY;
    const KIND: &'static str = "host key";
    const VERSION: u8 = 1;
}

impl std::fmt::Debug for HostKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HostKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_version_1_never_change() {
        let kept = HostKey { seed: [7; 32] };
        let bytes = [&[1][..], &[7; 32]].concat();
        assert_eq!(kept.encode().value, bytes);
        assert_eq!(HostKey::decode(&bytes), Ok(kept));
    }
}
