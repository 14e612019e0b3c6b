//! Entries as they were written before the way they took was noted.

use essaim_types::{Address, ByteSize, Timestamp};
use serde::{Deserialize, Serialize};

use super::v3::EntryV3;
use super::{MessageName, Recipient, name};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EntryV2 {
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
}

impl EntryV2 {
    pub(super) fn upgrade(self) -> EntryV3 {
        let Self { message, sender, recipients, size, smtputf8, eight_bit, queued, attempts, last_attempt } =
            self;
        let way = None;
        EntryV3 {
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
        }
    }
}
