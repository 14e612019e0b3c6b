//! `essaim operator remove`.

use clap::Args;
use essaim_identity::PublicKey;
use serde::{Deserialize, Serialize};

use super::add::own_copy;
use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::Done;
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// On the hoster's node: an operator leaves, or has lost a machine. What its key has said as far as this node knows stays; nothing later counts anywhere.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The operator's key, from essaim operator list.
    #[arg(value_parser = parse_key)]
    key: PublicKey,

    /// Do not wait until peers have told what this node has published before: you know that this data directory is the latest.
    #[arg(long)]
    without_peers: bool,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RemoveOperator {
    key: String,
    without_peers: bool,
}

impl Remove {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let remove = RemoveOperator { key: self.key.to_string(), without_peers: self.without_peers };
        audience.show(&ask(place, remove)?, |done| done.done.clone());
        Ok(Exit::Done)
    }
}

impl Operation for RemoveOperator {
    type Answer = Done;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<Done, Failure> {
        let key = parse_key(&self.key).map_err(|why| Failure::new(why).usage())?;
        node.federation.dismiss(key, own_copy(self.without_peers), caller.journal(node)).await?;
        Ok(Done {
            done: format!(
                "{key} edits for this hoster no more; peers are told. Look over the listing: essaim directory edit"
            ),
        })
    }
}

pub(super) fn parse_key(text: &str) -> Result<PublicKey, String> {
    text.trim().parse().map_err(|_| {
        format!("{text:?} is not a key: it has 52 letters and digits, as essaim operator join shows it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_shown() {
        let key = essaim_identity::SigningKey::from_seed(&[7; 32]).public();
        assert_eq!(parse_key(&format!(" {key}\n")), Ok(key));
        assert!(parse_key("abc").unwrap_err().contains("not a key"));
    }
}
