//! Why a command is not accepted.

use std::borrow::Cow;

use crate::{Condition, Reply, ResponseCode};

/// The tagged answer to a command that was not understood or not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) condition: Condition,
    pub(crate) reply: Reply,
}

impl Refusal {
    /// It makes no sense.
    pub(crate) fn bad(text: impl Into<Cow<'static, str>>) -> Self {
        Self { condition: Condition::Bad, reply: Reply::new(text) }
    }

    /// It is understood, but cannot be done.
    pub(crate) fn no(code: ResponseCode, text: impl Into<Cow<'static, str>>) -> Self {
        Self { condition: Condition::No, reply: Reply::coded(code, text) }
    }

    /// More of something than this server takes.
    pub(crate) fn too_many(what: &str, max: usize) -> Self {
        Self::no(ResponseCode::Limit, format!("more than {max} {what} in one command"))
    }
}
