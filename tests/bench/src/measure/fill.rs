//! Fills mailboxes before they are read. Not measured.

use std::io;

use essaim_harness::{Account, Imap};

use crate::contender::Contender;
use crate::mail;

/// Brings the INBOX of `account` to `count` messages, with four sessions and MULTIAPPEND. One in a hundred is flagged.
pub(crate) fn inbox(
    contender: &dyn Contender,
    account: &Account,
    label: &str,
    count: usize,
    size: usize,
) -> io::Result<()> {
    let mut imap = contender.session(account)?;
    let already = usize::try_from(imap.ok("SELECT INBOX")?.exists().unwrap_or(0)).unwrap_or(0);
    let missing = count.saturating_sub(already);
    let share = missing.div_ceil(WRITERS);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let range = (writer * share).min(missing)..((writer + 1) * share).min(missing);
                scope.spawn(move || write(contender.session(account)?, label, range, size))
            })
            .collect();
        writers.into_iter().try_for_each(|writer| writer.join().expect("a writer does not panic"))
    })
}

fn write(mut imap: Imap, label: &str, range: std::ops::Range<usize>, size: usize) -> io::Result<()> {
    for start in range.clone().step_by(BATCH) {
        let count = BATCH.min(range.end - start);
        let messages = mail::batch(&format!("{label}-{start}"), count, size);
        let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        let (flagged, plain) = messages.split_at(count.min(BATCH / 100));
        for (options, messages) in [("(\\Flagged)", flagged), ("", plain)] {
            if !messages.is_empty() {
                imap.append_many_ok("INBOX", options, messages)?;
            }
        }
    }
    Ok(())
}

const WRITERS: usize = 4;
pub(crate) const BATCH: usize = 200;
