//! `essaim import maildir` and `essaim import mbox`: mail that arrives from elsewhere as files.

mod remote;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use essaim_imap::MailboxName;
use essaim_mail::transfer::{self, Amount, ImportOptions, ImportReport, Maildir, Mbox, Source};
use essaim_types::Address;
use serde::{Deserialize, Serialize};

use super::place::Place;
use super::{account, block_on, view};
use crate::failure::{Exit, Failure, causes};
use crate::operation::{Caller, Operation, ask_with};
use crate::progress::{Step, Unit};
use crate::services::Services;
use crate::terminal::Audience;

/// Bring mail from elsewhere into an account. Run again, it goes on where it was: nothing comes in twice.
#[derive(Debug, Subcommand)]
pub(super) enum Import {
    /// From a Maildir with its folders (Maildir++ or nested).
    Maildir {
        /// The account that gets the mail, by an address of it.
        address: Address,
        /// The directory.
        path: PathBuf,
        /// Put everything below this mailbox.
        #[arg(long, value_name = "MAILBOX")]
        below: Option<String>,
    },
    /// From an mbox file.
    Mbox {
        /// The account that gets the mail, by an address of it.
        address: Address,
        /// The file.
        path: PathBuf,
        /// The mailbox that it goes to. Default: the name of the file.
        #[arg(long)]
        mailbox: Option<String>,
        /// How "From " at the beginning of a line was quoted.
        #[arg(long, value_enum, default_value_t = Quoting::Mboxrd)]
        quoting: Quoting,
    },
}

/// How lines of a message that begin with "From " are told from those between messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Quoting {
    Mboxrd,
    Mboxo,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ImportMail {
    address: Address,
    path: PathBuf,
    below: Option<String>,
    form: Form,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    Maildir,
    Mbox { mailbox: String, quoting: Quoting },
}

/// The answer of `import --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Imported {
    found: u64,
    imported: u64,
    imported_bytes: u64,
    /// Messages that were there already.
    known: u64,
    left_out: u64,
    /// The first of them, with the reason.
    left_out_first: Vec<String>,
    mailboxes_made: u64,
    stopped: bool,
}

impl Import {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let operation = match self {
            Self::Maildir { address, path, below } => {
                ImportMail { address, path: absolute(&path)?, below, form: Form::Maildir }
            }
            Self::Mbox { address, path, mailbox, quoting } => {
                let mailbox = mailbox.unwrap_or_else(|| stem(&path));
                ImportMail {
                    address,
                    path: absolute(&path)?,
                    below: None,
                    form: Form::Mbox { mailbox, quoting },
                }
            }
        };
        // Files that cannot be read are found out before the node is asked.
        let source = operation.source()?;
        let imported = block_on(ask_with(place, operation, move |uploader| remote::send(source, uploader)))?;
        audience.show(&imported, Imported::text);
        Ok(if imported.stopped { Exit::Failed } else { Exit::Done })
    }
}

impl Operation for ImportMail {
    type Answer = Imported;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<Imported, Failure> {
        let options = ImportOptions {
            account: account::find(node, &self.address)?,
            below: self.below.as_deref().map(mailbox_name).transpose()?,
            max_message_size: node.config.mail.max_message_size,
            max_mailboxes: node.config.mail.max_mailboxes,
        };
        let (store, progress) = (node.store.clone(), caller.progress.clone());
        let upload = caller.take_upload();
        let import = move || {
            let mut source = match upload {
                Some(upload) => remote::receive(upload)?,
                None => self.source()?,
            };
            let imported = transfer::import(&store, &options, source.as_mut(), &mut |now| {
                progress.report(step(now));
                if progress.is_abandoned() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            imported.map_err(|error| {
                Failure::new(causes(&error)).hint("what was imported stays; run the command again to go on")
            })
        };
        let imported = tokio::task::spawn_blocking(import).await;
        Ok(imported.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?.into())
    }
}

impl ImportMail {
    fn source(&self) -> Result<Box<dyn Source + Send>, Failure> {
        let opened: Result<Box<dyn Source + Send>, _> = match &self.form {
            Form::Maildir => Maildir::open(&self.path).map(|source| Box::new(source) as _),
            Form::Mbox { mailbox, quoting } => {
                let quoting = match quoting {
                    Quoting::Mboxrd => transfer::Quoting::Mboxrd,
                    Quoting::Mboxo => transfer::Quoting::Mboxo,
                };
                Mbox::open(&self.path, mailbox, quoting).map(|source| Box::new(source) as _)
            }
        };
        opened.map_err(|error| {
            Failure::new(causes(&error))
                .hint("the files must be readable for you; while the node is down, for its user")
        })
    }
}

impl From<ImportReport> for Imported {
    fn from(report: ImportReport) -> Self {
        let left_out = |left: &transfer::LeftOut| format!("{}: {}", left.what, causes(&left.reason));
        Self {
            found: report.found,
            imported: report.imported,
            imported_bytes: report.imported_bytes,
            known: report.known,
            left_out: report.left_out,
            left_out_first: report.left_out_first.iter().map(left_out).collect(),
            mailboxes_made: report.mailboxes_made,
            stopped: report.stopped,
        }
    }
}

impl Imported {
    fn text(&self) -> String {
        let mut text = format!(
            "{} messages found: {} imported ({}), {} were there already, {} left out; {} mailboxes made.\n",
            self.found,
            self.imported,
            view::size(self.imported_bytes),
            self.known,
            self.left_out,
            self.mailboxes_made
        );
        for left in &self.left_out_first {
            text.push_str(&format!("  left out: {left}\n"));
        }
        if self.stopped {
            text.push_str("It was stopped before its end. Run it again to go on.\n");
        }
        text
    }
}

/// What imports and exports tell, as everybody shows it.
pub(super) fn step(progress: &transfer::Progress) -> Step {
    let (Amount::Messages(done) | Amount::Bytes(done)) = progress.done;
    let (total, unit) = match progress.total {
        Amount::Messages(total) => (total, Unit::Messages),
        Amount::Bytes(total) => (total, Unit::Bytes),
    };
    Step { phase: progress.mailbox.clone(), done, total: Some(total), unit }
}

pub(super) fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::caused(path.display(), &error).usage())
}

fn mailbox_name(name: &str) -> Result<MailboxName, Failure> {
    MailboxName::new(name).map_err(|error| Failure::new(format!("--below {name}: {error}")).usage())
}

fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "INBOX".to_owned(), |stem| stem.to_string_lossy().into_owned())
}
