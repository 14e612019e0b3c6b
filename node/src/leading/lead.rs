//! At the old hoster: a login to an account that has moved is handed over to the hoster where it lives.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use essaim_accounts::{AuthError, Departure, StorageError};
use essaim_migration::leading::{Answer, Handover, Refusal, Service, Wish};
use essaim_network::{BulkStream, Opening};
use essaim_types::{AccountId, Secret};
use tokio::time::timeout;
use tracing::{Span, debug, warn};

use super::carry::carry;
use super::{ANSWER_TIMEOUT, Place, hear, say};
use crate::federation::{CallError, session};
use crate::outbound::moved::moved_on;
use crate::services::Services;
use crate::shutdown::Stop;
use crate::stream::Stream;
use crate::vitals::now;

/// A session that the new hoster has taken in.
#[derive(Debug)]
pub(crate) struct Way {
    node: BulkStream,
    _place: Place,
}

/// Why nobody answered.
#[derive(Debug, thiserror::Error)]
enum Silence {
    #[error("the node of the new hoster was not reached")]
    Call(#[from] CallError),
    #[error("the stream to the new hoster has ended")]
    Stream(#[from] io::Error),
    #[error("the new hoster did not answer in time")]
    Late,
    #[error("the new hoster knows no account that had this address here")]
    Unknown,
    #[error("the account has moved on more often than it is followed")]
    TooFar,
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Whether this login is of an account that has moved; if so, what its hoster says to it. The password is looked at there only.
pub(crate) async fn lead(
    node: &Services,
    (login, password): (&str, &Secret),
    client: IpAddr,
    service: Service,
) -> Option<Result<Way, AuthError>> {
    let (account, address) = match node.accounts.departed(login) {
        Ok(departed) => departed?,
        Err(error) => return Some(Err(error.into())),
    };
    Span::current().record("account", tracing::field::display(account));
    let handover = Handover {
        address: address.to_string(),
        password: password.clone(),
        client,
        service,
        wish: Wish::Serve,
    };
    let asked = ask(node, account, handover).await;
    Some(asked.unwrap_or_else(|silence| {
        warn!(%account, error = &silence as &dyn std::error::Error, "a client of an account that has moved is not led on");
        Err(AuthError::HomeSilent)
    }))
}

/// Asks where the account is, and there again if it has moved on.
async fn ask(
    node: &Services,
    account: AccountId,
    mut handover: Handover,
) -> Result<Result<Way, AuthError>, Silence> {
    let Some(mut departure) = settled(node, account).await? else { return Ok(Err(AuthError::Arriving)) };
    for _ in 0..HOPS_MAX {
        handover.wish = if departure.leads_on(now()) { Wish::Serve } else { Wish::Check };
        let place = node.sessions.enter(departure.listing, &node.config.limits);
        let Some(place) = place else { return Ok(Err(AuthError::Busy)) };
        let mut stream = node.federation.call_hoster(departure.listing, Opening::new(session())).await?;
        let asked = async {
            say(&mut stream, &handover).await?;
            hear::<Answer>(&mut stream).await
        };
        match timeout(ANSWER_TIMEOUT, asked).await.map_err(|_| Silence::Late)?? {
            Answer::Welcome if handover.wish == Wish::Check => {
                return Ok(Err(AuthError::Moved { to: departure.to, address: departure.address }));
            }
            Answer::Welcome => {
                debug!("led on");
                return Ok(Ok(Way { node: stream, _place: place }));
            }
            Answer::Refused(refusal) => return refused(refusal).map(Err),
            Answer::Elsewhere { listing, to, address } => {
                remember(node, account, &handover.address, &departure).await;
                let address = Some(address.parse().map_err(io::Error::other)?);
                departure = Departure { listing, to, address, ..departure };
            }
        }
    }
    Err(Silence::TooFar)
}

/// What one hoster says counts for this client; for later ones, and for mail, if the account's log shows it.
async fn remember(node: &Services, account: AccountId, address: &str, departure: &Departure) {
    let correspondents = node.federation.correspondents();
    let (Some(to), Ok(address)) = (correspondents.of_listing(departure.listing), address.parse()) else {
        return;
    };
    if let Err(error) = moved_on((&node.accounts, &node.federation), to, account, &address).await {
        warn!(%account, error = &error as &dyn std::error::Error, "{} did not show that the account has moved on", to.domain);
    }
}

/// The departure, once the new hoster has said that it serves the account: that is a moment after it left here. `None` if it takes longer.
async fn settled(node: &Services, account: AccountId) -> Result<Option<Departure>, StorageError> {
    let mut changes = node.store.watch(node.accounts.hoster());
    let serves = async {
        loop {
            changes.mark_unchanged();
            match node.accounts.departure(account)? {
                Some(departure) if departure.address.is_some() => return Ok(Some(departure)),
                Some(_) if changes.changed().await.is_ok() => {}
                Some(_) | None => return Ok(None),
            }
        }
    };
    timeout(SERVES_TIMEOUT, serves).await.unwrap_or(Ok(None))
}

fn refused(refusal: Refusal) -> Result<AuthError, Silence> {
    Ok(match refusal {
        Refusal::Wrong => AuthError::Wrong,
        Refusal::Throttled { seconds } => {
            AuthError::Throttled { retry_after: Duration::from_secs(seconds.into()) }
        }
        Refusal::Disabled => AuthError::Disabled,
        Refusal::Busy => AuthError::Busy,
        Refusal::Unknown => return Err(Silence::Unknown),
    })
}

impl Way {
    /// From now on the client speaks with the new hoster; `ahead` it has said already.
    pub(crate) async fn carry(self, client: Stream, ahead: Bytes, stop: &Stop) -> io::Result<()> {
        carry(client, self.node, ahead, stop.requested()).await
    }
}

/// From one hoster to the next, where each has forgotten to say that the account went on.
const HOPS_MAX: usize = 4;
/// How long a client waits whose account has just left.
const SERVES_TIMEOUT: Duration = Duration::from_secs(10);
