//! mbox files: messages in one file, each after a line `From sender date`.

mod from_line;
mod header;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use essaim_types::Timestamp;

use self::header::State;
use super::lines::LineEnds;
use super::source::{Amount, Found, Item, Sink, Source, SourceError};

/// How lines of a message that begin with `From ` are told from those between messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Quoting {
    /// `From `, `>From `, `>>From ` .. are written with one more `>`: what comes out is what went in.
    #[default]
    Mboxrd,
    /// Only `From ` is written as `>From `.
    Mboxo,
}

/// An mbox file to import from.
#[derive(Debug)]
pub struct Mbox<R = BufReader<File>> {
    path: PathBuf,
    mailbox: String,
    quoting: Quoting,
    lines: Lines<R>,
    total: u64,
    /// The date of the separator that was read last; the message after it is next.
    separator: Option<Timestamp>,
}

impl Mbox {
    /// Opens a file; its messages are for one mailbox.
    pub fn open(path: &Path, mailbox: &str, quoting: Quoting) -> Result<Self, SourceError> {
        let read = |source| SourceError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(read)?;
        let total = file.metadata().map_err(read)?.len();
        Self::new(BufReader::with_capacity(PIECE_MAX, file), total, path, mailbox, quoting)
    }
}

impl<R: BufRead> Mbox<R> {
    fn new(reader: R, total: u64, path: &Path, mailbox: &str, quoting: Quoting) -> Result<Self, SourceError> {
        let lines = Lines { reader, piece: Vec::new(), position: 0, at_start: true };
        let mut mbox = Self {
            path: path.to_owned(),
            mailbox: mailbox.to_owned(),
            quoting,
            lines,
            total,
            separator: None,
        };
        while let Some(piece) = mbox.piece()? {
            if !mbox.lines.is_blank(piece) {
                mbox.separator = mbox.lines.separator(piece);
                if mbox.separator.is_none() {
                    return Err(SourceError::NotAnMbox { path: mbox.path });
                }
                break;
            }
        }
        Ok(mbox)
    }

    fn piece(&mut self) -> Result<Option<Piece>, SourceError> {
        self.lines.next().map_err(|source| SourceError::Read { path: self.path.clone(), source })
    }

    /// The line without the `>` that was put before it.
    fn unquoted(&self, piece: Piece) -> &[u8] {
        let line = self.lines.piece.as_slice();
        let quotes = line.iter().take_while(|byte| **byte == b'>').count();
        let is_quoted = piece.starts_line
            && line.get(quotes..).is_some_and(|rest| rest.starts_with(b"From "))
            && match self.quoting {
                Quoting::Mboxrd => quotes >= 1,
                Quoting::Mboxo => quotes == 1,
            };
        line.get(usize::from(is_quoted)..).unwrap_or_default()
    }
}

/// Where in a message the next line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Header,
    /// In a field that is left out.
    Dropped,
    Body,
}

impl<R: BufRead> Source for Mbox<R> {
    fn mailboxes(&self) -> Vec<String> {
        vec![self.mailbox.clone()]
    }

    fn total(&self) -> Amount {
        Amount::Bytes(self.total)
    }

    fn next(&mut self, sink: &mut Sink<'_>) -> Result<Option<Item>, SourceError> {
        let Some(date) = self.separator.take() else { return Ok(None) };
        let (mut state, mut ends, mut section) = (State::default(), LineEnds::default(), Section::Header);
        // The empty line before a separator belongs to the separator, so each is held back until the next line is known.
        let mut held: &[u8] = b"";
        while let Some(piece) = self.piece()? {
            if !held.is_empty() {
                self.separator = self.lines.separator(piece);
                if self.separator.is_some() {
                    break;
                }
                ends.push(held, sink)?;
                held = b"";
            }
            if self.lines.is_blank(piece) {
                held = if self.lines.piece.starts_with(b"\r") { b"\r\n" } else { b"\n" };
                section = Section::Body;
                continue;
            }
            let line = if section == Section::Body { self.unquoted(piece) } else { &self.lines.piece };
            if section != Section::Body
                && piece.starts_line
                && !line.starts_with(b" ")
                && !line.starts_with(b"\t")
            {
                section = if state.take(line) { Section::Dropped } else { Section::Header };
            }
            if section != Section::Dropped {
                ends.push(line, sink)?;
            }
        }
        if state.is_folder_note() {
            return Ok(Some(Item::NotMail));
        }
        let (mailbox, flags, keywords) = (self.mailbox.clone(), state.flags, state.keywords);
        Ok(Some(Item::Message(Found { mailbox, flags, keywords, internal_date: Some(date) })))
    }

    fn position(&self) -> Amount {
        Amount::Bytes(self.lines.position)
    }
}

/// Lines in pieces of at most [`PIECE_MAX`] bytes, with their line ends.
#[derive(Debug)]
struct Lines<R> {
    reader: R,
    piece: Vec<u8>,
    position: u64,
    at_start: bool,
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    starts_line: bool,
}

impl<R: BufRead> Lines<R> {
    /// Reads the next piece into `self.piece`.
    fn next(&mut self) -> io::Result<Option<Piece>> {
        self.piece.clear();
        let starts_line = self.at_start;
        while self.piece.len() < PIECE_MAX && !self.piece.ends_with(b"\n") {
            let available = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                available => available?,
            };
            let room = available.get(..PIECE_MAX - self.piece.len()).unwrap_or(available);
            if room.is_empty() {
                break;
            }
            let length = room.iter().position(|byte| *byte == b'\n').map_or(room.len(), |at| at + 1);
            self.piece.extend_from_slice(room.get(..length).unwrap_or_default());
            self.reader.consume(length);
        }
        self.position += self.piece.len() as u64;
        self.at_start = self.piece.ends_with(b"\n");
        Ok((!self.piece.is_empty()).then_some(Piece { starts_line }))
    }

    fn is_blank(&self, piece: Piece) -> bool {
        piece.starts_line && matches!(self.piece.as_slice(), b"\n" | b"\r\n")
    }

    fn separator(&self, piece: Piece) -> Option<Timestamp> {
        let line = self.piece.trim_ascii_end();
        (piece.starts_line && line.len() <= SEPARATOR_MAX).then(|| from_line::parse(line))?
    }
}

const PIECE_MAX: usize = 64 << 10;
const SEPARATOR_MAX: usize = 1000;

#[cfg(test)]
mod tests;
