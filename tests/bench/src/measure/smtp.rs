//! SMTP: from the first MAIL until every message is in its mailbox.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use essaim_harness::peers::{Manner, Sink};
use essaim_harness::smtp::stuffed;
use essaim_harness::{Account, Smtp};

use super::{Bench, Line};
use crate::report::{Goal, Report, per_second};
use essaim_bench::mail;

/// Stored and, for information, accepted messages per second.
pub(crate) fn run(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let (count, sessions) = (bench.plan.smtp_messages, bench.plan.smtp_sessions);
    let recipients = mail::recipients(bench.accounts);
    let mut accepted = Vec::new();
    let stored = Line::rate(format!("SMTP: received and stored, 10 KiB, {sessions} sessions"), 3.0);
    bench.alternate(stored, bench.plan.write_turns, |contender, turn| {
        let messages: Vec<Vec<u8>> = mail::batch(&format!("smtp-{turn}"), count, mail::SENT_SIZE)
            .iter()
            .map(|message| stuffed(message))
            .collect();
        contender.mark();
        let begin = Instant::now();
        let all_accepted = send(contender.smtp(), &messages, recipients, sessions)?;
        contender.wait_until_stored(count)?;
        let took = begin.elapsed();
        accepted.push((contender.side(), per_second(count, all_accepted)));
        Ok(per_second(count, took))
    })?;
    if !accepted.is_empty() {
        client_alone(bench.report, sessions)?;
    }
    let line = Line::rate("SMTP: accepted with 250 (stored or queued)", 1.0).with_goal(Goal::None);
    for (side, rate) in accepted {
        bench.report.add(&line, side, rate);
    }
    Ok(())
}

/// The same client and a server that throws everything away: far above what is measured, or the client is the limit.
fn client_alone(report: &mut Report, sessions: usize) -> anyhow::Result<()> {
    let Some(sink) = Sink::start(Manner::Forget) else { return Ok(()) };
    let messages: Vec<Vec<u8>> =
        mail::batch("sink", SINK_MESSAGES, mail::SENT_SIZE).iter().map(|message| stuffed(message)).collect();
    let took = send(sink.address, &messages, &mail::accounts(1), sessions)?;
    report.note(format!(
        "our SMTP client into postfix's smtp-sink, which stores nothing: {:.0} messages/s",
        per_second(SINK_MESSAGES, took)
    ));
    Ok(())
}

/// Sends all of them over `sessions` connections; the time until the last 250.
fn send(server: SocketAddr, messages: &[Vec<u8>], to: &[Account], sessions: usize) -> io::Result<Duration> {
    let mut connections: Vec<Smtp> =
        (0..sessions).map(|_| Smtp::connect(server)).collect::<io::Result<_>>()?;
    let next = AtomicUsize::new(0);
    let begin = Instant::now();
    std::thread::scope(|scope| {
        let workers: Vec<_> = connections
            .iter_mut()
            .map(|smtp| {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some(message) = messages.get(number) else { return Ok(()) };
                        let recipient = &to[number % to.len()].address;
                        if let Some(refusal) = smtp.envelope("sender@b.test", &[recipient])? {
                            return Err(io::Error::other(format!("refused: {refusal}")));
                        }
                        smtp.body(message)?.expect(250)?;
                    }
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("a sender does not panic"))
    })?;
    Ok(begin.elapsed())
}

const SINK_MESSAGES: usize = 5_000;
