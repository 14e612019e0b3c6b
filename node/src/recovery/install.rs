//! A replica becomes the account again.

use std::fs::{self, File};

use essaim_accounts::{Actor, ArriveError, Recovered};
use essaim_identity::Cosigned;
use essaim_identity::account::{AccountEntry, AccountLog};
use essaim_mail::mailbox::raise_numbers;
use essaim_types::AccountId;

use super::plan::Plan;
use super::plans;
use super::take::Taken;
use crate::archive::{Expected, Import};
use crate::failure::{Failure, causes};
use crate::progress::{Progress, Step, Unit};
use crate::services::Services;

/// An account that lives here again.
#[derive(Debug)]
pub(crate) struct Installed {
    pub(crate) recovered: Recovered,
    /// The state up to when, as the replica says.
    pub(crate) made: String,
    pub(crate) lsn: u64,
    pub(crate) holder: String,
    pub(crate) objects: u64,
    pub(crate) remarks: Vec<String>,
}

/// Takes the objects in, and opens the account in one commit with everything that a recovery changes.
pub(super) async fn install(
    node: &Services,
    account: AccountId,
    (plan, entry, log): (Plan, &Cosigned<AccountEntry>, &AccountLog),
    taken: Taken,
    by: Actor,
    progress: &Progress,
) -> Result<Installed, Failure> {
    let Taken { file, what, made, holder, remarks } = taken;
    let wish = plan.address.as_ref().and_then(|address| address.parse().ok());
    // Once something of it is in the account, no other replica fits.
    plans(node).keep(account, &Plan { root: Some(what.seal.root.to_vec()), ..plan }).await?;
    let expected = Expected::from(&what.seal);
    let (services, told, path) = (node.clone(), progress.clone(), file.clone());
    blocking(move || {
        let archive =
            File::open(&path).map_err(|error| Failure::caused("the copy cannot be read", &error))?;
        let total = Some(expected.bytes);
        let imported = import(&services, expected).run(archive, &mut |done| {
            told.report(Step { phase: "importing".to_owned(), done, total, unit: Unit::Bytes });
            !told.is_abandoned()
        });
        imported.map_err(|error| {
            Failure::new(causes(&error)).hint("what came stays: give the command again to go on")
        })
    })
    .await?;
    let mut chain: Vec<_> = log.chain(&entry.hash()).cloned().collect();
    chain.reverse();
    let raise = move |tx: &mut essaim_store::Tx<'_>| {
        raise_numbers(tx, account, RAISED).map_err(|error| ArriveError::Content(error.into()))
    };
    let recovered = node.accounts.recover(account, chain, wish, by, raise).await;
    let recovered = recovered.map_err(|error| Failure::new(causes(&error)))?;
    tidy_up(node, account, expected, &file).await?;
    let (lsn, objects) = (what.seal.lsn_to, what.seal.objects);
    Ok(Installed { recovered, made, lsn, holder, objects, remarks })
}

/// The account is open: what was needed for it goes. What readers need of the mail is computed now, or when they ask.
async fn tidy_up(
    node: &Services,
    account: AccountId,
    expected: Expected,
    file: &std::path::Path,
) -> Result<(), Failure> {
    let services = node.clone();
    blocking(move || {
        let forgotten = import(&services, expected).forget_progress();
        forgotten.map_err(|error| Failure::new(causes(&error)))?;
        if let Err(error) = services.mail.summarize(account) {
            tracing::warn!(%account, error = &error as &dyn std::error::Error, "the messages were not looked through yet");
        }
        Ok(())
    })
    .await?;
    plans(node).forget(account).await?;
    let _ = fs::remove_file(file);
    Ok(())
}

fn import(node: &Services, expected: Expected) -> Import<'_> {
    let quota = Some(node.config.accounts.quota).filter(|quota| quota.0 > 0);
    Import { store: &node.store, hoster: node.accounts.hoster(), expected, quota, raised: u64::from(RAISED) }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// How far UIDs, MODSEQs and ids jump: more than a hoster can have given out since the last replica.
const RAISED: u32 = 65_536;
