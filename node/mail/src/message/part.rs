//! The tree of parts and how IMAP numbers it (RFC 9051 section 6.4.5.1).

use std::ops::Range;

use essaim_imap::command::PartPath;
use serde::{Deserialize, Serialize};

use super::transfer::Encoding;

/// The parts of a message, depth first. The first is the message itself; a part of type message/rfc822 is followed by
/// the message inside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts(pub(super) Vec<Part>);

/// Where a part stands in the message, and what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub(super) kind: PartKind,
    pub(super) encoding: Encoding,
    /// How many parts there are inside, at any depth: they come next.
    pub(super) inside: u32,
    pub(super) header_start: u64,
    pub(super) header_len: u64,
    pub(super) body_len: u64,
}

/// What a part is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PartKind {
    /// multipart/*; the parts inside are its children.
    Multipart,
    /// message/rfc822 or message/global; the one child is the message inside.
    Message,
    /// text/plain, in this charset if one is declared.
    Plain(Option<String>),
    /// text/html
    Html(Option<String>),
    /// Another text/*
    Text(Option<String>),
    /// Anything else.
    Other,
}

impl PartKind {
    /// The declared charset of a text.
    pub(super) fn charset(&self) -> Option<&str> {
        match self {
            Self::Plain(charset) | Self::Html(charset) | Self::Text(charset) => charset.as_deref(),
            Self::Multipart | Self::Message | Self::Other => None,
        }
    }
}

impl Part {
    /// What it is.
    pub fn kind(&self) -> &PartKind {
        &self.kind
    }

    /// How its body is encoded.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Where its header stands in the message, with the empty line.
    pub fn header(&self) -> Range<usize> {
        span(self.header_start, self.header_len)
    }

    /// Where its body stands in the message.
    pub fn body(&self) -> Range<usize> {
        span(self.header_start.saturating_add(self.header_len), self.body_len)
    }

    /// Header and body.
    pub fn whole(&self) -> Range<usize> {
        self.header().start..self.body().end
    }
}

impl Parts {
    /// All of them, depth first.
    pub fn iter(&self) -> impl Iterator<Item = &Part> {
        self.0.iter()
    }

    /// The part with this number; the message itself for the empty path. Its body is what `BODY[<path>]` is.
    pub fn find(&self, path: &PartPath) -> Option<&Part> {
        self.0.get(self.index(path)?)
    }

    /// The message inside the part with this number, the whole message for the empty path: whose header and text
    /// `HEADER` and `TEXT` mean.
    pub fn message(&self, path: &PartPath) -> Option<&Part> {
        let index = self.index(path)?;
        if path.is_root() {
            return self.0.first();
        }
        (self.0.get(index)?.kind == PartKind::Message).then(|| self.0.get(index + 1)).flatten()
    }

    fn index(&self, path: &PartPath) -> Option<usize> {
        let mut levels = path.levels().iter().map(|level| level.get());
        let Some(first) = levels.next() else {
            return (!self.0.is_empty()).then_some(0);
        };
        let mut index = self.part_of_message(0, first)?;
        for number in levels {
            index = match self.0.get(index)?.kind {
                PartKind::Multipart => self.child(index, number)?,
                PartKind::Message => self.part_of_message(index + 1, number)?,
                _ => return None,
            };
        }
        Some(index)
    }

    /// A message that is not multipart has one part: its body.
    fn part_of_message(&self, message: usize, number: u32) -> Option<usize> {
        match self.0.get(message)?.kind {
            PartKind::Multipart => self.child(message, number),
            _ => (number == 1).then_some(message),
        }
    }

    fn child(&self, parent: usize, number: u32) -> Option<usize> {
        let end = self.after(parent)?;
        let mut child = parent + 1;
        for _ in 1..number {
            child = self.after(child)?;
            if child >= end {
                return None;
            }
        }
        (child < end).then_some(child)
    }

    /// The part that follows this one and all inside it.
    fn after(&self, index: usize) -> Option<usize> {
        let inside = usize::try_from(self.0.get(index)?.inside).ok()?;
        index.checked_add(inside)?.checked_add(1)
    }
}

/// Saturates where memory is smaller than the message: then nothing is found there.
fn span(start: u64, len: u64) -> Range<usize> {
    let end = usize::try_from(start.saturating_add(len)).unwrap_or(usize::MAX);
    usize::try_from(start).unwrap_or(usize::MAX)..end
}
