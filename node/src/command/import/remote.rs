//! A source of mail at the other end of the control socket: the command reads the files with its own rights and hands them to the node.

use std::io;
use std::path::PathBuf;

use essaim_mail::record::SystemFlags;
use essaim_mail::transfer::{Amount, Found, Item, Sink, SinkFull, Source, SourceError};
use essaim_types::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use crate::control::{Frame, Upload, Uploader};
use crate::failure::{Failure, causes};

/// What is said about the bytes that were sent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Note {
    /// Before the first message.
    Begin {
        mailboxes: Vec<String>,
        total: Count,
    },
    /// The pieces since the last note are this message.
    Message {
        mailbox: String,
        flags: SystemFlags,
        keywords: Vec<String>,
        date: Option<Timestamp>,
        position: Count,
    },
    /// They are nothing.
    NotMail {
        position: Count,
    },
    Unreadable {
        path: PathBuf,
        why: String,
        position: Count,
    },
    End,
}

/// An [`Amount`] as it travels.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Count {
    Messages(u64),
    Bytes(u64),
}

/// Sends everything that the source has. A node that takes no more says why in its answer.
pub(super) fn send(mut source: Box<dyn Source + Send>, mut uploader: Uploader) -> Result<(), Failure> {
    let mut note = Note::Begin { mailboxes: source.mailboxes(), total: source.total().into() };
    while uploader.note(&note).is_ok() && !matches!(note, Note::End) {
        let item = match source.next(&mut |piece| uploader.piece(piece).map_err(|_| SinkFull)) {
            Ok(item) => item,
            Err(SourceError::SinkFull) => return Ok(()),
            Err(error) => {
                let failure = Failure::new(causes(&error));
                return Err(failure.hint("what was imported stays; run the command again to go on"));
            }
        };
        note = note_of(item, source.position().into());
    }
    Ok(())
}

/// What a command sends, as a source. Blocks.
pub(super) fn receive(upload: Upload) -> Result<Box<dyn Source + Send>, Failure> {
    let runtime = Handle::current();
    let mut remote = Remote {
        upload,
        runtime,
        mailboxes: Vec::new(),
        total: Amount::Messages(0),
        position: Amount::Messages(0),
    };
    match remote.frame() {
        Ok(Frame::Note(Note::Begin { mailboxes, total })) => {
            (remote.mailboxes, remote.total) = (mailboxes, total.into());
            Ok(Box::new(remote))
        }
        Ok(_) => Err(Failure::new("the command sent something else than mail")),
        Err(error) => Err(Failure::new(causes(&error))),
    }
}

#[derive(Debug)]
struct Remote {
    upload: Upload,
    runtime: Handle,
    mailboxes: Vec<String>,
    total: Amount,
    position: Amount,
}

impl Remote {
    fn frame(&mut self) -> Result<Frame<Note>, SourceError> {
        let path = || PathBuf::from("what the command sends");
        self.upload.next(&self.runtime).map_err(|source| SourceError::Read { path: path(), source })
    }
}

impl Source for Remote {
    fn mailboxes(&self) -> Vec<String> {
        self.mailboxes.clone()
    }

    fn total(&self) -> Amount {
        self.total
    }

    fn next(&mut self, sink: &mut Sink<'_>) -> Result<Option<Item>, SourceError> {
        loop {
            let note = match self.frame()? {
                Frame::Piece(piece) => {
                    sink(&piece)?;
                    continue;
                }
                Frame::Note(note) => note,
            };
            let (item, position) = match note {
                Note::Begin { .. } => continue,
                Note::End => return Ok(None),
                Note::NotMail { position } => (Item::NotMail, position),
                Note::Unreadable { path, why, position } => {
                    (Item::Unreadable { path, source: io::Error::other(why) }, position)
                }
                Note::Message { mailbox, flags, keywords, date, position } => {
                    (Item::Message(Found { mailbox, flags, keywords, internal_date: date }), position)
                }
            };
            self.position = position.into();
            return Ok(Some(item));
        }
    }

    fn position(&self) -> Amount {
        self.position
    }
}

fn note_of(item: Option<Item>, position: Count) -> Note {
    match item {
        None => Note::End,
        Some(Item::NotMail) => Note::NotMail { position },
        Some(Item::Unreadable { path, source }) => {
            Note::Unreadable { path, why: source.to_string(), position }
        }
        Some(Item::Message(Found { mailbox, flags, keywords, internal_date })) => {
            Note::Message { mailbox, flags, keywords, date: internal_date, position }
        }
    }
}

impl From<Amount> for Count {
    fn from(amount: Amount) -> Self {
        match amount {
            Amount::Messages(count) => Self::Messages(count),
            Amount::Bytes(count) => Self::Bytes(count),
        }
    }
}

impl From<Count> for Amount {
    fn from(count: Count) -> Self {
        match count {
            Count::Messages(count) => Self::Messages(count),
            Count::Bytes(count) => Self::Bytes(count),
        }
    }
}
