//! The STATUS response: RFC 9051 section 7.3.4.

use bytes::BufMut;
use essaim_types::{ModSeq, UidValidity};

use super::{Encoder, text};
use crate::command::StatusItem;
use crate::{MailboxName, ObjectId};

/// One item with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusValue {
    /// How many messages.
    Messages(u32),
    /// How many with `\Recent`.
    Recent(u32),
    /// The next UID.
    UidNext(u32),
    /// The UIDVALIDITY.
    UidValidity(UidValidity),
    /// How many without `\Seen`.
    Unseen(u32),
    /// How many with `\Deleted`.
    Deleted(u32),
    /// The bytes of all messages together.
    Size(u64),
    /// The bytes of the messages with `\Deleted`.
    DeletedStorage(u64),
    /// The last change.
    HighestModSeq(ModSeq),
    /// The largest message that APPEND takes; `None` for no limit.
    AppendLimit(Option<u64>),
    /// The id of the mailbox.
    MailboxId(ObjectId),
}

impl StatusValue {
    /// Which item it is the value of.
    pub fn item(&self) -> StatusItem {
        match self {
            Self::Messages(_) => StatusItem::Messages,
            Self::Recent(_) => StatusItem::Recent,
            Self::UidNext(_) => StatusItem::UidNext,
            Self::UidValidity(_) => StatusItem::UidValidity,
            Self::Unseen(_) => StatusItem::Unseen,
            Self::Deleted(_) => StatusItem::Deleted,
            Self::Size(_) => StatusItem::Size,
            Self::DeletedStorage(_) => StatusItem::DeletedStorage,
            Self::HighestModSeq(_) => StatusItem::HighestModSeq,
            Self::AppendLimit(_) => StatusItem::AppendLimit,
            Self::MailboxId(_) => StatusItem::MailboxId,
        }
    }
}

impl Encoder<'_> {
    /// `* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)`
    pub fn status(&mut self, mailbox: &MailboxName, values: impl IntoIterator<Item = StatusValue>) {
        self.out.put_slice(b"* STATUS ");
        text::mailbox(self.out, mailbox, self.enabled);
        self.out.put_slice(b" (");
        for (at, value) in values.into_iter().enumerate() {
            if at > 0 {
                self.out.put_u8(b' ');
            }
            self.out.put_slice(value.item().as_str().as_bytes());
            self.out.put_u8(b' ');
            self.status_value(&value);
        }
        self.out.put_slice(b")\r\n");
    }

    fn status_value(&mut self, value: &StatusValue) {
        let number = match value {
            StatusValue::Messages(value)
            | StatusValue::Recent(value)
            | StatusValue::UidNext(value)
            | StatusValue::Unseen(value)
            | StatusValue::Deleted(value) => u64::from(*value),
            StatusValue::UidValidity(value) => u64::from(value.value()),
            StatusValue::Size(value)
            | StatusValue::DeletedStorage(value)
            | StatusValue::AppendLimit(Some(value)) => *value,
            StatusValue::HighestModSeq(value) => value.0,
            StatusValue::AppendLimit(None) => return self.out.put_slice(b"NIL"),
            StatusValue::MailboxId(id) => {
                self.out.put_u8(b'(');
                self.out.put_slice(id.as_str().as_bytes());
                return self.out.put_u8(b')');
            }
        };
        text::number(self.out, number);
    }
}
