//! From `exec` until the server serves.

use std::io;
use std::time::{Duration, Instant};

use essaim_harness::Account;
use essaim_harness::tools::note;

use super::{Bench, Line};
use crate::contender::{Contender, Side, Stop};
use crate::report::{Goal, milliseconds};
use essaim_bench::{fill, mail};

/// Of a node that holds many messages, after an orderly end and after `kill -9`. Dovecot reads no mail when it starts, so
/// the other side holds only what the measurements before left there.
pub(crate) fn run(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let count = bench.plan.start_up_messages;
    let orderly = format!("Start-up, a node with {count} messages");
    let killed = format!("Start-up after kill -9, {count} messages");
    if !bench.wants_any(&[&orderly, &killed]) {
        return Ok(());
    }
    let hoarder = mail::hoarder(bench.accounts);
    for contender in bench.contenders.iter().filter(|contender| contender.side() == Side::Essaim) {
        note(&format!("filling a mailbox with {count} messages"));
        fill::inbox(&|| contender.session(hoarder), "hoard", count, mail::SMALL_SIZE)?;
    }
    let mut first = Vec::new();
    let turns = bench.plan.write_turns;
    for (name, how, goal) in
        [(orderly, Stop::Orderly, Goal::AtMost(1_000.0)), (killed, Stop::Killed, Goal::AtMost(5_000.0))]
    {
        bench.alternate(Line::time(name).with_goal(goal), turns, |contender, _| {
            let took = contender.restart(how)?;
            if contender.side() == Side::Essaim {
                first.push(first_select(contender, hoarder)?);
            }
            Ok(milliseconds(took))
        })?;
    }
    let line = Line::time(format!("SELECT of all {count}, the first after a start"))
        .with_goal(Goal::AtMost(1_000.0));
    for took in first {
        bench.report.add(&line, Side::Essaim, milliseconds(took));
    }
    Ok(())
}

/// What a start may have put off is done now.
fn first_select(contender: &dyn Contender, account: &Account) -> io::Result<Duration> {
    let mut imap = contender.session(account)?;
    let begin = Instant::now();
    imap.ok("SELECT INBOX")?;
    Ok(begin.elapsed())
}
