//! Two dovecots, and two tools that bring mail from one to the other.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use anyhow::ensure;
use essaim_bench::fill;
use essaim_harness::node::text;
use essaim_harness::peers::{Dovecot, MailFormat};
use essaim_harness::{Account, Imap, tools};

use crate::neighbour::Neighbour;
use crate::way::{Load, Way};

/// Both, with all members at each.
#[derive(Debug)]
pub(crate) struct Dovecots {
    old: Dovecot,
    /// One for each tool, so that nobody finds what another has brought.
    new: [Dovecot; 2],
    room: PathBuf,
}

/// How the mail goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    /// `doveadm backup` over TCP: dovecot's own, which keeps UIDs.
    Dsync,
    /// IMAP to IMAP.
    Mbsync,
}

/// Two dovecots with a tool.
#[derive(Debug)]
pub(crate) struct Carried {
    dovecots: Rc<Dovecots>,
    tool: Tool,
}

impl Dovecots {
    /// `None` after having said what is missing.
    pub(crate) fn start(room: &Path, format: MailFormat, loads: &[Load]) -> Option<Rc<Self>> {
        // Their own users must be able to reach their mail.
        let _ = Command::new("chmod").arg("755").arg(room).status();
        let names = loads.iter().map(Load::member).chain([NEIGHBOUR.to_owned()]);
        let accounts: Vec<Account> = names.map(|name| account(&name)).collect();
        let start = |name: &str| Dovecot::start(&room.join(name), format, &accounts);
        let old = start("old")?;
        Some(Rc::new(Self { old, new: [start("new-dsync")?, start("new-mbsync")?], room: room.to_owned() }))
    }

    /// `None` after having said that the tool is missing.
    pub(crate) fn with(self: &Rc<Self>, tool: Tool) -> Option<Box<dyn Way>> {
        if tool == Tool::Mbsync {
            tools::Tool::find("mbsync", "isync")?;
        }
        Some(Box::new(Carried { dovecots: Rc::clone(self), tool }))
    }
}

impl Carried {
    fn target(&self) -> &Dovecot {
        &self.dovecots.new[self.tool as usize]
    }

    fn command(&self, load: &Load) -> io::Result<Command> {
        let Dovecots { old, room, .. } = &*self.dovecots;
        Ok(match self.tool {
            Tool::Dsync => old.back_up(&account(&load.member()).address, self.target()),
            Tool::Mbsync => {
                let config = room.join("mbsyncrc");
                fs::write(&config, mbsyncrc(room, load, old.imap(), self.target().imap()))?;
                let mut command = Command::new("mbsync");
                command.arg("--config").arg(config).arg("--all");
                command
            }
        })
    }
}

impl Way for Carried {
    fn name(&self) -> &'static str {
        match self.tool {
            Tool::Dsync => "doveadm backup",
            Tool::Mbsync => "mbsync",
        }
    }

    fn fill(&mut self, load: &Load) -> anyhow::Result<()> {
        let member = account(&load.member());
        let old = self.dovecots.old.imap();
        fill::inbox(&|| session(old, &member), load.name, load.count, load.size)?;
        Ok(())
    }

    fn carry(&self, load: &Load) -> anyhow::Result<()> {
        let output = self.command(load)?.output()?;
        ensure!(output.status.success(), "{}: {}", self.name(), text(&output));
        Ok(())
    }

    fn arrived(&self, load: &Load) -> io::Result<usize> {
        let exists = session(self.target().imap(), &account(&load.member()))?.ok("SELECT INBOX")?.exists();
        Ok(exists.map_or(0, |exists| exists as usize))
    }

    /// The tool is a child of this process, and counts with the old server.
    fn processes(&self) -> [Vec<u32>; 2] {
        [vec![self.dovecots.old.pid()], vec![self.target().pid()]]
    }

    fn neighbour(&self) -> io::Result<Neighbour> {
        Neighbour::new(session(self.dovecots.old.imap(), &account(NEIGHBOUR))?)
    }
}

fn account(name: &str) -> Account {
    Account::new(&format!("{name}@a.test"))
}

fn session(at: SocketAddr, account: &Account) -> io::Result<Imap> {
    let mut imap = Imap::connect(at)?;
    imap.login(&account.address, &account.password)?;
    Ok(imap)
}

fn mbsyncrc(room: &Path, load: &Load, old: SocketAddr, new: SocketAddr) -> String {
    let Account { address, password, .. } = account(&load.member());
    let store = |name: &str, at: SocketAddr| {
        format!(
            "IMAPAccount {name}\nHost {}\nPort {}\nUser {address}\nPass \"{password}\"\nSSLType None\nAuthMechs LOGIN\n\n\
             IMAPStore {name}\nAccount {name}\n\n",
            at.ip(),
            at.port(),
        )
    };
    format!(
        "{}{}Channel move\nFar :old:\nNear :new:\nPatterns INBOX\nSync Pull\nCreate Near\nCopyArrivalDate yes\nSyncState {}/mbsync-{}-\n",
        store("old", old),
        store("new", new),
        room.display(),
        load.name,
    )
}

const NEIGHBOUR: &str = "neighbour";
