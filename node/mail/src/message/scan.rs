//! Where the parts of a message begin and end (RFC 2046 section 5.1), found in one pass over the lines.
//!
//! mail-parser could build the tree too, but not from any bytes whatever: where each part is a multipart whose boundary
//! never comes it takes quadratic time, 3 MB of nested message/rfc822 overflow the stack when its tree is dropped, and it
//! takes a boundary in the middle of a line for one. Here every line is looked at once, against at most [`DEPTH_MAX`]
//! boundaries, and a message larger than memory can be scanned piece by piece.

use super::entity::{Content, Entity, Role};
use super::gather::Gathered;
use super::head::{Head, Taken};
use super::lines::{Delimiter, Line, Lines, Place};
use super::plain::Budget;
use super::preview::Sample;
use super::{DEPTH_MAX, PARTS_MAX, STRUCTURE_MAX};

/// Takes a message in, in pieces of any size; the outcome does not depend on where they are cut.
#[derive(Debug)]
pub(super) struct Scanner {
    lines: Lines,
    tree: Tree,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) size: usize,
    /// Depth first; the first is the message.
    pub(super) entities: Vec<Entity>,
    /// The fields of the message's own header.
    pub(super) fields: Gathered,
    pub(super) sample: Sample,
}

/// The entities that were found so far.
#[derive(Debug)]
struct Tree {
    /// Depth first.
    entities: Vec<Entity>,
    /// Those whose end has not come, outermost first.
    open: Vec<Open>,
    /// The header inside the innermost of these, while it lasts.
    head: Option<Head>,
    /// The fields of the message's own header, once it has ended.
    fields: Gathered,
    budget: Budget,
    sample: Sample,
}

#[derive(Debug)]
struct Open {
    entity: usize,
    /// What separates the parts; `None` where there are none, or no more.
    boundary: Option<Vec<u8>>,
}

impl Scanner {
    pub(super) fn new() -> Self {
        let tree = Tree {
            entities: Vec::new(),
            open: Vec::new(),
            head: Some(Head::new(Role::Outermost, 0)),
            fields: Gathered::default(),
            budget: Budget::new(STRUCTURE_MAX),
            sample: Sample::default(),
        };
        Self { lines: Lines::new(), tree }
    }

    /// The next bytes.
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.lines.push(piece, |line| self.tree.line(line));
    }

    /// All bytes have come.
    pub(super) fn finish(self) -> Scanned {
        let Self { mut lines, mut tree } = self;
        lines.finish(|line| tree.line(line));
        tree.close(0, lines.place());
        let Tree { entities, fields, sample, .. } = tree;
        Scanned { size: lines.place().offset, entities, fields, sample }
    }
}

impl Tree {
    fn line(&mut self, line: Line<'_>) {
        if !self.is_delimiter(line) {
            self.content(line);
        }
    }

    /// A line between two parts, if it is one. The innermost boundary goes before outer ones that are equal.
    fn is_delimiter(&mut self, line: Line<'_>) -> bool {
        if !line.bytes.starts_with(b"--") || self.is_full() {
            return false;
        }
        let found = self.open.iter().enumerate().rev().find_map(|(level, open)| {
            let kind = line.delimits(open.boundary.as_deref()?)?;
            Some((level, open.entity, kind))
        });
        let Some((level, entity, kind)) = found else {
            return false;
        };
        self.end_heads(line.without_break());
        if self.is_full() {
            return false;
        }
        self.close(level + 1, line.without_break());
        match kind {
            Delimiter::Next => {
                let digest = self.entities.get(entity).is_some_and(|parent| parent.mime.subtype == "digest");
                let role = if digest { Role::DigestPart } else { Role::Part };
                self.head = Some(Head::new(role, line.end.offset));
            }
            Delimiter::Last => {
                if let Some(open) = self.open.get_mut(level) {
                    open.boundary = None;
                }
            }
        }
        true
    }

    fn content(&mut self, line: Line<'_>) {
        // Twice at most: the header that ends without a line may be followed by that of a message inside.
        while let Some(head) = &mut self.head {
            match head.take(line) {
                Taken::Yes => return,
                Taken::Last => return self.end_head(line.end),
                Taken::No => {
                    self.end_head(line.start);
                    if self.is_delimiter(line) {
                        return;
                    }
                }
            }
        }
        self.sample.more(line.bytes);
    }

    /// There is no more header, not even of a message inside.
    fn end_heads(&mut self, place: Place) {
        while self.head.is_some() {
            self.end_head(place);
        }
    }

    /// The header has ended and a body begins.
    fn end_head(&mut self, body: Place) {
        let Some(head) = self.head.take() else {
            return;
        };
        let mut entity = Entity::new(head.role, head.start, &head.fields, &mut self.budget);
        entity.body = body.offset.max(head.start);
        entity.lines = body.line_feeds;
        let within_message = self.open.iter().any(|open| self.holds_message(open));
        let index = self.entities.len();
        self.open.push(Open { entity: index, boundary: None });
        let no_room = index + 1 >= PARTS_MAX || self.budget.is_spent() || self.open.len() >= DEPTH_MAX;
        if entity.content != Content::Leaf && no_room {
            entity.content = Content::Sealed;
        }
        match entity.content {
            Content::Multipart => {
                if let Some(open) = self.open.last_mut() {
                    open.boundary = entity.mime.boundary.take();
                }
            }
            Content::Message => {
                self.head = Some(Head::new(Role::Message, entity.body));
            }
            Content::Leaf if !within_message => self.sample.begin(&entity),
            Content::Leaf | Content::Sealed => {}
        }
        if head.role == Role::Outermost {
            self.fields = head.fields;
        }
        self.entities.push(entity);
    }

    /// Whatever is open beyond so many levels ends.
    fn close(&mut self, levels: usize, place: Place) {
        self.end_heads(place);
        self.sample.end();
        let total = self.entities.len();
        for open in self.open.drain(levels.min(self.open.len())..).rev() {
            let Some(entity) = self.entities.get_mut(open.entity) else { continue };
            entity.inside = total - open.entity - 1;
            // The line end before a delimiter is its own even where it is also the empty line after a header.
            entity.end = place.offset;
            entity.body = entity.body.min(entity.end);
            entity.header = entity.header.min(entity.end);
            entity.lines = place.line_feeds.saturating_sub(entity.lines);
            if entity.content == Content::Multipart && entity.inside == 0 {
                entity.content = Content::Leaf;
            }
        }
    }

    /// No more parts are told apart: the last one is all the rest.
    fn is_full(&self) -> bool {
        self.entities.len() >= PARTS_MAX || self.budget.is_spent()
    }

    fn holds_message(&self, open: &Open) -> bool {
        self.entities.get(open.entity).is_some_and(|entity| entity.content == Content::Message)
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines::LINE_MAX;
    use super::*;

    /// Of each entity: header, body.
    fn scanned(raw: &str) -> Vec<(&str, &str)> {
        let mut scanner = Scanner::new();
        scanner.push(raw.as_bytes());
        let text = |range| raw.get(range).unwrap();
        let entities = scanner.finish().entities;
        entities.iter().map(|one| (text(one.header..one.body), text(one.body..one.end))).collect()
    }

    fn parts(body: &str) -> Vec<String> {
        let raw = format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{body}");
        scanned(&raw).into_iter().skip(1).map(|(header, body)| format!("{header}|{body}")).collect()
    }

    #[test]
    fn the_line_end_before_a_boundary_belongs_to_it() {
        assert_eq!(
            parts("preamble\r\n--b\r\n\r\n1\r\n\r\n--b\r\nA: b\r\n\r\n2\r\n--b--\r\nepilogue"),
            ["\r\n|1\r\n", "A: b\r\n\r\n|2"]
        );
        assert_eq!(parts("--b\n\n1\n--b\n\n2\n"), ["\n|1", "\n|2\n"]);
        assert_eq!(parts("--b\r\n\r\n--b\r\nA: b\r\n--b\r\n--b--"), ["|", "A: b|", "|"]);
    }

    #[test]
    fn only_padding_may_follow_a_boundary() {
        assert_eq!(
            parts("--b \t\r\n\r\n1\r\n--bb\r\n --b\r\nx--b\r\n--b-\r\n--B\r\n--b-- \r\n--b\r\n"),
            ["\r\n|1\r\n--bb\r\n --b\r\nx--b\r\n--b-\r\n--B"]
        );
    }

    #[test]
    fn an_outer_boundary_ends_inner_parts() {
        let inner = "Content-Type: multipart/mixed; boundary=c\r\n\r\n";
        assert_eq!(
            parts(&format!("--b\r\n{inner}--c\r\n\r\n1\r\n--b\r\n\r\n2\r\n--b--")),
            [format!("{inner}|--c\r\n\r\n1"), "\r\n|1".to_owned(), "\r\n|2".to_owned()]
        );
        // Outlook Express 5 for Macintosh gave one boundary to both.
        let inner = "Content-Type: multipart/alternative; boundary=b\r\n\r\n";
        assert_eq!(
            parts(&format!("--b\r\n{inner}--b\r\n\r\n1\r\n--b--\r\n--b\r\n\r\n2\r\n--b--")),
            [format!("{inner}|--b\r\n\r\n1\r\n--b--"), "\r\n|1".to_owned(), "\r\n|2".to_owned()]
        );
    }

    #[test]
    fn a_digest_holds_messages() {
        let raw = "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nA: b\r\n\r\n1\r\n--b\r\n\
            Content-Type: text/plain\r\n\r\n2\r\n--b--";
        assert_eq!(
            scanned(raw).get(1..),
            Some(
                &[
                    ("\r\n", "A: b\r\n\r\n1"),
                    ("A: b\r\n\r\n", "1"),
                    ("Content-Type: text/plain\r\n\r\n", "2")
                ][..]
            )
        );
    }

    #[test]
    fn where_headers_end() {
        for (header, body) in [
            ("A: b\r\n\r\n", "c"),
            ("A: b\n\n", "c"),
            ("A: b\r\n \r\n\r\n", "c"),
            ("A: b\r\nno field\r\nC: d\r\n\r\n", "e"),
            ("From a@b Mon Jan  1 00:00:00 2024\r\nA: b\r\n\r\n", "c"),
            ("\u{feff}A: b\r\n\r\n", "c"),
            ("   \r\nA: b\r\n\r\n", "c"),
            (" A: b\r\n\r\n", "c"),
            ("\r\n", "A: b\r\n\r\nc"),
            ("", "no header at all\r\n\r\nA: b"),
            ("A: b", ""),
            ("Content-Type: multipart/mixed; boundary=b\r\n", "--b\r\n\r\n1"),
        ] {
            let raw = format!("{header}{body}");
            assert_eq!(scanned(&raw).first(), Some(&(header, body)));
        }
        assert_eq!(parts("--b\r\njust text\r\n--b\r\n \r\ntext\r\n--b--"), ["|just text", " \r\n|text"]);
    }

    #[test]
    fn very_long_lines_are_no_boundaries() {
        let long = "x".repeat(LINE_MAX);
        for line in [format!("{long}--b"), format!("--b{}", " ".repeat(LINE_MAX))] {
            assert_eq!(parts(&format!("--b\r\n\r\n{line}\r\n--b--")), [format!("\r\n|{line}")]);
        }
        let raw = format!("Subject: {long}\r\nA: b\r\n\r\nc");
        assert_eq!(scanned(&raw).first().unwrap().1, "c");
    }

    #[test]
    fn lines_are_counted() {
        let lines = |raw: &str| {
            let mut scanner = Scanner::new();
            scanner.push(raw.as_bytes());
            scanner.finish().entities.iter().map(|entity| entity.lines).collect::<Vec<_>>()
        };
        assert_eq!(lines("A: b\r\n\r\n1\r\n2\r\n"), [2]);
        assert_eq!(lines("A: b\r\n\r\n1\r\n2"), [1]);
        assert_eq!(
            lines("Content-Type: multipart/x; boundary=b\n\n--b\n\nhello\n\n--b\n\n--b--\n"),
            [7, 1, 0]
        );
    }
}
