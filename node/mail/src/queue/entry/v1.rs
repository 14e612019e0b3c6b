//! Entries as they were written before the name of the message and what its body needs were noted.

use essaim_types::{Address, ByteSize, Timestamp};
use serde::{Deserialize, Serialize};

use super::Recipient;
use super::v2::EntryV2;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EntryV1 {
    pub(super) sender: Option<Address>,
    pub(super) recipients: Vec<Recipient>,
    pub(super) size: ByteSize,
    pub(super) smtputf8: bool,
    pub(super) queued: Timestamp,
    pub(super) attempts: u32,
    pub(super) last_attempt: Option<Timestamp>,
}

impl EntryV1 {
    /// Whether the body has eight bits is not known; it goes out as it did before.
    pub(super) fn upgrade(self) -> EntryV2 {
        let Self { sender, recipients, size, smtputf8, queued, attempts, last_attempt } = self;
        EntryV2 {
            message: None,
            sender,
            recipients,
            size,
            smtputf8,
            eight_bit: false,
            queued,
            attempts,
            last_attempt,
        }
    }
}
