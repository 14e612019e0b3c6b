//! At the new hoster: a session of an account that had an address at the hoster which leads it here. The password is looked at, the session served
//! and the account throttled as if the client had come itself.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use essaim_accounts::{AuthError, Authenticated, StorageError};
use essaim_identity::PublicKey;
use essaim_identity::keyring::Role;
use essaim_imap::Tag;
use essaim_migration::leading::flow::PIECE_MAX;
use essaim_migration::leading::{Answer, Handover, Refusal, Service, Wish};
use essaim_network::{BulkStream, IncomingStream};
use essaim_types::{AccountId, Address, ListingId};
use tokio::io::{AsyncWriteExt, duplex};
use tokio::time::timeout;
use tracing::{Span, debug, error, info};

use super::carry::carry;
use super::{HANDOVER_TIMEOUT, Place, hear, say};
use crate::listen::{Imap, Smtp};
use crate::services::Services;
use crate::shutdown::Stop;
use crate::stream::Stream;
use crate::vitals::now;

/// How sessions that are taken in are served.
#[derive(Clone)]
pub(crate) struct Desks {
    pub(crate) imap: Arc<Imap>,
    pub(crate) submission: Arc<Smtp>,
}

/// One stream, to its end.
pub(crate) async fn take(node: Services, desks: Desks, incoming: IncomingStream, stop: Stop) {
    let caller = incoming.peer().public();
    let Ok(stream) = incoming.accept(0).await else { return };
    if let Err(error) = converse(&node, &desks, (caller, stream), &stop).await {
        debug!(error = &error as &dyn std::error::Error, "a session that was led here ended early");
    }
}

async fn converse(
    node: &Services,
    desks: &Desks,
    (caller, mut stream): (PublicKey, BulkStream),
    stop: &Stop,
) -> io::Result<()> {
    let heard = timeout(HANDOVER_TIMEOUT, hear::<Handover>(&mut stream));
    let handover = heard.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    let admitted = admit(node, caller, &handover).await;
    let (member, _place) = match admitted {
        Ok(admitted) => admitted,
        Err(answer) => {
            say(&mut stream, &answer).await?;
            return stream.shutdown().await;
        }
    };
    say(&mut stream, &Answer::Welcome).await?;
    if handover.wish == Wish::Check {
        return stream.shutdown().await;
    }
    info!(account = %member.account, "a client of the account came by its old hoster");
    let (here, session) = duplex(PIECE_MAX);
    let session = Stream::led(session, node.config.limits.write_timeout);
    let (served, carried) = tokio::join!(
        serve(desks, handover, member, session, stop),
        // The conversation ends it when the node stops: it knows when nothing is half done.
        carry(here, stream, Bytes::new(), std::future::pending()),
    );
    served.and(carried)
}

async fn serve(
    desks: &Desks,
    handover: Handover,
    member: Authenticated,
    session: Stream,
    stop: &Stop,
) -> io::Result<()> {
    let Handover { address, client, service, .. } = handover;
    match service {
        Service::Imap { tag } => {
            let tag = Tag::new(tag.as_bytes()).ok_or_else(|| io::Error::other("this is no tag"))?;
            desks.imap.take_over(session, (tag, member), client, stop).await
        }
        Service::Submission { hello, tls } => {
            desks.submission.take_over(session, (hello, tls), (address, member), client, stop).await
        }
    }
}

/// Who may come in, and a place; else what the old hoster is told.
async fn admit(
    node: &Services,
    caller: PublicKey,
    handover: &Handover,
) -> Result<(Authenticated, Place), Answer> {
    let unknown = Answer::Refused(Refusal::Unknown);
    let address: Address = handover.address.parse().map_err(|_| unknown.clone())?;
    let (account, listing) = known_by(node, caller, &address).await.ok_or(unknown)?;
    if let Some(departure) = node.accounts.departure(account).map_err(|error| unread(&error))? {
        // Until the next hoster has said that it serves, nobody can log in anywhere.
        let address = departure.address.ok_or(Answer::Refused(Refusal::Busy))?.to_string();
        return Err(Answer::Elsewhere { listing: departure.listing, to: departure.to, address });
    }
    let place = node.sessions.enter(listing, &node.config.limits);
    let place = place.ok_or(Answer::Refused(Refusal::Busy))?;
    let (at, from) = ((&address, listing), handover.client);
    let member = node.accounts.authenticate_led(at, &handover.password, from, now()).await;
    let member = member.map_err(|error| Answer::Refused(refusal(&error)))?;
    Span::current().record("account", tracing::field::display(member.account));
    Ok((member, place))
}

/// The account that had this address at the hoster whose node it is that asks.
async fn known_by(node: &Services, caller: PublicKey, address: &Address) -> Option<(AccountId, ListingId)> {
    let claims = node.accounts.formers(address).map_err(|error| unread(&error)).ok()?;
    for (account, listing) in claims {
        let known = node.federation.known(listing).await.ok().flatten();
        let is_its_node = known.is_some_and(|known| {
            known.keyring.is_settled() && known.keyring.head().has_role(&caller, Role::Node)
        });
        if is_its_node {
            return Some((account, listing));
        }
    }
    None
}

fn refusal(error: &AuthError) -> Refusal {
    match error {
        AuthError::Wrong => Refusal::Wrong,
        AuthError::Throttled { retry_after } => {
            Refusal::Throttled { seconds: u32::try_from(retry_after.as_secs()).unwrap_or(u32::MAX) }
        }
        AuthError::Disabled => Refusal::Disabled,
        AuthError::Busy | AuthError::Arriving | AuthError::Moved { .. } | AuthError::HomeSilent => {
            Refusal::Busy
        }
        AuthError::Storage(error) => {
            unread(error);
            Refusal::Busy
        }
    }
}

fn unread(error: &StorageError) -> Answer {
    error!(error = error as &dyn std::error::Error, "a login that was led here could not be looked at");
    Answer::Refused(Refusal::Busy)
}

impl std::fmt::Debug for Desks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desks").finish_non_exhaustive()
    }
}
