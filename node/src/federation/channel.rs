//! Streams to nodes of other hosters: finding one that answers.

use std::time::Duration;

use essaim_identity::keyring::Role;
use essaim_identity::node::NodeClaim;
use essaim_network::{Address, BulkStream, DialError, OpenError, Opening, PeerKey, RequestError};
use essaim_types::ListingId;
use tokio::time::timeout;

use super::address::in_numbers;
use super::{Correspondent, Federation, Running};

/// Why no stream was opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("this node does not talk to other nodes now")]
    NoNetwork,
    #[error("its keyring names no node")]
    NoNode,
    #[error("its node was not reached")]
    Dial(#[source] DialError),
    #[error(transparent)]
    Open(OpenError),
    #[error("its node did not answer within {} seconds", CALL_TIMEOUT.as_secs())]
    Late,
}

impl Federation {
    /// A stream to one of the hoster's nodes, the first that answers. A node that is not connected is called.
    pub(crate) async fn call(&self, to: &Correspondent, opening: Opening) -> Result<BulkStream, CallError> {
        let running = self.0.running.get().ok_or(CallError::NoNetwork)?;
        let call = async {
            let mut failed = CallError::NoNode;
            for node in to.nodes.iter().take(NODES_MAX) {
                match running.open((*node).into(), &to.addresses, opening.clone()).await {
                    Ok(stream) => return Ok(stream),
                    Err(error) => failed = error,
                }
            }
            Err(failed)
        };
        timeout(CALL_TIMEOUT, call).await.unwrap_or(Err(CallError::Late))
    }

    /// A stream to one of the nodes of a hoster with whom accounts were exchanged, whether or not mail is. One with whom it is not is not called: its
    /// node must be connected.
    pub(crate) async fn call_hoster(
        &self,
        listing: ListingId,
        opening: Opening,
    ) -> Result<BulkStream, CallError> {
        let correspondent = self.correspondents().of_listing(listing).cloned();
        if let Some(correspondent) = correspondent {
            return self.call(&correspondent, opening).await;
        }
        let known = self.known(listing).await.ok().flatten().ok_or(CallError::NoNode)?;
        let running = self.0.running.get().ok_or(CallError::NoNetwork)?;
        let nodes = known.keyring.head().operators.iter();
        let nodes = nodes.filter(|(_, operator)| operator.roles.contains(Role::Node));
        let mut failed = CallError::NoNode;
        for (node, _) in nodes.take(NODES_MAX) {
            let call = running.open((*node).into(), &[], opening.clone());
            match timeout(CALL_TIMEOUT, call).await.unwrap_or(Err(CallError::Late)) {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// A stream to the node that makes this claim, as it says where it is. That the claim is true, the caller has checked.
    pub(crate) async fn call_node(&self, to: &NodeClaim, opening: Opening) -> Result<BulkStream, CallError> {
        let running = self.0.running.get().ok_or(CallError::NoNetwork)?;
        let addresses: Vec<Address> = to.addresses.iter().filter_map(Address::from_node_address).collect();
        let call = running.open(to.key.into(), &addresses, opening);
        timeout(CALL_TIMEOUT, call).await.unwrap_or(Err(CallError::Late))
    }
}

impl Running {
    async fn open(
        &self,
        node: PeerKey,
        addresses: &[Address],
        opening: Opening,
    ) -> Result<BulkStream, CallError> {
        let network = self.network.as_ref().ok_or(CallError::NoNetwork)?;
        match network.open_stream(node, opening.clone()).await {
            Err(OpenError::Locate { source: RequestError::NotConnected { .. }, .. }) => {}
            opened => return opened.map_err(CallError::Open),
        }
        let addresses = in_numbers(addresses, &*self.names).await;
        network.dial(node, &addresses).await.map_err(CallError::Dial)?;
        network.open_stream(node, opening).await.map_err(CallError::Open)
    }
}

/// Nodes of one hoster that are tried.
const NODES_MAX: usize = 4;
/// How long it may take to reach one of a hoster's nodes.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
