//! One member reads a large mailbox.

use std::io;
use std::time::Instant;

use essaim_harness::Imap;

use super::{Bench, Line};
use crate::report::milliseconds;
use essaim_bench::{fill, mail};

/// A command whose whole answer is read and timed.
struct Read {
    name: &'static str,
    /// Runs before each timed turn, untimed: what the command is to change must not be so already.
    before: Option<&'static str>,
    command: &'static str,
    /// How often an untagged response or a SEARCH hit must be seen, given the size of the mailbox; wrong is an error.
    expect: Expect,
}

impl Read {
    const fn new(name: &'static str, command: &'static str, expect: Expect) -> Self {
        Self { name, before: None, command, expect }
    }

    /// A command that is answered without a word, after another.
    const fn after(before: &'static str, name: &'static str, command: &'static str) -> Self {
        Self { name, before: Some(before), command, expect: Expect::Nothing }
    }
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
            if let Some(before) = read.before {
                imap.drain(before)?;
            }
            timed(&mut imap, read, size)
        })?;
    }
    Ok(())
}

/// Brings the mailbox to its size on each side; does nothing if it has it.
pub(super) fn fill(bench: &Bench<'_>) -> anyhow::Result<()> {
    let size = bench.plan.mailbox;
    crate::say(&format!("a mailbox with {size} messages on each side"));
    let reader = mail::reader(bench.accounts);
    // Nothing is measured yet, so both at once: one waits for the disk while the other computes.
    std::thread::scope(|scope| {
        let fillers: Vec<_> = bench
            .contenders
            .iter()
            .map(|contender| {
                scope.spawn(|| fill::inbox(&|| contender.session(reader), LABEL, size, mail::READ_SIZE))
            })
            .collect();
        fillers.into_iter().try_for_each(|filler| filler.join().expect("a filler does not panic"))
    })?;
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
const READS: [Read; 10] = [
    Read::new("FETCH flags", "FETCH 1:* (UID FLAGS)", Expect::Each),
    Read::new("FETCH envelopes", "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)", Expect::Each),
    Read::new("FETCH all bodies", "FETCH 1:* BODY.PEEK[]", Expect::Each),
    Read::new("SEARCH header", "SEARCH SUBJECT \"-n77n\"", Expect::HitsPerBatch(1)),
    Read::new("SEARCH body text", "SEARCH BODY \"read-0-n77n\"", Expect::Hits(1)),
    Read::new("SEARCH flag", "SEARCH FLAGGED", Expect::HitsPerBatch(fill::BATCH / 100)),
    Read::after(OFF, "STORE a flag on all", ON),
    Read::after(ON, "STORE it off again", OFF),
    Read::after(ON, "STORE a flag that all have", ON),
    Read::after(OFF, "STORE off a flag that none has", OFF),
];
const ON: &str = "STORE 1:* +FLAGS.SILENT (\\Answered)";
const OFF: &str = "STORE 1:* -FLAGS.SILENT (\\Answered)";
