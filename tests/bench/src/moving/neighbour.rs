//! A member who does not move, and reads and writes mail all the time.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use essaim_bench::mail;
use essaim_harness::Imap;

/// A session with some mail in its INBOX.
#[derive(Debug)]
pub(crate) struct Neighbour {
    imap: Imap,
    letter: Vec<u8>,
    turn: usize,
}

/// How long each answer took.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl Neighbour {
    /// # Errors
    /// The server's.
    pub(crate) fn new(mut imap: Imap) -> io::Result<Self> {
        let letters = mail::batch("neighbour", KEPT, mail::READ_SIZE);
        if imap.ok("SELECT INBOX")?.exists().unwrap_or(0) == 0 {
            let letters: Vec<&[u8]> = letters.iter().map(Vec::as_slice).collect();
            imap.append_many_ok("INBOX", "", &letters)?;
            imap.ok("SELECT INBOX")?;
        }
        Ok(Self { imap, letter: letters[0].clone(), turn: 0 })
    }

    /// Works for a while.
    pub(crate) fn during(&mut self, time: Duration) -> io::Result<Latencies> {
        let end = Instant::now() + time;
        self.work(|| Instant::now() >= end)
    }

    /// Works until told to stop.
    pub(crate) fn until(&mut self, stop: &AtomicBool) -> io::Result<Latencies> {
        self.work(|| stop.load(Ordering::SeqCst))
    }

    /// Reads nine messages, appends one, sets a flag, waits a moment.
    fn work(&mut self, is_enough: impl Fn() -> bool) -> io::Result<Latencies> {
        let mut waited = Vec::new();
        while !is_enough() {
            self.turn += 1;
            let began = Instant::now();
            match self.turn % 11 {
                0 => drop(self.imap.append_ok("INBOX", "", &self.letter)?),
                10 => drop(self.imap.ok(&format!(
                    "STORE {} FLAGS (k{})",
                    self.turn % KEPT + 1,
                    self.turn % 7
                ))?),
                _ => drop(self.imap.ok(&format!("FETCH {} BODY.PEEK[]", self.turn * 7 % KEPT + 1))?),
            }
            waited.push(began.elapsed());
            std::thread::park_timeout(PAUSE);
        }
        Ok(Latencies(waited))
    }
}

impl Latencies {
    /// What so many of a hundred answers took at most.
    pub(crate) fn percentile(&self, percent: usize) -> Option<Duration> {
        let mut sorted = self.0.clone();
        sorted.sort();
        let rank = (sorted.len() * percent).div_ceil(100);
        sorted.get(rank.checked_sub(1)?).copied()
    }
}

impl FromIterator<Duration> for Latencies {
    fn from_iter<I: IntoIterator<Item = Duration>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}

const KEPT: usize = 200;
const PAUSE: Duration = Duration::from_millis(5);
