//! Mail to a hoster of the federation: one stream of its channel for several messages, and what its answers mean.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use essaim_mail::queue::{Course, Letter};
use essaim_network::Opening;
use essaim_smtp::client::{self, Cause, Encryption, Failure, Report, Stage, ToHoster};
use essaim_types::ListingId;
use tracing::debug;

use super::Shared;
use super::session::{all_failed, delivery, is_before_mail, was_lost_between};
use super::talk::Talk;
use crate::failure::causes;
use crate::federation::{Correspondent, mail};

/// The stream of one session.
#[derive(Debug, Default)]
pub(super) struct PeerLine {
    talk: Option<(ListingId, Talk)>,
    /// The hoster could not be reached a moment ago.
    away: Option<(ListingId, String)>,
}

/// What came of handing a message to a hoster.
#[derive(Debug)]
pub(super) enum Handed {
    /// It said something about the message.
    Report { host: String, report: Report },
    /// None of its nodes takes mail now, and why.
    Away(String),
    /// It takes no mail from here over the channel, and why.
    Declined(String),
}

impl PeerLine {
    pub(super) async fn hand_over(&mut self, shared: &Shared, to: &Correspondent, letter: &Letter) -> Handed {
        if let Some((listing, why)) = &self.away
            && *listing == to.listing
        {
            return Handed::Away(why.clone());
        }
        if let Some((listing, talk)) = self.talk.take()
            && listing == to.listing
        {
            let (host, report) = self.converse(to, talk, letter).await;
            // A node that grew tired of waiting between two messages is called again.
            if !was_lost_between(&report) {
                return judge(host, report);
            }
        }
        let handed = match self.call(shared, to).await {
            Ok(talk) => {
                let (host, report) = self.converse(to, talk, letter).await;
                judge(host, report)
            }
            Err(why) => Handed::Away(why),
        };
        if let Handed::Away(why) = &handed {
            self.away = Some((to.listing, why.clone()));
        }
        handed
    }

    /// Takes leave.
    pub(super) async fn close(self) {
        if let Some((_, talk)) = self.talk {
            talk.quit().await;
        }
    }

    async fn call(&self, shared: &Shared, to: &Correspondent) -> Result<Talk, String> {
        let stream = shared.federation.call(to, Opening::new(mail())).await.map_err(|error| {
            debug!(error = &error as &dyn std::error::Error, domain = %to.domain, "a hoster was not reached");
            causes(&error)
        })?;
        let host = format!("{} (federation, listing {})", to.domain, to.short());
        Ok(Talk::with_node(stream, host, shared.stranger(Encryption::Implicit)))
    }

    async fn converse(&mut self, to: &Correspondent, mut talk: Talk, letter: &Letter) -> (String, Report) {
        // Who was sent back is not told again where to go; and what a hoster sends on in its name goes nowhere else.
        let moved = match letter.course {
            Course::Straight => letter.turns == 0,
            Course::Forward { .. } | Course::Follow { .. } => true,
            Course::Through { .. } => false,
        };
        let hoster = ToHoster { entry: letter.name, moved };
        let report = talk.deliver(delivery(letter, Some(hoster)), letter.body.clone()).await;
        let host = talk.host().to_owned();
        self.talk = Some((to.listing, talk)).filter(|(_, talk)| talk.is_open());
        (host, report)
    }
}

/// What is about the channel is not about the message: the MX may take it. An answer to the message itself counts.
fn judge(host: String, report: Report) -> Handed {
    let declines = |failure: &Failure| {
        let is_final = failure.reply().is_some_and(|reply| reply.code() >= 500);
        is_final && (is_before_mail(failure.stage) || is_sender_declined(failure))
    };
    let is_away = |failure: &Failure| is_before_mail(failure.stage) || is_lost_at_sender(failure);
    let first = || report.recipients.first().and_then(|(_, outcome)| failure_of(outcome));
    let why = || first().map(ToString::to_string).unwrap_or_default();
    if all_failed(&report, declines) {
        Handed::Declined(why())
    } else if all_failed(&report, is_away) {
        Handed::Away(why())
    } else {
        Handed::Report { host, report }
    }
}

/// 550 5.7.1 to MAIL: it does not know yet, or not any more, that the sender's domain is ours.
fn is_sender_declined(failure: &Failure) -> bool {
    failure.stage == Stage::Sender
        && failure.reply().is_some_and(|reply| reply.code() == 550 && reply.status().to_string() == "5.7.1")
}

/// The stream broke before anything was said about the message.
fn is_lost_at_sender(failure: &Failure) -> bool {
    let is_end = match &failure.cause {
        Cause::Reply(reply) => reply.code() == 421,
        Cause::Lost | Cause::Timeout | Cause::Protocol(_) => true,
        _ => false,
    };
    failure.stage == Stage::Sender && is_end
}

fn failure_of(outcome: &client::Outcome) -> Option<&Failure> {
    match outcome {
        client::Outcome::Delivered(_) => None,
        client::Outcome::Temporary(failure) | client::Outcome::Permanent(failure) => Some(failure),
    }
}

/// Hosters that have declined, until they are asked again. As large as the directory at most.
#[derive(Debug, Clone, Default)]
pub(super) struct Declined(Arc<Mutex<HashMap<ListingId, Instant>>>);

impl Declined {
    pub(super) fn note(&self, hoster: ListingId, now: Instant) {
        let mut declined = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        declined.retain(|_, at| now.duration_since(*at) < ASK_AGAIN);
        declined.insert(hoster, now);
    }

    /// It has declined a moment ago.
    pub(super) fn holds(&self, hoster: ListingId, now: Instant) -> bool {
        let declined = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        declined.get(&hoster).is_some_and(|at| now.duration_since(*at) < ASK_AGAIN)
    }
}

/// A hoster that has declined is asked again after this.
const ASK_AGAIN: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use essaim_types::ByteSize;

    use super::*;

    fn judged(stage: Stage, cause: Cause) -> &'static str {
        let outcome = client::Outcome::Temporary(Failure { stage, cause });
        let report = Report { recipients: vec![("a@b.test".parse().unwrap(), outcome)] };
        match judge("b.test".to_owned(), report) {
            Handed::Report { .. } => "report",
            Handed::Away(_) => "away",
            Handed::Declined(_) => "declined",
        }
    }

    #[test]
    fn what_breaks_before_the_message_is_about_the_channel_and_the_rest_is_not() {
        assert_eq!(judged(Stage::Greeting, Cause::Lost), "away");
        assert_eq!(judged(Stage::Hello, Cause::Timeout), "away");
        assert_eq!(judged(Stage::Sender, Cause::Lost), "away");
        assert_eq!(judged(Stage::Sender, Cause::TooLarge(ByteSize(1))), "report");
        assert_eq!(judged(Stage::Sender, Cause::NoSmtpUtf8), "report");
        assert_eq!(judged(Stage::Body, Cause::Lost), "report");
        assert_eq!(judged(Stage::End, Cause::Lost), "report", "it may have arrived: no other way at once");
    }

    #[test]
    fn a_hoster_that_has_declined_is_asked_again_later() {
        let (declined, now) = (Declined::default(), Instant::now());
        let hoster = ListingId::from_bytes([1; 32]);
        declined.note(hoster, now);
        assert!(declined.holds(hoster, now + ASK_AGAIN / 2));
        assert!(
            !declined.holds(hoster, now + ASK_AGAIN) && !declined.holds(ListingId::from_bytes([2; 32]), now)
        );
    }
}
