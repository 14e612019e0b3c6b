//! The first start of a hoster: its keyring, one root key and the node's, and its listing with what the configuration says.

use essaim_directory::document::Edit;
use essaim_directory::listing::{check_field, parse_edit};
use essaim_identity::cosigned::Cosigned;
use essaim_identity::domain::TxtRecord;
use essaim_identity::keyring::{ActorId, Draft, KeyringEntry, Role, Roles};
use essaim_identity::{KeySet, PublicKey, SigningKey};
use essaim_types::{Domain, ListingId};

use super::keys::{self, Keys};
use crate::config::{Config, HosterConfig};
use crate::failure::Failure;

/// The first entry of the keyring and the id that follows from it. Always the same for the same keys and domain.
pub(super) fn genesis(keys: &Keys, domain: &Domain) -> Result<(ListingId, Cosigned<KeyringEntry>), Failure> {
    let root = keys.root.as_ref().ok_or_else(|| {
        Failure::new("the hoster has no keyring yet and its root key is not on this machine")
            .hint("put keys/root.secret back for the first start; it can be taken offline after that")
    })?;
    let node = keys.node.public();
    let mut roots = KeySet::default();
    roots.insert(root.public());
    let draft =
        Draft::genesis(roots, 1).domain(Some(domain.clone())).operator(node, all_roles(), actor(&node));
    let unfounded = |error: &dyn std::error::Error| {
        Failure::caused(format_args!("no keyring can be made for {domain}"), error)
            .hint("hoster.domain must be a name as the DNS has it (letters beyond ASCII as xn--...)")
    };
    let entry = draft.propose_genesis().map_err(|error| unfounded(&error))?;
    let entry = signed(entry, root)
        .map_err(|failure| failure.hint("this is a mistake in essaim; please report it"))?;
    Ok((ListingId::from_bytes(*entry.hash().as_bytes()), entry))
}

/// What the TXT record of the domain must say; `None` before there are keys. It is the same before and after the first start.
pub(crate) fn domain_record(config: &Config) -> Option<TxtRecord> {
    if let Some(record) = keys::noted_record(&config.data_dir) {
        return Some(record);
    }
    let keys = Keys::read(&config.data_dir).ok()??;
    let (listing, entry) = genesis(&keys, &config.hoster.domain).ok()?;
    entry.record().roots.iter().next().map(|root| TxtRecord { listing, root: *root })
}

/// The proposal with the root key's signature.
pub(super) fn signed(
    mut entry: essaim_identity::Cosigning<KeyringEntry>,
    root: &SigningKey,
) -> Result<Cosigned<KeyringEntry>, Failure> {
    entry.sign(root).map_err(|error| Failure::caused("the keyring cannot be signed", &error))?;
    entry.verify().map_err(|error| Failure::caused("the keyring cannot be signed", &error))
}

/// What the listing says at first. What no listing may say is left out.
pub(super) fn first_edits(config: &Config) -> Vec<Edit> {
    let HosterConfig { name, contact, language, .. } = &config.hoster;
    let mut edits = vec![Edit::text("name", name), Edit::flag("service.mail", true)];
    edits.push(Edit::flag(&format!("language.{}", language.code()), true));
    edits.extend(contact.as_ref().map(|contact| Edit::text("contact.email", &contact.to_string())));
    edits.retain(|edit| edit.value.as_ref().is_some_and(|value| check_field(&edit.key, value).is_ok()));
    edits
}

/// The edits that make the listing tell these addresses of the node, and no others.
pub(super) fn address_edits(addresses: &[String]) -> Vec<Edit> {
    let edit = |at: usize| {
        let text = addresses.get(at).map_or("", String::as_str);
        parse_edit(&format!("address.{}", at + 1), text).ok()
    };
    (0..ADDRESSES_MAX).filter_map(edit).collect()
}

fn all_roles() -> Roles {
    Roles::of(&Role::ALL).expect("a list of all roles is not empty")
}

/// 16 bytes that no other key has: of the key's hash.
pub(super) fn actor(key: &PublicKey) -> ActorId {
    let mut hash = blake3::Hasher::new_derive_key(ACTOR_CONTEXT);
    hash.update(key.as_bytes());
    let mut actor = [0; 16];
    hash.finalize_xof().fill(&mut actor);
    ActorId(actor)
}

const ACTOR_CONTEXT: &str = "essaim 2026 actor of a node's key";
/// Addresses that the node writes into its own listing.
pub(super) const ADDRESSES_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listing_is_known_before_the_first_start() {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::make(dir.path()).unwrap();
        let domain: Domain = "a.test".parse().unwrap();
        let (listing, entry) = genesis(&keys, &domain).unwrap();
        assert_eq!(genesis(&keys, &domain).unwrap().0, listing);
        assert!(entry.record().has_role(&keys.node.public(), Role::Node));
        let offline = Keys { root: None, ..keys };
        assert!(genesis(&offline, &domain).unwrap_err().message.contains("root key"));
    }

    #[test]
    fn a_name_that_no_listing_may_have_is_left_out() {
        let mut config = Config::default();
        config.hoster.name = "two\nlines".to_owned();
        let keys: Vec<_> = first_edits(&config).into_iter().map(|edit| edit.key).collect();
        assert_eq!(keys.iter().map(|key| &**key).collect::<Vec<_>>(), ["service.mail", "language.en"]);
    }
}
