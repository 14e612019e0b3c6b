//! APPEND to one mailbox, each message answered before the next is sent on its connection.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use essaim_harness::Imap;

use super::{Bench, Line};
use crate::report::per_second;
use essaim_bench::mail;

/// With one connection and with eight.
pub(crate) fn run(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let writer = mail::writer(bench.accounts);
    for (connections, goal, count) in
        [(1, 1.0, bench.plan.append_messages[0]), (8, 3.0, bench.plan.append_messages[1])]
    {
        let line = Line::rate(format!("APPEND: 10 KiB, {connections} connection(s), one mailbox"), goal);
        bench.alternate(line, bench.plan.write_turns, |contender, turn| {
            let mailbox = format!("append-{connections}-{turn}");
            let messages = mail::batch(&mailbox, count, mail::SENT_SIZE);
            let mut sessions =
                (0..connections).map(|_| contender.session(writer)).collect::<io::Result<Vec<Imap>>>()?;
            for session in sessions.iter_mut().take(1) {
                session.ok(&format!("CREATE {mailbox}"))?;
            }
            Ok(per_second(count, append(&mut sessions, &mailbox, &messages)?))
        })?;
    }
    Ok(())
}

fn append(sessions: &mut [Imap], mailbox: &str, messages: &[Vec<u8>]) -> io::Result<Duration> {
    let next = AtomicUsize::new(0);
    let begin = Instant::now();
    std::thread::scope(|scope| {
        let workers: Vec<_> = sessions
            .iter_mut()
            .map(|imap| {
                scope.spawn(|| {
                    while let Some(message) = messages.get(next.fetch_add(1, Ordering::Relaxed)) {
                        imap.append_ok(mailbox, "", message)?;
                    }
                    Ok(())
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("a writer does not panic"))
    })
    .map(|()| begin.elapsed())
}
