//! One IMAP conversation: who may speak when.

mod action;
mod settings;

pub use action::{Action, Awareness, Outcome};
pub use settings::{Limits, Settings, Transport};
