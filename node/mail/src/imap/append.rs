//! APPEND: RFC 9051 section 6.3.12; several messages at once, all or none, by RFC 3502.

use essaim_imap::command::AppendMessage;
use essaim_imap::response::NumberSet;
use essaim_imap::{MailboxName, Outcome, Reply, ResponseCode};
use essaim_types::{ByteSize, MailboxId, Timestamp};

use super::outcome::{Stop, no, ok_coded};
use super::session::Session;
use super::sink::{Gone, Sink};
use super::store::split_flags;
use super::view::Removals;
use crate::delivery::Incoming;
use crate::mailbox::{self, AppendError, Arrival, Flags};

/// Messages on their way into one mailbox. Dropped, it leaves nothing.
#[derive(Debug)]
pub struct Append {
    to: MailboxId,
    room: Option<ByteSize>,
    complete: Vec<Arrival>,
    current: Option<Current>,
    /// What went wrong while bytes arrived; told by the commit.
    failed: Option<Outcome>,
}

#[derive(Debug)]
struct Current {
    incoming: Incoming,
    flags: Flags,
    date: Option<Timestamp>,
}

impl Session {
    /// Begins an APPEND; `Err` is why not.
    pub fn append(&self, mailbox: &MailboxName) -> Result<Append, Reply> {
        let begin = || -> Result<Append, Stop> {
            let (_, to) = self.destination(mailbox)?;
            let state = self.mail.store.read()?.account(self.account)?;
            let room = state.and_then(|state| Some(ByteSize(state.quota?.0.saturating_sub(state.used.0))));
            Ok(Append { to, room, complete: Vec::new(), current: None, failed: None })
        };
        begin().map_err(|stop| why_not(stop.into_answer()))
    }

    /// Makes all messages of an APPEND durable; then tells what is new, as every command does.
    pub async fn append_commit(&mut self, append: Append, sink: &mut impl Sink) -> Result<Outcome, Gone> {
        let done = self.commit_all(append).await;
        self.announce(Removals::Tell, sink).await?;
        Ok(done)
    }

    async fn commit_all(&mut self, append: Append) -> Outcome {
        if let Some(failed) = append.failed {
            return failed;
        }
        let (account, to) = (self.account, append.to);
        let committed = self
            .mail
            .store
            .commit_to([account], move |tx| {
                let arrivals = append.complete.into_iter();
                arrivals
                    .map(|arrival| mailbox::append(tx, account, to, arrival))
                    .collect::<Result<Vec<_>, AppendError>>()
            })
            .await;
        match committed.map_err(Stop::from) {
            Ok(appended) => match appended.first() {
                Some(first) => {
                    let uids: NumberSet = appended.iter().map(|appended| appended.uid).collect();
                    ok_coded(ResponseCode::AppendUid(first.uid_validity, uids), "Appended")
                }
                None => Outcome::ok("There was nothing to append"),
            },
            Err(stop) => stop.into_answer(),
        }
    }
}

/// What an answer that is not OK says.
fn why_not(outcome: Outcome) -> Reply {
    match outcome {
        Outcome::Ok(reply) | Outcome::No(reply) | Outcome::Bad(reply) | Outcome::Bye(reply) => reply,
        Outcome::Selected { text, .. } => Reply::new(text),
    }
}

impl Append {
    /// The next message is announced; `Err` refuses it before its bytes are sent.
    pub fn message(&mut self, session: &Session, message: &AppendMessage) -> Result<(), Reply> {
        if message.size > session.mail.config.max_message_size {
            return Err(Reply::coded(ResponseCode::TooBig, "The message is larger than the server takes"));
        }
        if self.room.is_some_and(|room| message.size > room) {
            return Err(Reply::coded(ResponseCode::OverQuota, "That is more than your quota allows"));
        }
        let (flags, date) = (split_flags(&message.flags), message.date.map(|date| date.at));
        self.current = Some(Current { incoming: Incoming::new(&session.mail.store), flags, date });
        Ok(())
    }

    /// The next bytes of the message.
    pub fn piece(&mut self, bytes: &[u8]) {
        if let Some(current) = &mut self.current
            && let Err(error) = current.incoming.push(bytes)
        {
            self.fail(&error);
        }
    }

    /// All bytes of the message have come.
    pub fn message_end(&mut self) {
        let Some(Current { incoming, flags, date }) = self.current.take() else { return };
        match incoming.finish() {
            Ok(spooled) => self.complete.push(Arrival {
                content: spooled.content,
                flags,
                internal_date: date,
                summary: spooled.summary,
            }),
            Err(error) => self.fail(&error),
        }
    }

    fn fail(&mut self, error: &essaim_store::AppendError) {
        tracing::error!(error = error as &dyn std::error::Error, "could not spool an appended message");
        self.current = None;
        self.failed = Some(no(
            ResponseCode::Unavailable,
            "The server could not store the message; nothing was changed",
        ));
    }
}
