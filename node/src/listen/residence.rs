//! Nodes of other hosters ask where an account lives that has moved away from here. Answered to those with whom mail is exchanged: they would be told the
//! same by a bounce.

use essaim_accounts::StorageError;
use essaim_identity::account::Residence;
use essaim_network::IncomingStream;
use essaim_types::Address;
use tokio::io::AsyncWriteExt;
use tracing::{debug, error};

use crate::federation::Correspondent;
use crate::services::Services;
use crate::vitals::now;

/// One stream: the address is its subject, the proof its bytes.
pub(super) async fn answer(node: &Services, caller: &Correspondent, incoming: IncomingStream) {
    let address = std::str::from_utf8(&incoming.opening().subject).ok().and_then(|text| text.parse().ok());
    let found = address.map_or(Ok(None), |address| find(node, caller, &address));
    let proof = match found {
        Ok(Some(proof)) => proof.encode(),
        Ok(None) => return incoming.refuse(),
        Err(error) => {
            error!(error = &error as &dyn std::error::Error, "where an account lives cannot be shown");
            return incoming.refuse();
        }
    };
    let Ok(mut stream) = incoming.accept(0).await else { return };
    let sent = async {
        stream.write_all(&proof).await?;
        stream.finish().await
    };
    if let Err(error) = sent.await {
        debug!(error = &error as &dyn std::error::Error, "the proof of a move was not taken");
    }
}

fn find(
    node: &Services,
    caller: &Correspondent,
    address: &Address,
) -> Result<Option<Residence>, StorageError> {
    let accounts = &node.accounts;
    let gone = match accounts.departure_of(address)? {
        Some(gone) => Some(gone),
        None => {
            let correspondents = node.federation.correspondents();
            let hoster = correspondents.of_domain(address.domain()).map(|hoster| hoster.listing);
            let formers = accounts.formers(address)?;
            // As in the conversation: of the hoster that has the domain, or the only one that ever said so.
            let former = match hoster {
                Some(hoster) => formers.iter().find(|(_, listing)| *listing == hoster),
                None => formers.first().filter(|_| formers.len() == 1),
            };
            match former {
                Some((account, _)) => accounts.departure(*account)?.map(|departure| (*account, departure)),
                None => None,
            }
        }
    };
    let Some((account, departure)) = gone else { return Ok(None) };
    let Some(mut proof) = accounts.residence(account)? else { return Ok(None) };
    // Where the account was, mail for it may have to leave by MX.
    if proof.read(now()).is_ok_and(|shown| shown.was_at(caller.listing)) {
        proof.address = departure.address.map(|address| address.to_string());
    }
    Ok(Some(proof))
}
