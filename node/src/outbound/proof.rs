//! Asks a hoster where an account lives that had an address there.

use std::time::Duration;

use bytes::Bytes;
use essaim_accounts::StorageError;
use essaim_identity::account::{RESIDENCE_BYTES_MAX, Residence, ResidenceFault, RolledBack};
use essaim_network::Opening;
use essaim_types::Address;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use crate::federation::{CallError, Correspondent, Federation, home};

/// Why it is not known where an account lives.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unproven {
    #[error("it was not asked")]
    Call(#[from] CallError),
    #[error("its answer broke off")]
    Read(#[from] std::io::Error),
    #[error("it did not answer within {} seconds", ANSWER_WITHIN.as_secs())]
    Late,
    #[error("its answer is no proof")]
    Fault(#[from] ResidenceFault),
    #[error("its answer is about an account that it has nothing to say of")]
    NotTheirs,
    #[error("no mail is exchanged with the hoster where the account lives")]
    NoCorrespondent,
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The proof that a hoster shows for an address. Nothing of it is checked.
pub(super) async fn ask(
    federation: &Federation,
    to: &Correspondent,
    address: &Address,
) -> Result<Residence, Unproven> {
    let subject = Bytes::from(address.to_string());
    let mut stream = federation.call(to, Opening { purpose: home(), subject, offset: 0 }).await?;
    let mut answer = Vec::new();
    let most = u64::try_from(RESIDENCE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut bounded = (&mut stream).take(most);
    timeout(ANSWER_WITHIN, bounded.read_to_end(&mut answer)).await.map_err(|_| Unproven::Late)??;
    Ok(Residence::decode(&answer).map_err(|_| ResidenceFault::Unreadable)?)
}

impl From<RolledBack> for Unproven {
    fn from(old: RolledBack) -> Self {
        Self::Fault(old.into())
    }
}

const ANSWER_WITHIN: Duration = Duration::from_secs(30);
