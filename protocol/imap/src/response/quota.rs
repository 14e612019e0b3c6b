//! QUOTA and QUOTAROOT: RFC 9208 section 4.2.

use bytes::BufMut;

use super::{Encoder, text};
use crate::MailboxName;

/// RFC 9208 section 5: what is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QuotaResource {
    /// Bytes, told in units of 1024, rounded up.
    Storage,
    /// Messages.
    Message,
    /// Mailboxes.
    Mailbox,
}

impl QuotaResource {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Storage => "STORAGE",
            Self::Message => "MESSAGE",
            Self::Mailbox => "MAILBOX",
        }
    }
}

/// One resource of a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaUsage {
    /// What is counted.
    pub resource: QuotaResource,
    /// How much is used: bytes, or pieces.
    pub used: u64,
    /// How much is allowed.
    pub limit: u64,
}

impl Encoder<'_> {
    /// `* QUOTA "" (STORAGE 10 512)`
    pub fn quota(&mut self, root: &str, usages: &[QuotaUsage]) {
        self.out.put_slice(b"* QUOTA ");
        text::astring(self.out, root.as_bytes(), self.enabled);
        self.out.put_slice(b" (");
        for (at, usage) in usages.iter().enumerate() {
            if at > 0 {
                self.out.put_u8(b' ');
            }
            self.out.put_slice(usage.resource.as_str().as_bytes());
            for value in [usage.used, usage.limit] {
                let unit = if usage.resource == QuotaResource::Storage { 1024 } else { 1 };
                self.out.put_u8(b' ');
                text::number(self.out, value.div_ceil(unit));
            }
        }
        self.out.put_slice(b")\r\n");
    }

    /// `* QUOTAROOT INBOX ""`
    pub fn quota_root(&mut self, mailbox: &MailboxName, roots: &[&str]) {
        self.out.put_slice(b"* QUOTAROOT ");
        text::mailbox(self.out, mailbox, self.enabled);
        for root in roots {
            self.out.put_u8(b' ');
            text::astring(self.out, root.as_bytes(), self.enabled);
        }
        self.out.put_slice(b"\r\n");
    }
}
