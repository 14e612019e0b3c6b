//! The grammar: bytes of one whole command, literals in place, to its meaning. RFC 9051 section 9 and RFC 3501 section 9.
//!
//! Written by hand over bytes, without recursion. What belongs to one command is read in its file of [`crate::command`].

mod charset;
mod cursor;
mod literal;
mod names;
mod refusal;
mod times;
mod verb;

pub(crate) use charset::Charset;
pub(crate) use cursor::Cursor;
pub(crate) use literal::{LiteralHead, Waiting};
pub(crate) use names::once_each;
pub(crate) use refusal::Refusal;
pub(crate) use verb::{Needs, Verb};

use crate::Tag;

/// The tag and the verb of a command, the cursor left behind them. The tag is told even if the verb is not known.
pub(crate) fn head(cursor: &mut Cursor<'_>) -> (Option<Tag>, Result<Verb, Refusal>) {
    let tag = Tag::new(cursor.take_while(|byte| byte != b' '));
    match tag {
        Some(tag) => (Some(tag), Verb::read(cursor)),
        None => (None, Err(Refusal::bad("a command begins with a tag"))),
    }
}
