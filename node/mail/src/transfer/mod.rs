//! Mail that arrives from elsewhere as files, and leaves as files: Maildir and mbox in, Maildir out. Everything is streamed: memory
//! does not grow with the mail. The functions here block; run them where blocking is allowed.

mod export;
mod import;
mod known;
mod lines;
mod maildir;
mod mbox;
mod names;
mod source;
mod utf7;

use std::ops::ControlFlow;

pub use export::{ExportError, ExportReport, export_maildir};
pub use import::{ImportError, ImportOptions, ImportReport, LEFT_OUT_MAX, LeftOut, Reason, import};
pub use maildir::Maildir;
pub use mbox::{Mbox, Quoting};
pub use source::{Amount, Found, Item, Sink, SinkFull, Source, SourceError};

/// How far an import or export has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The mailbox it is at.
    pub mailbox: String,
    /// How much is done.
    pub done: Amount,
    /// How much there is.
    pub total: Amount,
}

/// Told of progress now and then; it may stop the work, and what was done until then stays done.
pub type OnProgress<'a> = dyn FnMut(&Progress) -> ControlFlow<()> + 'a;

#[cfg(test)]
mod tests;
