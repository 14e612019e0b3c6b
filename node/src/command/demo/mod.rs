//! `essaim demo`: three hosters on this machine that know each other, to try, to teach, to test.

mod actor;
mod cast;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use self::actor::{Actor, Member};
use self::cast::{CAST, LETTERS, MOVER};
use super::block_on;
use super::place::Place;
use crate::failure::{Exit, Failure};
use crate::terminal::{Audience, remark};

/// Run three hosters on this machine, with members, mail and a shared directory, until Ctrl-C. Without --data-dir nothing of it stays.
#[derive(Debug, Args)]
pub(super) struct Demo {}

/// What `demo --json` says when all is ready; it then runs until it is told to stop.
#[derive(Debug, Serialize)]
struct Stage {
    hosters: Vec<Shown>,
    moved: Moved,
}

/// Somebody who has changed hosters.
#[derive(Debug, Serialize)]
struct Moved {
    /// The address at the old hoster.
    from: &'static str,
    /// The address at the new one.
    to: String,
    /// For how long nobody could write, in milliseconds.
    held_ms: u64,
    /// How many have signed the receipt.
    signatures: u64,
}

#[derive(Debug, Serialize)]
struct Shown {
    domain: &'static str,
    name: &'static str,
    data_dir: PathBuf,
    listen: BTreeMap<String, SocketAddr>,
    members: Vec<Member>,
}

impl Demo {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let failed = |error: &std::io::Error| Failure::caused("there is no place for the demo", error);
        let (stage, _passing) = match place.named_data_dir() {
            Some(kept) if kept.read_dir().is_ok_and(|mut inside| inside.next().is_some()) => {
                return Err(Failure::new(format!("{} is not empty", kept.display()))
                    .hint("name a new directory, or none: the demo then uses a temporary one"));
            }
            Some(kept) => (std::path::absolute(kept).map_err(|error| failed(&error))?, None),
            None => {
                let passing = tempfile::Builder::new().prefix("essaim-demo-").tempdir();
                let passing = passing.map_err(|error| failed(&error))?;
                (passing.path().to_owned(), Some(passing))
            }
        };
        block_on(async move {
            let mut stop = [SignalKind::interrupt(), SignalKind::terminate()].into_iter().map(signal);
            let (Some(Ok(mut interrupt)), Some(Ok(mut terminate))) = (stop.next(), stop.next()) else {
                return Err(Failure::new("the system tells this program no signals"));
            };
            let mut actors = Vec::new();
            let played = tokio::select! {
                played = play(&stage, &mut actors, audience) => played,
                _ = interrupt.recv() => Ok(()),
                _ = terminate.recv() => Ok(()),
            };
            for actor in actors {
                actor.stop().await;
            }
            played.map(|()| Exit::Done)
        })
    }
}

/// Sets everything up, says so, and goes on until something ends by itself.
async fn play(stage: &std::path::Path, actors: &mut Vec<Actor>, audience: Audience) -> Result<(), Failure> {
    let say = |text: &str| {
        if audience == Audience::People {
            remark(text);
        }
    };
    let mut members = Vec::new();
    for role in &CAST {
        say(&format!("starting {} ({})", role.name, role.domain));
        let actor = Actor::start(role, stage).await?;
        members.push(actor.enroll().await?);
        actor.introduce().await?;
        actors.push(actor);
    }
    say("they invite each other: essaim peer invite, essaim peer join");
    for (host, guest) in [(0, 1), (0, 2), (1, 2)] {
        let invited = actors[host].ask(&["peer", "invite"]).await?;
        actors[guest].ask(&["peer", "join", invited["link"].as_str().unwrap_or_default()]).await?;
    }
    for (role, actor) in CAST.iter().zip(actors.iter()) {
        for (other, point, method) in role.vouches {
            let arguments = ["directory", "vouch", CAST[*other].domain, "--point", point, "--method", method];
            actor.ask(&arguments).await?;
        }
    }
    say("and write to each other");
    for (from, to, subject, text) in LETTERS {
        let sender = members.iter().enumerate().find_map(|(at, members)| {
            members.iter().find(|member| member.address == from).map(|member| (at, member))
        });
        if let Some((at, member)) = sender {
            actors[at].submit(member, to, subject, text).await?;
        }
    }
    say(&format!("{} moves: essaim account kit, account accept, account move", MOVER.0));
    let moved = change_hosters(actors).await?;
    let shown = CAST.iter().zip(actors.iter()).zip(members).map(|((role, actor), members)| Shown {
        domain: role.domain,
        name: role.name,
        data_dir: actor.data_dir().to_owned(),
        listen: actor.ports(),
        members,
    });
    audience.show(&Stage { hosters: shown.collect(), moved }, Stage::text);
    let [one, two, three] = actors.as_mut_slice() else { return Ok(()) };
    tokio::select! {
        failure = one.ended() => Err(failure),
        failure = two.ended() => Err(failure),
        failure = three.ended() => Err(failure),
    }
}

/// One account goes from one hoster to another, as its member and the two operators would do it.
async fn change_hosters(actors: &[Actor]) -> Result<Moved, Failure> {
    let (address, old, new) = MOVER;
    let kit = actors[old].ask(&["account", "kit", address]).await?;
    let words = kit["words"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
    let words = words.collect::<Vec<_>>().join(" ");
    let code = actors[new].ask(&["account", "accept"]).await?;
    let code = code["code"].as_str().unwrap_or_default();
    let arguments = ["account", "move", address, "--accept", code, "--words-stdin"];
    let said = actors[old].ask_with(&arguments, &words).await?;
    Ok(Moved {
        from: address,
        to: format!("{}@{}", address.split('@').next().unwrap_or_default(), CAST[new].domain),
        held_ms: said["held_ms"].as_u64().unwrap_or_default(),
        signatures: said["receipt"]["signatures"].as_u64().unwrap_or_default(),
    })
}

impl Stage {
    fn text(&self) -> String {
        let mut text = "\nThree hosters run on this machine and know each other.\n".to_owned();
        for hoster in &self.hosters {
            text.push_str(&format!("\n{} ({})\n", hoster.name, hoster.domain));
            for (label, listener) in
                [("pages", "http"), ("IMAP, TLS", "imaps"), ("submission, TLS", "submissions")]
            {
                if let Some(at) = hoster.listen.get(listener) {
                    let scheme = if listener == "http" { "http://" } else { "" };
                    text.push_str(&format!("  {label:<16} {scheme}{at}\n"));
                }
            }
            for Member { address, password } in &hoster.members {
                text.push_str(&format!("  {address:<20} password {password}\n"));
            }
        }
        let Moved { from, to, held_ms, .. } = &self.moved;
        text.push_str(&format!(
            "\n{from} has moved, with everything, and is {to}: the password is the same. A mail program that still calls the old\n\
             hoster is led on. Writes were held for {held_ms} ms.\n"
        ));
        text.push_str(&self.hints());
        text
    }

    /// What to try, to be copied.
    fn hints(&self) -> String {
        let [first, second, ..] = self.hosters.as_slice() else { return String::new() };
        let (Some(writer), Some(reader)) = (first.members.first(), second.members.first()) else {
            return String::new();
        };
        let (Some(out), Some(mailbox)) = (first.listen.get("submissions"), second.listen.get("imaps")) else {
            return String::new();
        };
        let dir = first.data_dir.display();
        format!(
            "\nRead what {} has got:\n\n  curl --insecure --user '{}:{}' 'imaps://{mailbox}/INBOX;MAILINDEX=1'\n\
             \nWrite to another hoster's member:\n\n  printf 'From: {from}\\r\\nTo: {to}\\r\\nSubject: hello\\r\\n\\r\\nHello.\\r\\n' |\n    \
             curl --insecure --url smtps://{out} --user '{from}:{}' \\\n    --mail-from {from} --mail-rcpt {to} --upload-file -\n\
             \nBe the operator of {}:\n\n  essaim --data-dir '{dir}' directory list\n  \
             essaim --data-dir '{dir}' directory search --near Gent --service mail --open\n  \
             essaim --data-dir '{dir}' directory show zwerm.test\n  \
             essaim --data-dir '{dir}' doctor --from-peers\n  \
             essaim --data-dir '{dir}' account move status\n\nCtrl-C ends it.\n",
            reader.address,
            reader.address,
            reader.password,
            writer.password,
            first.name,
            from = writer.address,
            to = reader.address,
        )
    }
}
