//! How much of everything: the short and the long form.

/// The sizes of one run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Accounts that exist.
    pub(crate) accounts: usize,
    /// Turns that each contender has at what writes.
    pub(crate) write_turns: usize,
    /// Turns that each contender has at what reads.
    pub(crate) read_turns: usize,
    /// Messages in one turn of SMTP.
    pub(crate) smtp_messages: usize,
    /// Sessions that send at the same time.
    pub(crate) smtp_sessions: usize,
    /// Messages in one turn of APPEND, for one and for eight connections.
    pub(crate) append_messages: [usize; 2],
    /// Messages in the mailbox that is read.
    pub(crate) mailbox: usize,
    /// Sessions that wait in IDLE while memory is measured.
    pub(crate) idle_sessions: usize,
    /// Messages on the node at the measured start.
    pub(crate) start_up_messages: usize,
}

impl Plan {
    /// Under five minutes with everything.
    pub(crate) fn short() -> Self {
        Self {
            accounts: 1_000,
            write_turns: 3,
            read_turns: 5,
            smtp_messages: 2_000,
            smtp_sessions: 16,
            append_messages: [200, 1_200],
            mailbox: 20_000,
            idle_sessions: 500,
            start_up_messages: 100_000,
        }
    }

    /// Mailboxes of 100,000 and a node with a million.
    pub(crate) fn long() -> Self {
        Self {
            write_turns: 5,
            smtp_messages: 10_000,
            append_messages: [2_000, 10_000],
            mailbox: 100_000,
            start_up_messages: 1_000_000,
            ..Self::short()
        }
    }
}
