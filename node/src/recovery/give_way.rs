//! A hoster whose account was recovered elsewhere learns of it, and gives way: nothing writes to the account here any more, and who comes here for it
//! is led on (`specs/17-recovery.md`, Boot).

use std::time::Duration;

use essaim_accounts::StorageError;
use essaim_identity::account::Highest;
use essaim_store::AccountStatus;
use essaim_types::AccountId;
use tokio::time::sleep;
use tracing::{error, warn};

use crate::failure::{Failure, causes};
use crate::replica::{know, known_to};
use crate::services::Services;
use crate::shutdown::Stop;
use crate::vitals::now;

/// Asks, when the node has started and then now and then, what others know of the accounts that are served here.
pub(crate) async fn watch(node: Services, stop: Stop) {
    loop {
        let answered = match ask_all(&node).await {
            Ok(answered) => answered,
            Err(failure) => {
                error!(error = %failure.message, "whether accounts were recovered elsewhere is not known");
                false
            }
        };
        tokio::select! {
            () = sleep(if answered { ASK_EVERY } else { ASK_AGAIN }) => {}
            () = stop.requested() => return,
        }
    }
}

/// Whether anybody was there to answer.
async fn ask_all(node: &Services) -> Result<bool, Failure> {
    let (mut after, mut answered) = (None, false);
    loop {
        let page = node.accounts.list(after.as_ref(), PAGE).map_err(|error| unreadable(&error))?;
        let Some(last) = page.last() else { return Ok(answered) };
        after = Some(last.address.clone());
        for account in page.iter().map(|summary| summary.account) {
            let everybody: Vec<_> = node.federation.correspondents().all().cloned().collect();
            if everybody.is_empty() {
                return Ok(false);
            }
            let asked = know(node, account, everybody).await;
            answered |= known_to(&asked).next().is_some();
            give_way(node, account).await?;
        }
    }
}

/// Seals an account here of which it is known here that it lives at another hoster now, by an entry that its own log does not have.
pub(crate) async fn give_way(node: &Services, account: AccountId) -> Result<(), Failure> {
    let here = node.store.read().and_then(|now| now.account(account));
    let here = here.map_err(|error| Failure::caused("the accounts cannot be read", &error))?;
    if here.is_none_or(|state| state.status != AccountStatus::Open) {
        return Ok(());
    }
    let own = node.accounts.account_log(account).map_err(|error| unreadable(&error))?;
    let (Some(own), Some(known)) = (own, super::gather::witnessed(node, account)?) else { return Ok(()) };
    let state = known.log.state(&node.federation.witnesses(), now());
    if !state.waiting.is_empty() {
        warn!(%account, "somebody with the words recovers account {account} elsewhere: ask its member; if it is not theirs, new words end it (essaim account kit --replace)");
    }
    let (head, ours) = (Highest::of(state.head), Highest::of(own.settled_head()));
    let host = state.head.record().host.listing;
    if head.epoch <= ours.epoch || own.get(&head.head).is_some() || Some(host) == node.accounts.listing() {
        return Ok(());
    }
    let name = node.federation.known(host).await?.map_or_else(|| host.to_string(), |hoster| hoster.name);
    let (accounts, to, entry) = (node.accounts.clone(), name.clone(), state.head.clone());
    let sealed = node.store.commit(move |tx| -> Result<(), StorageError> {
        let Some(state) = tx.account(account)?.filter(|state| state.status == AccountStatus::Open) else {
            return Ok(());
        };
        tx.seal_account(account, state.lsn)?;
        accounts.farewell(tx, account, (host, &to), &entry)
    });
    sealed.await.map_err(|error| Failure::caused("the account could not be sealed", &error))?;
    warn!(%account, "account {account} was recovered at {name}: it is sealed here");
    Ok(())
}

fn unreadable(error: &StorageError) -> Failure {
    Failure::new(causes(error))
}

/// Accounts that are read together.
const PAGE: usize = 100;
/// How often others are asked.
const ASK_EVERY: Duration = Duration::from_hours(6);
/// The same as long as nobody has answered.
const ASK_AGAIN: Duration = Duration::from_secs(10);
