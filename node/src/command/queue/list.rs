//! `essaim queue list`.

use clap::Args;
use essaim_mail::queue::{Course, Cursor, Listed, Recipient};
use essaim_types::AccountId;
use serde::{Deserialize, Serialize};

use super::{Selection, failed};
use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::{readable_time, size, time};
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::outbound::plan;
use crate::services::Services;
use crate::terminal::{Audience, table};

/// List mail on its way out, in the order of destinations.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    selection: Selection,

    /// List at most this many.
    #[arg(long, default_value_t = 100)]
    limit: usize,

    /// Begin where another page ended: its "next".
    #[arg(long, value_name = "NEXT")]
    after: Option<String>,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ListQueue {
    selection: Selection,
    limit: usize,
    after: Option<String>,
}

/// The answer of `queue list --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct QueuePage {
    entries: Vec<EntryView>,
    /// For --after of the next page; absent after the last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    next: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EntryView {
    id: String,
    /// What its sender was told that the message is called; the same in its trace header and in the log.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    message: Option<String>,
    account: AccountId,
    domain: String,
    /// Absent: the null reverse-path of a bounce.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    sender: Option<String>,
    recipients: Vec<RecipientView>,
    size_bytes: u64,
    queued: String,
    attempts: u32,
    /// "peer" (the federation's channel), "route", "relay" or "mx": at the next attempt, as things are now. Only a running node knows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    way: Option<String>,
    /// Why it goes to the domain: "forward", "follow" or "through" where an account has moved; absent: it is the domain of the recipients.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    course: Option<String>,
    /// The same as the way, at the last attempt.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    last_way: Option<String>,
    next_attempt: String,
    expires: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RecipientView {
    address: String,
    /// It still waits for the message.
    open: bool,
    /// What was said about it last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    last: Option<String>,
}

impl List {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let operation = ListQueue { selection: self.selection, limit: self.limit, after: self.after };
        audience.show(&ask(place, operation)?, QueuePage::text);
        Ok(Exit::Done)
    }
}

impl Operation for ListQueue {
    type Answer = QueuePage;

    async fn perform(self, node: &Services, _: &Caller) -> Result<QueuePage, Failure> {
        let after = self.after.map(|text| text.parse::<Cursor>()).transpose();
        let after = after.map_err(|error| Failure::new(format!("--after: {error}")).usage())?;
        let page = node
            .queue
            .list(&self.selection.parse()?, after.as_ref(), self.limit.clamp(1, LIMIT))
            .map_err(failed)?;
        let correspondents = node.federation.numbers().map(|_| node.federation.correspondents());
        let view = |listed: Listed| {
            let plan = correspondents.as_ref().map(|correspondents| {
                plan(&node.config, correspondents, &listed.domain, &listed.entry, listed.due)
            });
            EntryView { way: plan.map(|plan| plan.way().name().to_owned()), ..EntryView::from(listed) }
        };
        Ok(QueuePage {
            entries: page.entries.into_iter().map(view).collect(),
            next: page.next.map(|next| next.to_string()),
        })
    }
}

impl From<Listed> for EntryView {
    fn from(listed: Listed) -> Self {
        let entry = listed.entry;
        Self {
            id: listed.id.to_string(),
            message: entry.name().map(str::to_owned),
            account: listed.account,
            domain: listed.domain.to_string(),
            sender: entry.sender.map(|sender| sender.to_string()),
            recipients: entry.recipients.into_iter().map(RecipientView::from).collect(),
            size_bytes: entry.size.0,
            queued: time(entry.queued),
            attempts: entry.attempts,
            way: None,
            course: Some(entry.course)
                .filter(|course| *course != Course::Straight)
                .map(|course| course.name().to_owned()),
            last_way: entry.way.map(|way| way.name().to_owned()),
            next_attempt: time(listed.due),
            expires: time(listed.expires),
        }
    }
}

impl From<Recipient> for RecipientView {
    fn from(recipient: Recipient) -> Self {
        let last = recipient.last.map(|last| match last.remote {
            Some(remote) => format!("{remote} said: {}", last.text),
            None => last.text,
        });
        Self { address: recipient.address.to_string(), open: recipient.state.is_open(), last }
    }
}

impl QueuePage {
    fn text(&self) -> String {
        if self.entries.is_empty() {
            return "Nothing is on its way out.".to_owned();
        }
        let mut text = table(
            &["ID", "MESSAGE", "TO", "FROM", "SIZE", "TRIED", "WAY", "NEXT"],
            &self.entries.iter().map(row).collect::<Vec<_>>(),
        );
        for entry in &self.entries {
            for recipient in entry.recipients.iter().filter(|recipient| recipient.open) {
                if let Some(last) = &recipient.last {
                    text.push_str(&format!("{}  {}: {last}\n", entry.id, recipient.address));
                }
            }
        }
        if let Some(next) = &self.next {
            text.push_str(&format!("There is more: --after {next}\n"));
        }
        text
    }
}

fn row(entry: &EntryView) -> Vec<String> {
    let to: Vec<&str> = entry.recipients.iter().filter(|to| to.open).map(|to| to.address.as_str()).collect();
    let sender = entry.sender.clone().unwrap_or_else(|| "<>".to_owned());
    let next = readable_time(&entry.next_attempt);
    let message = entry.message.clone().unwrap_or_default();
    vec![
        entry.id.clone(),
        message,
        to.join(","),
        sender,
        size(entry.size_bytes),
        entry.attempts.to_string(),
        entry.way.clone().or_else(|| entry.last_way.clone()).unwrap_or_default(),
        next,
    ]
}

const LIMIT: usize = 10_000;
