//! What a status means, in words that a member understands.

use crate::reply::EnhancedStatus;

/// One sentence for the codes of RFC 3463 and its successors that are seen in practice.
pub(super) fn reason(status: EnhancedStatus) -> &'static str {
    match (status.subject(), status.detail()) {
        (1, 1) => "There is no mailbox with this address. Please check how it is written.",
        (1, 2) => "The domain after the @ does not exist. Please check how it is written.",
        (1, 3) => "The address is not written in a valid way.",
        (1, 6) => "The mailbox has moved and left no new address.",
        (1, 10) => "The domain after the @ takes no mail.",
        (1, 7 | 8) => "The other server does not accept your sender address.",
        (1, _) => "The other server does not accept the address.",
        (2, 1) => "The mailbox is closed.",
        (2, 2) => "The mailbox is full.",
        (2, 3) => "The message is larger than the mailbox allows.",
        (2, _) => "The mailbox cannot take the message.",
        (3, 1) => "The other server has no space left.",
        (3, 4) => "The message is too large for the other server.",
        (3, _) => "The other server has a problem of its own.",
        (4, 1) => "The other server does not answer.",
        (4, 3 | 4) => "The name of the other server cannot be found.",
        (4, 6) => "The message goes round in circles between servers.",
        (4, 7) => "It was tried for too long without success.",
        (4, _) => "The connection to the other server failed.",
        (5, 3) => "The message has too many recipients.",
        (5, _) => "The two servers did not understand each other.",
        (6, 7..=9) => "The other server does not support addresses with letters such as é.",
        (6, _) => "The other server does not accept the content of the message.",
        (7, 10) => "No protected connection to the other server was possible.",
        (7, _) => "The other server refuses the message by its rules.",
        _ if status.class() == 5 => "The other server refuses the message.",
        _ => "The other server does not take the message now.",
    }
}
