//! How long writes are held when an account changes hands, while it is written to.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use essaim_bench::{fill, mail};

use crate::essaim::Hosters;
use crate::neighbour::Latencies;
use crate::say;

/// So many moves of accounts with some mail, one after another, each with a session that appends all the time.
pub(crate) fn measure(room: &Path, moves: usize) -> anyhow::Result<Latencies> {
    let hosters = Hosters::start(room);
    let held = (0..moves).map(|number| {
        let member = hosters.member(&format!("held-{number}"))?;
        let session = || Hosters::session(&hosters.old, &member.account);
        fill::inbox(&session, "held", MESSAGES, mail::READ_SIZE)?;
        let (mut writer, stop) = (session()?, AtomicBool::new(false));
        let moved = std::thread::scope(|scope| {
            scope.spawn(|| {
                // Until the account is gone from here.
                while !stop.load(Ordering::SeqCst) {
                    if writer.append_ok("INBOX", "", LETTER).is_err() {
                        break;
                    }
                }
            });
            let moved = hosters.move_away(&member);
            stop.store(true, Ordering::SeqCst);
            moved
        })?;
        let held = Duration::from_millis(moved["held_ms"].as_u64().unwrap_or(u64::MAX));
        say(&format!("move {number}: writes were held {held:?}"));
        Ok(held)
    });
    held.collect()
}

const MESSAGES: usize = 1_000;
const LETTER: &[u8] = b"From: x@x.test\r\nSubject: while it moves\r\n\r\n.\r\n";
