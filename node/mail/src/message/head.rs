//! The header of one entity while its lines come, and where it ends.

use super::entity::{Role, boundary_of};
use super::fields::{is_blank, is_space};
use super::gather::{Gathered, Known};
use super::lines::Line;

/// A header that has not ended.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) role: Role,
    /// Where it begins.
    pub(super) start: usize,
    pub(super) fields: Gathered,
    /// The boundary that Content-Type names, once it was asked for.
    boundary: Option<Option<Vec<u8>>>,
}

/// What a line is to a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It belongs to the header.
    Yes,
    /// It is the empty line.
    Last,
    /// It is the start of the body.
    No,
}

impl Head {
    pub(super) fn new(role: Role, start: usize) -> Self {
        Self { role, start, fields: Gathered::default(), boundary: None }
    }

    /// The next line.
    pub(super) fn take(&mut self, line: Line<'_>) -> Taken {
        let folded = line.bytes.first().is_some_and(|byte| is_space(*byte));
        if !line.is_first_piece() || (folded && !self.fields.is_empty()) {
            self.fields.more(line.bytes);
            return Taken::Yes;
        }
        if is_blank(line.bytes) {
            return Taken::Last;
        }
        if self.fields.is_empty() {
            return self.take_first(line.bytes);
        }
        if line.bytes.starts_with(b"--") && self.ends_at(line) {
            return Taken::No;
        }
        // A line that is no field is passed over: fields that matter may follow.
        self.fields.begin(line.bytes);
        Taken::Yes
    }

    /// What does not begin with a field is no header, but a body without one. Some messages have lost a little at the front.
    fn take_first(&mut self, line: &[u8]) -> Taken {
        let outermost = self.role == Role::Outermost;
        match line.trim_ascii_start() {
            [] if outermost => Taken::Yes,
            [] => Taken::Last,
            rest if self.fields.begin(rest) || is_mbox_from(line) => Taken::Yes,
            _ => Taken::No,
        }
    }

    /// Is this the first boundary of a multipart, without the empty line that should come before it?
    fn ends_at(&mut self, line: Line<'_>) -> bool {
        if self.boundary.is_none() && self.fields.value(Known::ContentType).is_some() {
            self.boundary = Some(boundary_of(&self.fields));
        }
        self.boundary.iter().flatten().any(|boundary| line.delimits(boundary).is_some())
    }
}

/// Before the header of a message that was taken out of an mbox file.
fn is_mbox_from(line: &[u8]) -> bool {
    line.starts_with(b"From ") || line.starts_with(b">From ")
}
