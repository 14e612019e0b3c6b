//! One member reads a large mailbox.

use std::io;
use std::time::Instant;

use essaim_harness::Imap;

use super::{Bench, Line, fill};
use crate::mail;
use crate::report::milliseconds;

/// A command whose whole answer is read and timed.
struct Read {
    name: &'static str,
    command: &'static str,
    /// How often an untagged response or a SEARCH hit must be seen, given the size of the mailbox; wrong is an error.
    expect: Expect,
}

#[derive(Clone, Copy)]
enum Expect {
    /// One response per message.
    Each,
    /// So many numbers in the answer to SEARCH, for each batch of messages that was loaded.
    HitsPerBatch(usize),
    /// So many in all.
    Hits(usize),
    Nothing,
}

/// SELECT, FETCH, SEARCH and STORE over the whole mailbox.
pub(crate) fn run(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let names: Vec<&str> = READS.iter().map(|read| read.name).chain([SELECT, FIRST]).collect();
    if !bench.wants_any(&names) {
        return Ok(());
    }
    fill(bench)?;
    let reader = mail::reader(bench.accounts);
    let size = bench.plan.mailbox;
    let turns = bench.plan.read_turns;
    bench.alternate(Line::time(FIRST), 1, |contender, _| {
        let mut imap = contender.session(reader)?;
        imap.ok("SELECT INBOX")?;
        timed(&mut imap, &READS[1], size)
    })?;
    bench.alternate(Line::time(SELECT), turns, |contender, _| {
        let mut imap = contender.session(reader)?;
        let begin = Instant::now();
        let exists = imap.ok("SELECT INBOX")?.exists();
        let took = begin.elapsed();
        anyhow::ensure!(
            exists.and_then(|count| usize::try_from(count).ok()) == Some(size),
            "SELECT says {exists:?} of {size}"
        );
        Ok(milliseconds(took))
    })?;
    for read in &READS {
        bench.alternate(Line::time(read.name), turns, |contender, _| {
            let mut imap = contender.session(reader)?;
            imap.ok("SELECT INBOX")?;
            timed(&mut imap, read, size)
        })?;
    }
    Ok(())
}

/// Brings the mailbox to its size on each side; does nothing if it has it.
pub(super) fn fill(bench: &Bench<'_>) -> anyhow::Result<()> {
    let size = bench.plan.mailbox;
    crate::say(&format!("a mailbox with {size} messages on each side"));
    for contender in bench.contenders.iter() {
        fill::inbox(contender.as_ref(), mail::reader(bench.accounts), LABEL, size, mail::READ_SIZE)?;
    }
    Ok(())
}

fn timed(imap: &mut Imap, read: &Read, size: usize) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let seen = match read.expect {
        Expect::Each | Expect::Nothing => imap.drain(read.command)?.responses,
        Expect::Hits(_) | Expect::HitsPerBatch(_) => hits(imap, read.command)?,
    };
    let took = begin.elapsed();
    let wanted = match read.expect {
        Expect::Each => size,
        Expect::HitsPerBatch(hits) => size / fill::BATCH * hits,
        Expect::Hits(hits) => hits,
        Expect::Nothing => seen,
    };
    anyhow::ensure!(seen == wanted, "{}: {seen} in the answer instead of {wanted}", read.command);
    Ok(milliseconds(took))
}

fn hits(imap: &mut Imap, command: &str) -> io::Result<usize> {
    Ok(imap.ok(command)?.search().len())
}

const LABEL: &str = "read";
const SELECT: &str = "SELECT";
const FIRST: &str = "FETCH envelopes, the first client ever";
const READS: [Read; 8] = [
    Read { name: "FETCH flags", command: "FETCH 1:* (UID FLAGS)", expect: Expect::Each },
    Read {
        name: "FETCH envelopes",
        command: "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)",
        expect: Expect::Each,
    },
    Read { name: "FETCH all bodies", command: "FETCH 1:* BODY.PEEK[]", expect: Expect::Each },
    Read { name: "SEARCH header", command: "SEARCH SUBJECT \"-n77n\"", expect: Expect::HitsPerBatch(1) },
    Read { name: "SEARCH body text", command: "SEARCH BODY \"read-0-n77n\"", expect: Expect::Hits(1) },
    Read { name: "SEARCH flag", command: "SEARCH FLAGGED", expect: Expect::HitsPerBatch(fill::BATCH / 100) },
    Read {
        name: "STORE a flag on all",
        command: "STORE 1:* +FLAGS.SILENT (\\Answered)",
        expect: Expect::Nothing,
    },
    Read {
        name: "STORE it off again",
        command: "STORE 1:* -FLAGS.SILENT (\\Answered)",
        expect: Expect::Nothing,
    },
];
