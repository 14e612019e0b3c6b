//! Where the parts of a message begin and end (RFC 2046 section 5.1), found in one pass over the lines.
//!
//! mail-parser could build the tree too, but not from any bytes whatever: where each part is a multipart whose boundary
//! never comes it takes quadratic time, 3 MB of nested message/rfc822 overflow the stack when its tree is dropped, and it
//! takes a boundary in the middle of a line for one. Here every line is looked at once, against at most [`DEPTH_MAX`]
//! boundaries, and a message larger than memory can be scanned piece by piece.

use memchr::memchr;

use super::entity::{Content, Entity, Role, boundary_of};
use super::fields::{is_blank, is_space};
use super::gather::{Gathered, Known};
use super::plain::Budget;
use super::preview::Sample;
use super::{DEPTH_MAX, PARTS_MAX, STRUCTURE_MAX};

/// Takes a message in, in pieces of any size; the outcome does not depend on where they are cut.
#[derive(Debug)]
pub(super) struct Scanner {
    /// The start of a line whose end has not come.
    held: Vec<u8>,
    /// After the last line.
    place: Place,
    /// The last bytes of the last line.
    ending: Ending,
    /// Depth first.
    entities: Vec<Entity>,
    /// The entities whose end has not come, outermost first.
    open: Vec<Open>,
    /// The header inside the innermost of these, while it lasts.
    header: Option<Header>,
    /// The fields of the message's own header, once it has ended.
    fields: Gathered,
    budget: Budget,
    sample: Sample,
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

#[derive(Debug)]
struct Open {
    entity: usize,
    /// What separates the parts; `None` where there are none, or no more.
    boundary: Option<Vec<u8>>,
}

#[derive(Debug)]
struct Header {
    role: Role,
    start: usize,
    fields: Gathered,
    /// The boundary that Content-Type names, once it was asked for.
    boundary: Option<Option<Vec<u8>>>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    offset: usize,
    /// How many LFs came before.
    line_feeds: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Nothing has come yet, or an LF without a CR.
    Lf {
        first: bool,
    },
    CrLf,
    /// The line goes on.
    Cr,
    Other,
}

/// A line with its end, or a piece of one that is very long.
#[derive(Debug, Clone, Copy)]
struct Line<'l> {
    bytes: &'l [u8],
    start: Place,
    end: Place,
    /// What the line before ended in.
    before: Ending,
}

impl Scanner {
    pub(super) fn new() -> Self {
        Self {
            held: Vec::new(),
            place: Place { offset: 0, line_feeds: 0 },
            ending: Ending::Lf { first: true },
            entities: Vec::new(),
            open: Vec::new(),
            header: Some(Header::new(Role::Outermost, 0)),
            fields: Gathered::default(),
            budget: Budget::new(STRUCTURE_MAX),
            sample: Sample::default(),
        }
    }

    /// The next bytes.
    pub(super) fn push(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            let room = LINE_MAX - self.held.len();
            let window = piece.get(..room).unwrap_or(piece);
            let end = memchr(b'\n', window).map(|at| at + 1);
            if end.is_none() && window.len() < room {
                self.held.extend_from_slice(piece);
                return;
            }
            let (line, rest) = piece.split_at(end.unwrap_or(window.len()));
            piece = rest;
            if self.held.is_empty() {
                self.line(line);
            } else {
                self.held.extend_from_slice(line);
                self.held_line();
            }
        }
    }

    /// All bytes have come.
    pub(super) fn finish(mut self) -> Scanned {
        if !self.held.is_empty() {
            self.held_line();
        }
        self.close(0, self.place);
        Scanned { size: self.place.offset, entities: self.entities, fields: self.fields, sample: self.sample }
    }

    fn held_line(&mut self) {
        let mut line = std::mem::take(&mut self.held);
        self.line(&line);
        line.clear();
        self.held = line;
    }

    fn line(&mut self, bytes: &[u8]) {
        let start = self.place;
        let before = self.ending;
        self.ending = Ending::of(bytes, before);
        let line_feeds = start.line_feeds + u64::from(bytes.ends_with(b"\n"));
        self.place = Place { offset: start.offset + bytes.len(), line_feeds };
        let line = Line { bytes, start, end: self.place, before };
        if !self.is_delimiter(line) {
            self.content(line);
        }
    }

    /// A line between two parts, if it is one. The innermost boundary goes before outer ones that are equal.
    fn is_delimiter(&mut self, line: Line<'_>) -> bool {
        if !line.bytes.starts_with(b"--") || !line.is_whole() || self.is_full() {
            return false;
        }
        let found = self.open.iter().enumerate().rev().find_map(|(level, open)| {
            let kind = delimits(line.bytes, open.boundary.as_deref()?)?;
            Some((level, open.entity, kind))
        });
        let Some((level, entity, kind)) = found else {
            return false;
        };
        self.close(level + 1, line.without_break());
        match kind {
            Delimiter::Next => {
                let digest = self.entities.get(entity).is_some_and(|parent| parent.mime.subtype == "digest");
                let role = if digest { Role::DigestPart } else { Role::Part };
                self.header = Some(Header::new(role, line.end.offset));
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
        while let Some(header) = &mut self.header {
            match header.take(line) {
                Taken::Yes => return,
                Taken::Last => return self.end_header(line.end),
                Taken::No => {
                    self.end_header(line.start);
                    if self.is_delimiter(line) {
                        return;
                    }
                }
            }
        }
        self.sample.more(line.bytes);
    }

    /// The header has ended and a body begins.
    fn end_header(&mut self, body: Place) {
        let Some(header) = self.header.take() else {
            return;
        };
        let mut entity = Entity::new(header.role, header.start, &header.fields, &mut self.budget);
        entity.body = body.offset;
        entity.lines = body.line_feeds;
        let within_message = self.open.iter().any(|open| self.holds_message(open));
        let index = self.entities.len();
        self.open.push(Open { entity: index, boundary: None });
        if entity.content != Content::Leaf && (self.is_full() || self.open.len() >= DEPTH_MAX) {
            entity.content = Content::Sealed;
        }
        match entity.content {
            Content::Multipart => {
                if let Some(open) = self.open.last_mut() {
                    open.boundary = entity.mime.boundary.take();
                }
            }
            Content::Message => {
                self.header = Some(Header::new(Role::Message, entity.body));
            }
            Content::Leaf if !within_message => self.sample.begin(&entity),
            Content::Leaf | Content::Sealed => {}
        }
        if header.role == Role::Outermost {
            self.fields = header.fields;
        }
        self.entities.push(entity);
    }

    /// Whatever is open beyond so many levels ends.
    fn close(&mut self, levels: usize, place: Place) {
        while self.header.is_some() {
            self.end_header(place);
        }
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

enum Taken {
    /// It belongs to the header.
    Yes,
    /// It is the empty line.
    Last,
    /// It is the start of the body.
    No,
}

impl Header {
    fn new(role: Role, start: usize) -> Self {
        Self { role, start, fields: Gathered::default(), boundary: None }
    }

    fn take(&mut self, line: Line<'_>) -> Taken {
        if !line.is_first_piece() || (is_folded(line.bytes) && !self.fields.is_empty()) {
            self.fields.more(line.bytes);
            return Taken::Yes;
        }
        if is_blank(line.bytes) {
            return Taken::Last;
        }
        if self.fields.is_empty() {
            return self.take_first(line.bytes);
        }
        if line.bytes.starts_with(b"--") && line.is_whole() && self.ends_at(line.bytes) {
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
    fn ends_at(&mut self, line: &[u8]) -> bool {
        if self.boundary.is_none() && self.fields.value(Known::ContentType).is_some() {
            self.boundary = Some(boundary_of(&self.fields));
        }
        self.boundary.iter().flatten().any(|boundary| delimits(line, boundary).is_some())
    }
}

impl Line<'_> {
    fn is_first_piece(&self) -> bool {
        matches!(self.before, Ending::Lf { .. } | Ending::CrLf)
    }

    fn is_whole(&self) -> bool {
        self.is_first_piece() && (self.bytes.len() < LINE_MAX || self.bytes.ends_with(b"\n"))
    }

    /// Where the line before ended, less its line end: that belongs to the delimiter (RFC 2046 section 5.1.1).
    fn without_break(&self) -> Place {
        let (bytes, line_feeds) = match self.before {
            Ending::CrLf => (2, 1),
            Ending::Lf { first: false } => (1, 1),
            Ending::Lf { first: true } | Ending::Cr | Ending::Other => (0, 0),
        };
        Place { offset: self.start.offset - bytes, line_feeds: self.start.line_feeds - line_feeds }
    }
}

impl Ending {
    fn of(bytes: &[u8], before: Self) -> Self {
        match bytes {
            [.., b'\r', b'\n'] => Self::CrLf,
            [b'\n'] if before == Self::Cr => Self::CrLf,
            [.., b'\n'] => Self::Lf { first: false },
            [.., b'\r'] => Self::Cr,
            _ => Self::Other,
        }
    }
}

enum Delimiter {
    Next,
    Last,
}

/// RFC 2046 section 5.1.1: nothing but padding may follow. (That section would accept anything; then `--x` ends at `--xy`,
/// which is how some write nested boundaries.)
fn delimits(line: &[u8], boundary: &[u8]) -> Option<Delimiter> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary)?;
    let padding = |rest: &[u8]| rest.iter().all(u8::is_ascii_whitespace);
    match rest.strip_prefix(b"--") {
        Some(rest) if padding(rest) => Some(Delimiter::Last),
        None if padding(rest) => Some(Delimiter::Next),
        _ => None,
    }
}

fn is_folded(line: &[u8]) -> bool {
    line.first().is_some_and(|byte| is_space(*byte))
}

/// Before the header of a message that was taken out of an mbox file.
fn is_mbox_from(line: &[u8]) -> bool {
    line.starts_with(b"From ") || line.starts_with(b">From ")
}

/// A line longer than this comes in pieces.
const LINE_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests {
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
