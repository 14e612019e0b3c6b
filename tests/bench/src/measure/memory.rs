//! Memory of a node that does nothing, and of one that many clients wait at.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use essaim_harness::{Account, Imap};

use super::{Bench, Line, read};
use crate::contender::{Contender, Stop};
use crate::report::{Goal, mebibytes};
use essaim_bench::{mail, memory};

/// After a fresh start and one visit, so that what starts on demand is there.
pub(crate) fn with_nobody_connected(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let accounts = bench.accounts;
    let line = Line::memory(format!("Memory idle, {} accounts, PSS", accounts.len()))
        .with_goal(Goal::AtMost(IDLE_MEBIBYTES));
    let mut resident = Vec::new();
    bench.alternate(line, 1, |contender, _| {
        contender.restart(Stop::Orderly)?;
        contender.session(&accounts[0])?.ok("LOGOUT")?;
        let held = memory::of(&contender.processes());
        resident.push((contender.side(), mebibytes(held.resident)));
        Ok(mebibytes(held.proportional))
    })?;
    let line = Line::memory("Memory idle, RSS").with_goal(Goal::None);
    for (side, value) in resident {
        bench.report.add(&line, side, value);
    }
    Ok(())
}

/// Each session is another member who selected INBOX and waits in IDLE.
pub(crate) fn with_idle_sessions(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let count = bench.plan.idle_sessions.min(bench.accounts.len());
    let accounts = &bench.accounts[..count];
    let line = Line::memory(format!("Memory with {count} idle sessions, PSS"));
    bench.alternate(line, 1, |contender, _| held_with(contender, &accounts.iter().collect::<Vec<_>>()))
}

/// Many sessions in one large mailbox, which [`super::read`] has filled.
pub(crate) fn with_a_large_mailbox(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let line =
        Line::memory(format!("Memory with {CROWD} sessions in a mailbox of {}, PSS", bench.plan.mailbox));
    if !bench.wants(&line.name) {
        return Ok(());
    }
    read::fill(bench)?;
    let crowd = vec![mail::reader(bench.accounts); CROWD];
    bench.alternate(line, 1, |contender, _| {
        contender.restart(Stop::Orderly)?;
        held_with(contender, &crowd)
    })
}

/// MiB while each of these waits in IDLE with INBOX selected.
fn held_with(contender: &dyn Contender, members: &[&Account]) -> anyhow::Result<f64> {
    let next = AtomicUsize::new(0);
    let open = || -> io::Result<Vec<Imap>> {
        let mut opened = Vec::new();
        while let Some(account) = members.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut imap = contender.session(account)?;
            imap.ok("SELECT INBOX")?;
            imap.idle()?;
            opened.push(imap);
        }
        Ok(opened)
    };
    let sessions = std::thread::scope(|scope| {
        let openers: Vec<_> = (0..OPENERS).map(|_| scope.spawn(open)).collect();
        openers
            .into_iter()
            .map(|opener| opener.join().expect("an opener does not panic"))
            .collect::<io::Result<Vec<_>>>()
    })?;
    let held = memory::of(&contender.processes());
    drop(sessions);
    Ok(mebibytes(held.proportional))
}

const CROWD: usize = 50;
const OPENERS: usize = 8;
const IDLE_MEBIBYTES: f64 = 40.0;
