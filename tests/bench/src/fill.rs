//! Fills mailboxes before they are read or moved. Not measured.

use std::io;
use std::ops::Range;

use essaim_harness::Imap;

use crate::mail;

/// Opens a session of the member whose INBOX is filled.
pub type Session<'a> = &'a (dyn Fn() -> io::Result<Imap> + Sync);

/// Brings an INBOX to `count` messages of `size` bytes, with four sessions and MULTIAPPEND. One in a hundred is flagged.
///
/// # Errors
/// The server's, or its refusal.
///
/// # Panics
/// If a writer does.
pub fn inbox(session: Session<'_>, label: &str, count: usize, size: usize) -> io::Result<()> {
    let already = usize::try_from(session()?.ok("SELECT INBOX")?.exists().unwrap_or(0)).unwrap_or(0);
    let missing = count.saturating_sub(already);
    let share = missing.div_ceil(WRITERS);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let range = (writer * share).min(missing)..((writer + 1) * share).min(missing);
                scope.spawn(move || write(session()?, label, range, size))
            })
            .collect();
        writers.into_iter().try_for_each(|writer| writer.join().expect("a writer does not panic"))
    })
}

fn write(mut imap: Imap, label: &str, range: Range<usize>, size: usize) -> io::Result<()> {
    let batch = (BATCH_BYTES / size).clamp(1, BATCH);
    for start in range.clone().step_by(batch) {
        let count = batch.min(range.end - start);
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
/// Messages in one command.
pub const BATCH: usize = 200;
/// Of larger messages fewer, so that not too much is held at once.
const BATCH_BYTES: usize = 32 << 20;
