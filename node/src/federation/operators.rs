//! Operators of the hoster beside its node: keys on machines of their own, which edit the listing and are none of the hoster's nodes.
//!
//! Such a machine has a key, the hoster's listing as its own and the node as its peer; the rest is the loop of every node. Root keys appoint
//! and dismiss. See `specs/11-federation.md`, "Operators".

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use essaim_accounts::Journal;
use essaim_directory::CommandError;
use essaim_identity::domain::Card;
use essaim_identity::keyring::{Role, Roles};
use essaim_identity::{PublicKey, SigningKey};
use essaim_network::Address;
use essaim_types::{Domain, ListingId, Timestamp};

use super::keys::{self, Keys};
use super::note::{self, Note};
use super::peers::{Introduction, PeerRecord};
use super::rows::{Write, unwritten};
use super::{Federation, founding};
use crate::config::Config;
use crate::failure::Failure;
use crate::vitals::now;

/// A key that speaks for the hoster.
#[derive(Debug)]
pub(crate) struct OperatorKey {
    pub(crate) key: PublicKey,
    /// What it may do; none: it is not an operator's yet, or any more.
    pub(crate) roles: Vec<&'static str>,
    /// By its clock, as far as the present epochs tell.
    pub(crate) last_edit: Option<Timestamp>,
    /// It is the one of this machine.
    pub(crate) is_here: bool,
}

/// What an operator's machine is told of its hoster.
#[derive(Debug)]
pub(crate) struct Adopted {
    pub(crate) domain: Domain,
    listing: ListingId,
    node: PublicKey,
    addresses: Vec<Address>,
}

/// Whether an operator knows that this data directory is the latest, without peers who say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnCopy {
    Trusted,
    ConfirmedByPeers,
}

impl Federation {
    /// The keys of the keyring, and the one of this machine.
    pub(crate) async fn operators(&self) -> Result<Vec<OperatorKey>, Failure> {
        let here = Keys::read(&self.0.data_dir)?.map(|keys| keys.node.public());
        let look = move |directory: &essaim_directory::View, _| {
            let hoster = directory.own_listing().and_then(|own| directory.hoster(own));
            let known = hoster.into_iter().flat_map(|hoster| {
                hoster.keyring().head().operators.iter().map(|(key, operator)| OperatorKey {
                    key: *key,
                    roles: operator.roles.iter().map(Role::name).collect(),
                    last_edit: hoster.last_edit(key),
                    is_here: Some(*key) == here,
                })
            });
            let mut keys: Vec<OperatorKey> = known.collect();
            if let Some(key) = here.filter(|here| keys.iter().all(|known| known.key != *here)) {
                keys.push(OperatorKey { key, roles: Vec::new(), last_edit: None, is_here: true });
            }
            keys
        };
        self.look(look).await
    }

    /// The key speaks for the hoster from now on, in these roles. The root key must be on this machine.
    pub(crate) async fn appoint(
        &self,
        key: PublicKey,
        roles: Roles,
        copy: OwnCopy,
        journal: Journal,
    ) -> Result<(), Failure> {
        let known = self.operators().await?;
        if known.iter().any(|known| known.key == key && !known.roles.is_empty()) {
            return Err(Failure::new(format!("{key} is an operator's key already"))
                .hint("essaim operator list shows them"));
        }
        let roles_said = roles.iter().map(Role::name).collect::<Vec<_>>().join(", ");
        let note = Note::new(journal, note::OPERATOR_ADD, format!("{key}: {roles_said}"));
        self.change_keyring(note, copy, move |_, draft| draft.operator(key, roles, founding::actor(&key)))
            .await
    }

    /// The key speaks for the hoster no more. What it said as far as is known here stays; what it says later counts nowhere.
    pub(crate) async fn dismiss(
        &self,
        key: PublicKey,
        copy: OwnCopy,
        journal: Journal,
    ) -> Result<(), Failure> {
        let known = self.operators().await?;
        let found = known.iter().find(|known| known.key == key && !known.roles.is_empty());
        let found = found.ok_or_else(|| {
            Failure::new(format!("{key} is no operator's key")).hint("essaim operator list shows them")
        })?;
        if found.roles.contains(&Role::Node.name()) {
            return Err(Failure::new("this is the key of the hoster's node: without it the hoster is gone")
                .hint("name the key of another operator: essaim operator list"));
        }
        let note = Note::new(journal, note::OPERATOR_REMOVE, key.to_string());
        self.change_keyring(note, copy, move |hoster, draft| draft.revoke(key, hoster.cut_here(&key))).await
    }

    /// A link by which an operator's machine finds the hoster. It says what the card of the domain says, and lets nobody in.
    pub(crate) async fn operator_link(&self) -> Result<String, Failure> {
        let running = self.running()?;
        let keyring = self.own_keyring().await?;
        let node = running.claim(&keyring)?;
        let unsigned = |error: &dyn std::error::Error| Failure::caused("the link cannot be written", error);
        let domain = running.config.hoster.domain.clone();
        let issued = Timestamp::from_seconds(now().seconds());
        let card = Card { domain, node, issued }.sign(&running.key).map_err(|error| unsigned(&error))?;
        let host = running.config.hoster.hostname();
        Ok(format!("https://{host}{LINK_PATH}{}", BASE64_URL_SAFE_NO_PAD.encode(card)))
    }

    /// Makes the hoster's listing that of this machine, and its node the peer of it. Before the first start.
    pub(crate) async fn adopt(&self, hoster: &Adopted) -> Result<(), Failure> {
        let rows = &self.0.rows;
        if let Some(known) = rows.identity()?.filter(|known| *known != hoster.listing) {
            return Err(Failure::new(format!("this data directory belongs to the listing {known} already"))
                .hint("choose an empty one with --data-dir"));
        }
        let peer = PeerRecord {
            listing: hoster.listing,
            addresses: hoster.addresses.iter().map(ToString::to_string).collect(),
            since: now(),
            by: Introduction::WeJoined,
        };
        let writes = vec![Write::identity(hoster.listing), Write::peer(&hoster.node, &peer)];
        rows.commit(writes).await.map_err(|error| unwritten(&error))
    }

    async fn change_keyring(
        &self,
        note: Note,
        copy: OwnCopy,
        change: impl FnOnce(
            &essaim_directory::Hoster,
            essaim_identity::keyring::Draft,
        ) -> essaim_identity::keyring::Draft
        + Send
        + 'static,
    ) -> Result<(), Failure> {
        let root = keys::root(&self.0.data_dir)?.ok_or_else(|| {
            Failure::new("the root key is not on this machine, and only it changes who the operators are").hint(
                "put keys/root.secret back into the data directory of the node, repeat the command, and take it away again",
            )
        })?;
        self.change(note, move |directory, now| {
            if copy == OwnCopy::Trusted {
                directory.trust_own_copy();
            }
            // An entry made on an old copy of the keyring would be a fork of it.
            if directory.is_restoring() {
                return Err(CommandError::Restoring);
            }
            let hoster = directory.own_listing().and_then(|own| directory.hoster(own));
            let hoster = hoster.ok_or(CommandError::NoListing)?.clone();
            directory.change_keyring(now, &root, |draft| change(&hoster, draft))
        })
        .await
    }
}

/// Reads a link of [`Federation::operator_link`].
pub(crate) fn read_link(link: &str, now: Timestamp) -> Result<Adopted, Failure> {
    let foreign = || {
        Failure::new("this is not a link for an operator's machine")
            .hint("copy the whole link that essaim operator invite has shown on the hoster's node, in quotes")
            .usage()
    };
    let (_, fragment) = link.trim().split_once(LINK_PATH).ok_or_else(foreign)?;
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(fragment).map_err(|_| foreign())?;
    let card = Card::read(&bytes, now).map_err(|error| {
        Failure::caused("the link cannot be used", &error)
            .hint("ask for a new one: essaim operator invite on the hoster's node")
    })?;
    let Card { domain, node, .. } = card.record().clone();
    let addresses: Vec<Address> = node.addresses.iter().filter_map(Address::from_node_address).collect();
    if addresses.is_empty() {
        return Err(Failure::new("the link does not say where the hoster's node is")
            .hint("set network.announce in its configuration, then essaim operator invite again"));
    }
    Ok(Adopted { domain, listing: node.listing, node: node.key, addresses })
}

/// The key of an operator's machine, made if there is none.
pub(crate) fn operator_key(config: &Config) -> Result<PublicKey, Failure> {
    Keys::make_operator(&config.data_dir).map(|keys| SigningKey::public(&keys.node))
}

/// Between the host, which decides nothing, and the card.
const LINK_PATH: &str = "/operator#";

#[cfg(test)]
mod tests {
    use essaim_identity::node::NodeClaim;

    use super::*;

    fn link(at: Timestamp, addresses: &[&str]) -> String {
        let key = SigningKey::from_seed(&[7; 32]);
        let addresses: Vec<Address> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let node = NodeClaim {
            listing: ListingId::from_bytes([1; 32]),
            head: essaim_identity::RecordHash::from_bytes([2; 32]),
            key: key.public(),
            addresses: super::super::address::in_records(&addresses),
        };
        let card = Card { domain: "a.test".parse().unwrap(), node, issued: at }.sign(&key).unwrap();
        format!("https://mail.a.test{LINK_PATH}{}", BASE64_URL_SAFE_NO_PAD.encode(card))
    }

    #[test]
    fn a_link_says_who_and_where() {
        let at = Timestamp::from_seconds(1_800_000_000);
        let good = link(at, &["/ip4/127.0.0.1/tcp/4001"]);
        let read = read_link(&good, at).unwrap();
        assert_eq!((read.domain.as_str(), read.addresses.len()), ("a.test", 1));
        for (text, why) in [
            ("https://a.test/join#x", "not a link for an operator"),
            ("https://a.test/operator#x!", "not a link for an operator"),
            (&good[..good.len() - 8], "cannot be used"),
            (&link(at, &[]), "does not say where"),
        ] {
            let failure = read_link(text, at).unwrap_err();
            assert!(failure.message.contains(why), "{failure}");
        }
        let late = at.after(std::time::Duration::from_hours(8 * 24));
        assert!(read_link(&good, late).unwrap_err().message.contains("cannot be used"));
    }
}
