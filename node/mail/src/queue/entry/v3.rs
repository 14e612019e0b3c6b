//! Entries as they were written before mail followed accounts that move.

use essaim_types::{Address, ByteSize, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Course, Entry, MessageName, Recipient, Way, name};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EntryV3 {
    #[serde(with = "name")]
    pub(super) message: Option<MessageName>,
    pub(super) sender: Option<Address>,
    pub(super) recipients: Vec<Recipient>,
    pub(super) size: ByteSize,
    pub(super) smtputf8: bool,
    pub(super) eight_bit: bool,
    pub(super) queued: Timestamp,
    pub(super) attempts: u32,
    pub(super) last_attempt: Option<Timestamp>,
    pub(super) way: Option<Way>,
}

impl EntryV3 {
    pub(super) fn upgrade(self) -> Entry {
        let Self {
            message,
            sender,
            recipients,
            size,
            smtputf8,
            eight_bit,
            queued,
            attempts,
            last_attempt,
            way,
        } = self;
        let (course, turns, skip) = (Course::Straight, 0, 0);
        Entry {
            message,
            sender,
            recipients,
            size,
            smtputf8,
            eight_bit,
            queued,
            attempts,
            last_attempt,
            way,
            course,
            turns,
            skip,
        }
    }
}
