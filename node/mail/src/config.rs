//! `[mail]` of `essaim.toml`.

use essaim_types::ByteSize;
use serde::{Deserialize, Serialize};

/// What the hoster decides about mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailConfig {
    /// The largest message that is taken in, by whatever way. RFC 1870 announces it, RFC 7889 too.
    pub max_message_size: ByteSize,
    /// `Received:` headers after which a message is a loop. RFC 5321 section 6.3: at least 100.
    pub max_received_headers: u32,
    /// Mailboxes in one account.
    pub max_mailboxes: u32,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self { max_message_size: ByteSize::mib(50), max_received_headers: 100, max_mailboxes: 10_000 }
    }
}
