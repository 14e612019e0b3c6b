//! What the queue keeps of a message on its way out, and what an attempt does to it. Rules only: no store, no clock.

mod v1;
mod v2;
mod v3;

use essaim_smtp::{BodyType, Needs, QueueId as MessageName};
use essaim_types::{Address, ByteSize, Timestamp};
use serde::{Deserialize, Serialize};

use super::config::QueueConfig;
use super::course::{Course, Heading};
use super::key::QueueId;
use super::reply::{Diagnosis, Outcome};
use super::transport::Way;
use crate::record::RecordError;

/// A message for one destination: an object of kind `QUEUED` of the hoster, with the blobs of its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What the message was called when it was taken: in the reply to its sender, its trace header and the log.
    #[serde(with = "name")]
    pub message: Option<MessageName>,
    /// The envelope's reverse-path; `None` is the null reverse-path, to which no bounce is ever sent.
    pub sender: Option<Address>,
    /// All of one domain, in the order they were given. Delivered and failed ones stay, so that `queue list` shows them.
    pub recipients: Vec<Recipient>,
    /// Bytes of the message.
    pub size: ByteSize,
    /// RFC 6531: the header needs SMTPUTF8.
    pub smtputf8: bool,
    /// RFC 6152: the body needs 8BITMIME.
    pub eight_bit: bool,
    /// When it was queued.
    pub queued: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was tried last.
    pub last_attempt: Option<Timestamp>,
    /// Which way it took then.
    pub way: Option<Way>,
    /// Why it goes to where it goes.
    pub course: Course,
    /// How often it was sent elsewhere instead.
    pub turns: u8,
    /// Bytes at the beginning that stay here: the `Return-Path:` of our own final delivery (RFC 5321 section 4.4).
    pub skip: u32,
}

/// Somebody elsewhere, and how far the message has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    pub address: Address,
    pub state: RecipientState,
    /// What was said about it last.
    pub last: Option<Diagnosis>,
}

/// How far a message has come to one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecipientState {
    /// To be tried.
    Waiting,
    /// To be tried; the sender knows that it is late.
    Delayed,
    /// The remote host has taken the message.
    Delivered,
    /// Given up.
    Failed,
}

/// What follows from an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// What becomes of the entry.
    pub next: Next,
    /// What the sender is to be told.
    pub notices: Vec<Notice>,
    /// Who is tried elsewhere, as entries of their own.
    pub onward: Vec<(Heading, Recipient)>,
}

/// What becomes of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nobody is waiting any more: it leaves the queue.
    Done,
    /// Try again then.
    Retry(Timestamp),
}

/// What the sender is to be told, and about whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// RFC 3464: `Action: failed`.
    Failed(Vec<Recipient>),
    /// RFC 3464: `Action: delayed`; it will be tried until then.
    Delayed(Vec<Recipient>, Timestamp),
}

impl RecipientState {
    /// Whether the recipient is still to be tried.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Delayed)
    }
}

impl Recipient {
    /// Not tried yet.
    pub fn new(address: Address) -> Self {
        Self { address, state: RecipientState::Waiting, last: None }
    }
}

impl Entry {
    /// Reads a stored entry.
    pub fn decode(value: &[u8]) -> Result<Self, RecordError> {
        const KIND: &str = "queue";
        match value.split_first() {
            Some((&VERSION, body)) => {
                postcard::from_bytes(body).map_err(|_| RecordError::Damaged { kind: KIND })
            }
            Some((&3, body)) => postcard::from_bytes(body)
                .map(v3::EntryV3::upgrade)
                .map_err(|_| RecordError::Damaged { kind: KIND }),
            Some((&2, body)) => postcard::from_bytes(body)
                .map(|old: v2::EntryV2| old.upgrade().upgrade())
                .map_err(|_| RecordError::Damaged { kind: KIND }),
            Some((&1, body)) => postcard::from_bytes(body)
                .map(|old: v1::EntryV1| old.upgrade().upgrade().upgrade())
                .map_err(|_| RecordError::Damaged { kind: KIND }),
            Some((&version, _)) if version > VERSION => Err(RecordError::Newer { kind: KIND, version }),
            _ => Err(RecordError::Damaged { kind: KIND }),
        }
    }

    /// As it is stored.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![VERSION]).expect("a record of numbers and text always encodes")
    }

    /// The name of the message, for the log.
    pub fn name(&self) -> Option<&str> {
        self.message.as_ref().map(MessageName::as_str)
    }

    /// What a host must offer to be given the message.
    pub fn needs(&self) -> Needs {
        let body = if self.eight_bit { BodyType::EightBit } else { BodyType::SevenBit };
        Needs { smtputf8: self.smtputf8, body }
    }

    /// The recipients that are still to be tried.
    pub fn open(&self) -> impl Iterator<Item = &Recipient> {
        self.recipients.iter().filter(|recipient| recipient.state.is_open())
    }

    /// Takes in what an attempt brought: one outcome for each of [`Entry::open`], in that order. A missing outcome is "not tried".
    pub fn settle(
        &mut self,
        id: QueueId,
        outcomes: Vec<Outcome>,
        now: Timestamp,
        config: &QueueConfig,
    ) -> Settled {
        self.attempts = self.attempts.saturating_add(1);
        self.last_attempt = Some(now);
        let retry = config.next_attempt(id, self.queued, self.attempts, now);
        let (mut failed, mut onward) = (Vec::new(), Vec::new());
        let may_turn = self.turns < TURNS_MAX;
        let open = self.recipients.iter_mut().filter(|recipient| recipient.state.is_open());
        for (recipient, outcome) in open.zip(outcomes.into_iter().chain(std::iter::repeat(Outcome::NotTried)))
        {
            match outcome {
                Outcome::Elsewhere(heading, _) if may_turn => onward.push((heading, recipient.clone())),
                outcome => recipient.take(outcome, retry.is_none()),
            }
            if recipient.state == RecipientState::Failed {
                failed.push(recipient.clone());
            }
        }
        self.recipients.retain(|recipient| onward.iter().all(|(_, gone)| gone.address != recipient.address));
        let mut notices = Vec::new();
        if !failed.is_empty() {
            notices.push(Notice::Failed(failed));
        }
        let late = config.late(self.queued).is_some_and(|late| now >= late);
        let delayed = if late && retry.is_some() { self.tell_delay() } else { Vec::new() };
        if !delayed.is_empty() {
            notices.push(Notice::Delayed(delayed, config.expiry(self.queued)));
        }
        if self.sender.is_none() {
            notices.clear(); // RFC 5321 section 6.1: never a bounce for a bounce
        }
        let next = match retry {
            Some(due) if self.open().next().is_some() => Next::Retry(due),
            _ => Next::Done,
        };
        Settled { next, notices, onward }
    }

    /// The entry of those who are tried elsewhere. It is as old as this one, so it is not tried for longer.
    pub(super) fn turned(&self, course: Course, recipients: Vec<Recipient>) -> Self {
        Self { course, recipients, turns: self.turns.saturating_add(1), ..self.clone() }
    }

    /// Gives up everybody who is still waiting; those.
    pub fn give_up(&mut self, why: &Diagnosis) -> Vec<Recipient> {
        let mut given_up = Vec::new();
        for recipient in self.recipients.iter_mut().filter(|recipient| recipient.state.is_open()) {
            recipient.state = RecipientState::Failed;
            recipient.last = Some(why.clone());
            given_up.push(recipient.clone());
        }
        given_up
    }

    fn tell_delay(&mut self) -> Vec<Recipient> {
        let mut told = Vec::new();
        for recipient in &mut self.recipients {
            if recipient.state == RecipientState::Waiting {
                recipient.state = RecipientState::Delayed;
                told.push(recipient.clone());
            }
        }
        told
    }
}

impl Recipient {
    fn take(&mut self, outcome: Outcome, expired: bool) {
        let (state, diagnosis) = match outcome {
            Outcome::Delivered(diagnosis) => (RecipientState::Delivered, diagnosis),
            Outcome::Refused(diagnosis) => (RecipientState::Failed, diagnosis),
            Outcome::Elsewhere(_, diagnosis) | Outcome::Deferred(diagnosis) if expired => {
                (RecipientState::Failed, diagnosis.expired())
            }
            Outcome::Elsewhere(_, diagnosis) | Outcome::Deferred(diagnosis) => (self.state, diagnosis),
            Outcome::NotTried if expired => {
                let last = self.last.take().unwrap_or_else(Diagnosis::never_tried);
                (RecipientState::Failed, last.expired())
            }
            Outcome::NotTried => return,
        };
        self.state = state;
        self.last = Some(diagnosis);
    }
}

/// A name as its text.
pub(super) mod name {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::MessageName;

    #[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
    pub(super) fn serialize<S: Serializer>(
        name: &Option<MessageName>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        name.as_ref().map(MessageName::as_str).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<MessageName>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(MessageName::new))
    }
}

/// So often a message is sent elsewhere because an account has moved: more is hosters that send it to each other, and it waits.
pub const TURNS_MAX: u8 = 8;
const VERSION: u8 = 4;

#[cfg(test)]
mod tests {
    use essaim_types::{ListingId, Lsn};
    use proptest::prelude::*;

    use super::*;

    const ID: QueueId = QueueId { lsn: Lsn(7), part: 0 };

    fn entry(recipients: &[&str], sender: Option<&str>) -> Entry {
        Entry {
            message: Some(MessageName::new("19a-0")),
            sender: sender.map(|text| text.parse().unwrap()),
            recipients: recipients.iter().map(|text| Recipient::new(text.parse().unwrap())).collect(),
            size: ByteSize(10),
            smtputf8: false,
            eight_bit: true,
            queued: Timestamp(0),
            attempts: 0,
            last_attempt: None,
            way: Some(Way::Peer),
            course: Course::Straight,
            turns: 0,
            skip: 0,
        }
    }

    fn said(status: &str) -> Diagnosis {
        Diagnosis::remote("mx.other.test", status.parse().unwrap(), status)
    }

    fn hours(count: i64) -> Timestamp {
        Timestamp(count * 3_600_000)
    }

    #[test]
    fn entries_of_earlier_versions_are_still_read() {
        let now = entry(&["a@b.test"], Some("me@a.test"));
        let old = v1::EntryV1 {
            sender: now.sender.clone(),
            recipients: now.recipients.clone(),
            size: now.size,
            smtputf8: true,
            queued: now.queued,
            attempts: 3,
            last_attempt: None,
        };
        let bytes = postcard::to_extend(&old, vec![1]).unwrap();
        let old = v2::EntryV2 { message: now.message.clone(), eight_bit: true, ..old.upgrade() };
        let second = postcard::to_extend(&old, vec![2]).unwrap();
        let old = v3::EntryV3 { way: Some(Way::Mx), ..old.upgrade() };
        let third = postcard::to_extend(&old, vec![3]).unwrap();
        assert_eq!(Entry::decode(&third).unwrap(), old.upgrade());
        let expected = Entry { smtputf8: true, attempts: 3, way: None, ..now };
        assert_eq!(Entry::decode(&second).unwrap(), expected);
        let expected = Entry { message: None, eight_bit: false, ..expected };
        assert_eq!(Entry::decode(&bytes).unwrap(), expected);
        assert!(matches!(Entry::decode(&[5]), Err(RecordError::Newer { version: 5, .. })));
    }

    #[test]
    fn each_recipient_has_its_own_fate() {
        let mut entry = entry(&["a@b.test", "b@b.test", "c@b.test"], Some("me@a.test"));
        let outcomes = vec![
            Outcome::Delivered(said("2.0.0")),
            Outcome::Deferred(said("4.2.1")),
            Outcome::Refused(said("5.1.1")),
        ];
        let settled = entry.settle(ID, outcomes, hours(0), &QueueConfig::default());
        let Next::Retry(due) = settled.next else { panic!("{settled:?}") };
        assert!(due >= Timestamp(60_000) && due <= Timestamp(66_000));
        let [Notice::Failed(failed)] = settled.notices.as_slice() else { panic!("{settled:?}") };
        assert_eq!(failed.iter().map(|r| r.address.to_string()).collect::<Vec<_>>(), ["c@b.test"]);
        assert_eq!(entry.open().map(|r| r.address.to_string()).collect::<Vec<_>>(), ["b@b.test"]);
        let settled = entry.settle(ID, vec![Outcome::Delivered(said("2.0.0"))], due, &QueueConfig::default());
        assert_eq!(settled, Settled { next: Next::Done, notices: Vec::new(), onward: Vec::new() });
    }

    #[test]
    fn the_sender_hears_once_that_mail_is_late() {
        let config = QueueConfig::default();
        let mut entry = entry(&["a@b.test", "b@b.test"], Some("me@a.test"));
        let busy = || vec![Outcome::Deferred(said("4.2.1")), Outcome::NotTried];
        assert!(entry.settle(ID, busy(), hours(3), &config).notices.is_empty());
        let [Notice::Delayed(late, until)] = &entry.settle(ID, busy(), hours(4), &config).notices[..] else {
            panic!("no notice")
        };
        assert_eq!((late.len(), *until), (2, hours(5 * 24)));
        assert!(entry.settle(ID, busy(), hours(8), &config).notices.is_empty());
    }

    #[test]
    fn what_is_too_old_fails_with_its_last_reason() {
        let mut entry = entry(&["a@b.test", "b@b.test"], Some("me@a.test"));
        let outcomes = vec![Outcome::Deferred(said("4.2.1")), Outcome::NotTried];
        let settled = entry.settle(ID, outcomes, hours(5 * 24), &QueueConfig::default());
        assert_eq!(settled.next, Next::Done);
        let [Notice::Failed(failed)] = &settled.notices[..] else { panic!("{settled:?}") };
        let statuses: Vec<_> = failed.iter().map(|r| r.last.as_ref().unwrap().status.to_string()).collect();
        assert_eq!(statuses, ["5.2.1", "5.4.7"]);
    }

    #[test]
    fn who_has_moved_goes_on_elsewhere_but_not_for_ever() {
        let config = QueueConfig::default();
        let mut entry = entry(&["a@b.test", "b@b.test"], Some("me@a.test"));
        let home = ListingId::from_bytes([9; 32]);
        let heading = Heading { domain: "c.test".parse().unwrap(), course: Course::Follow { home } };
        let moved = || Outcome::Elsewhere(heading.clone(), said("5.1.6").temporary());
        let settled = entry.settle(ID, vec![moved(), Outcome::Delivered(said("2.0.0"))], hours(0), &config);
        assert_eq!((settled.next, settled.notices.len()), (Next::Done, 0));
        let [(to, gone)] = settled.onward.as_slice() else { panic!("{settled:?}") };
        assert_eq!(
            (to, gone.address.to_string().as_str(), gone.state),
            (&heading, "a@b.test", RecipientState::Waiting)
        );
        let mut turned = entry.turned(to.course, vec![gone.clone()]);
        assert_eq!((turned.turns, turned.queued, turned.recipients.len()), (1, entry.queued, 1));
        turned.turns = TURNS_MAX;
        let settled = turned.settle(ID, vec![moved()], hours(0), &config);
        assert!(matches!(settled.next, Next::Retry(_)) && settled.onward.is_empty());
        assert_eq!(turned.open().count(), 1, "it waits");
    }

    fn any_outcome() -> impl Strategy<Value = Outcome> {
        prop_oneof![
            Just(Outcome::Delivered(said("2.0.0"))),
            Just(Outcome::Deferred(said("4.0.0"))),
            Just(Outcome::Refused(said("5.0.0"))),
            Just(Outcome::NotTried),
        ]
    }

    proptest! {
        /// Whatever remote hosts answer: everybody ends delivered or failed, each failure is told exactly once, a bounce never
        /// bounces, and it is over at the expiry.
        #[test]
        fn every_message_comes_to_an_end(
            attempts in prop::collection::vec(prop::collection::vec(any_outcome(), 0..5), 1..60),
            bounce in any::<bool>(),
        ) {
            let config = QueueConfig::default();
            let mut entry = entry(&["a@b.test", "b@b.test", "c@b.test"], (!bounce).then_some("me@a.test"));
            let (mut now, mut told, mut warned) = (Timestamp(0), 0, 0);
            let mut done = false;
            for outcomes in attempts.into_iter().chain(std::iter::repeat(Vec::new())) {
                let settled = entry.settle(ID, outcomes, now, &config);
                for notice in settled.notices {
                    match notice {
                        Notice::Failed(list) => told += list.len(),
                        Notice::Delayed(list, _) => warned += list.len(),
                    }
                }
                match settled.next {
                    Next::Done => { done = true; break }
                    Next::Retry(due) => { prop_assert!(due > now); now = due }
                }
            }
            prop_assert!(done && now <= config.expiry(Timestamp(0)));
            prop_assert!(entry.open().next().is_none());
            let failed = entry.recipients.iter().filter(|r| r.state == RecipientState::Failed).count();
            prop_assert_eq!(told, if bounce { 0 } else { failed });
            let most = if bounce { 0 } else { 3 };
            prop_assert!(warned <= most);
            let bytes = entry.encode();
            prop_assert_eq!(Entry::decode(&bytes).unwrap(), entry);
        }
    }
}
