//! `essaim operator join`: makes a machine that edits for a hoster and is none of its nodes.

use std::path::Path;

use clap::Args;
use serde::Serialize;

use crate::command::block_on;
use crate::command::init::{absolute, make_private_dir, write_new};
use crate::command::place::{FILE_NAME, Place};
use crate::config::{self, Config, Text};
use crate::control::{self, Reached};
use crate::failure::{Exit, Failure};
use crate::federation::{is_local, operator_key, read_link};
use crate::services::Services;
use crate::terminal::Audience;
use crate::vitals::now;

/// On a machine of your own: edit for the hoster that has shown you a link. Makes a data directory without members, mail or pages.
#[derive(Debug, Args)]
pub(crate) struct Join {
    /// What essaim operator invite has shown on the hoster's node.
    link: String,
}

/// The answer of `operator join --json`.
#[derive(Debug, Serialize)]
struct JoinedView {
    domain: String,
    /// To be let in on the hoster's node.
    key: String,
    data_dir: String,
}

impl Join {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let hoster = read_link(&self.link, now())?;
        let (data_dir, config) = configured(place, hoster.domain.as_str())?;
        let key = block_on(async {
            if let Reached::Node(_) = control::connect(&data_dir).await? {
                return Err(Failure::new("a node runs in this data directory")
                    .hint("stop it first, or choose another directory with --data-dir"));
            }
            let key = operator_key(&config)?;
            let machine = Services::open(config).await?;
            let adopted = machine.federation.adopt(&hoster).await;
            machine.close().await;
            adopted.map(|()| key)
        })?;
        let joined = JoinedView {
            domain: hoster.domain.to_string(),
            key: key.to_string(),
            data_dir: data_dir.display().to_string(),
        };
        audience.show(&joined, JoinedView::text);
        Ok(Exit::Done)
    }
}

impl JoinedView {
    fn text(&self) -> String {
        let Self { domain, key, data_dir } = self;
        format!(
            "This machine edits for {domain} once its key is let in. On the hoster's node:\n\n  essaim operator add {key}\n\nThen, here, while you edit:\n\n  essaim serve --data-dir {data_dir}\n  essaim directory edit --data-dir {data_dir}\n"
        )
    }
}

/// The configuration of the machine; made if there is none.
fn configured(place: &Place, domain: &str) -> Result<(std::path::PathBuf, Config), Failure> {
    let data_dir = absolute(&place.data_dir())?;
    let file = match &place.config {
        Some(named) => absolute(named)?,
        None => data_dir.join(FILE_NAME),
    };
    if !file.exists() {
        make_private_dir(&data_dir)?;
        write_new(&file, text(&data_dir, domain).as_str())?;
    }
    let loaded = config::load(Some(&file), std::iter::empty()).map_err(|error| {
        Failure::new(error.to_string()).hint("correct the file or move it away, then repeat the command")
    })?;
    let mut config = loaded.config;
    config.data_dir.clone_from(&data_dir);
    if config.hoster.domain.as_str() != domain {
        return Err(Failure::new(format!(
            "{} is set up for {}, and the link is of {domain}",
            file.display(),
            config.hoster.domain
        ))
        .hint("choose an empty directory with --data-dir"));
    }
    Ok((data_dir, config))
}

/// It calls others and is called by nobody; it listens because QUIC does.
fn text(data_dir: &Path, domain: &str) -> Text {
    let text = Text::documented()
        .set("", "data_dir", data_dir.display().to_string())
        .set("hoster", "domain", domain)
        .set("hoster", "name", domain);
    let text = Config::default()
        .listen
        .by_name()
        .into_iter()
        .fold(text, |text, (listener, _)| text.set("listen", listener, "off"));
    let is_local = domain.parse().is_ok_and(|domain| is_local(&domain));
    text.set("listen", "peer", if is_local { "127.0.0.1:0" } else { "[::]:0" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_serves_nobody() {
        for (domain, peer) in [("a.test", "127.0.0.1:0"), ("coop.example", "[::]:0")] {
            let config: Config = toml::from_str(text(Path::new("/d"), domain).as_str()).unwrap();
            let listening = config.listen.by_name().into_iter().filter(|(_, at)| at.is_some());
            let listening: Vec<_> = listening.map(|(name, at)| (name, at.unwrap().to_string())).collect();
            assert_eq!(listening, [("peer", peer.to_owned())]);
            assert_eq!(config.hoster.domain.as_str(), domain);
        }
    }
}
