//! Many who send and change at the same time, until the node is gone.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Scope;

use essaim_harness::generate::{Random, Shape, message};
use essaim_harness::imap::Status;
use essaim_harness::{Account, Node};

use crate::ledger::{Ledger, Place};

/// One storm: begun with [`Storm::rage`], ended by killing the node.
#[derive(Debug)]
pub struct Storm<'a> {
    /// The round, which is part of every token.
    pub round: usize,
    /// Who gets mail.
    pub accounts: &'a [Account],
    /// What was promised.
    pub ledger: &'a Ledger,
    /// How many are still at it.
    pub raging: AtomicUsize,
}

impl Storm<'_> {
    /// Starts everybody; each ends at the first broken connection.
    pub fn rage<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, node: &Node) {
        self.raging.store(SMTP_SENDERS + WRITERS + 1, Ordering::SeqCst);
        let smtp = node.address("smtp");
        let imaps = node.address("imaps");
        for number in 0..SMTP_SENDERS {
            scope.spawn(move || self.until_killed(|| self.send_mail(number, smtp)));
        }
        for number in 0..WRITERS {
            scope.spawn(move || self.until_killed(|| self.append(number, imaps)));
        }
        scope.spawn(move || self.until_killed(|| self.set_keywords(imaps)));
    }

    fn until_killed(&self, work: impl Fn() -> io::Result<()>) {
        // The end of every storm is an error: the node was killed.
        let _ = work();
        self.raging.fetch_sub(1, Ordering::SeqCst);
    }

    /// Small and large messages, every third to two members at once.
    fn send_mail(&self, sender: usize, server: std::net::SocketAddr) -> io::Result<()> {
        let mut smtp = essaim_harness::Smtp::connect(server)?;
        let mut random = self.random("smtp", sender);
        for number in 0_usize.. {
            let token = format!("r{}-s{sender}-n{number}", self.round);
            let first = (sender + number) % self.accounts.len();
            let second = (first + 1) % self.accounts.len();
            let members = if number.is_multiple_of(3) { vec![first, second] } else { vec![first] };
            let places: Vec<Place> =
                members.iter().map(|&account| Place { account, mailbox: "INBOX" }).collect();
            let to: Vec<&str> =
                members.iter().map(|&account| self.accounts[account].address.as_str()).collect();
            let mail = message(&token, Shape::Plain, size(&mut random), &mut random);
            self.ledger.begin(&token, &places);
            let reply = smtp.deliver("sender@b.test", &to, &mail)?;
            if reply.code == 250 {
                self.ledger.promise(&token, &places, None);
            }
        }
        Ok(())
    }

    /// Half of the writers share one INBOX, half one folder.
    fn append(&self, writer: usize, server: std::net::SocketAddr) -> io::Result<()> {
        let place = Place { account: 0, mailbox: if writer.is_multiple_of(2) { "INBOX" } else { "storm" } };
        let mut imap = self.login(&place, server)?;
        let mut random = self.random("append", writer);
        for number in 0_usize.. {
            let token = format!("r{}-a{writer}-n{number}", self.round);
            let places = std::slice::from_ref(&place);
            let mail = message(&token, Shape::Attachment, size(&mut random), &mut random);
            self.ledger.begin(&token, places);
            let outcome = imap.append(place.mailbox, "(\\Seen)", &mail)?;
            if outcome.status == Status::Ok {
                let uid = outcome.code("APPENDUID").and_then(|code| code.split(' ').nth(1)?.parse().ok());
                self.ledger.promise(&token, places, uid);
            }
        }
        Ok(())
    }

    /// Marks messages of earlier rounds in the folder, one after another.
    fn set_keywords(&self, server: std::net::SocketAddr) -> io::Result<()> {
        let place = Place { account: 0, mailbox: "storm" };
        let mut imap = self.login(&place, server)?;
        let exists = imap.ok("SELECT storm")?.exists().unwrap_or(0);
        let keyword = format!("$round{}", self.round);
        for number in 1..=exists {
            let subject = imap.ok(&format!("FETCH {number} BODY.PEEK[HEADER.FIELDS (SUBJECT)]"))?;
            let token = subject.fetched().find_map(|(_, list)| crate::check::token_of(&list));
            imap.ok(&format!("STORE {number} +FLAGS ({keyword})"))?;
            if let Some(token) = token {
                self.ledger.keyword(&place, &token, &keyword);
            }
        }
        Ok(())
    }

    fn login(&self, place: &Place, server: std::net::SocketAddr) -> io::Result<essaim_harness::Imap> {
        let account = &self.accounts[place.account];
        let mut imap = essaim_harness::Imap::connect_tls(server)?;
        imap.login(&account.address, &account.password)?;
        Ok(imap)
    }

    fn random(&self, kind: &str, number: usize) -> Random {
        let seed = format!("{kind} {number} {}", self.round);
        Random::new(seed.bytes().fold(7, |seed, byte| seed.wrapping_mul(257).wrapping_add(u64::from(byte))))
    }
}

/// Mostly small; one in eight over the size that is cut into several blobs.
fn size(random: &mut Random) -> usize {
    if random.below(8) == 0 { 300_000 + random.below(400_000) } else { 500 + random.below(20_000) }
}

const SMTP_SENDERS: usize = 4;
const WRITERS: usize = 4;
