//! What is moved, and what is measured while it moves.

use std::fs;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::held_by;
use crate::neighbour::{Latencies, Neighbour};

/// A mailbox that is moved.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    pub(crate) name: &'static str,
    pub(crate) count: usize,
    /// Bytes of one message.
    pub(crate) size: usize,
}

/// A way to bring a mailbox from one server to another.
pub(crate) trait Way {
    fn name(&self) -> &'static str;
    /// Makes the mailbox at the old server, if it is not there yet.
    fn fill(&mut self, load: &Load) -> anyhow::Result<()>;
    /// Moves it; returns when it is served at the new server.
    fn carry(&self, load: &Load) -> anyhow::Result<()>;
    /// How many messages are there at the new server.
    fn arrived(&self, load: &Load) -> io::Result<usize>;
    /// Processes at the old and at the new server; those that they start count with them.
    fn processes(&self) -> [Vec<u32>; 2];
    /// Somebody else at the old server.
    fn neighbour(&self) -> io::Result<Neighbour>;
}

/// What came of one move.
#[derive(Debug, Clone)]
pub(crate) struct Moved {
    pub(crate) took: Duration,
    /// On the loopback device, both directions, headers too.
    pub(crate) wire: u64,
    /// By how many bytes the old and the new server grew at most.
    pub(crate) grown: [u64; 2],
    /// What somebody else waited for answers before, and meanwhile.
    pub(crate) quiet: Latencies,
    pub(crate) meanwhile: Latencies,
}

impl Load {
    /// Few large messages, and two kinds of many.
    pub(crate) fn all(long: bool) -> Vec<Self> {
        let many = if long { 100_000 } else { 10_000 };
        let load = |name, count, size| Self { name, count, size };
        vec![
            load("small", many, 1 << 10),
            load("mail", many, 10 << 10),
            load("large", if long { 60 } else { 15 }, 16 << 20),
        ]
    }

    pub(crate) fn bytes(&self) -> u64 {
        (self.count * self.size) as u64
    }

    /// Who has it, before the at sign.
    pub(crate) fn member(&self) -> String {
        format!("mover-{}", self.name)
    }
}

/// Moves a mailbox that is there, and looks at everybody meanwhile. Every message must arrive once.
pub(crate) fn measure(way: &mut dyn Way, load: &Load) -> anyhow::Result<Moved> {
    let mut neighbour = way.neighbour()?;
    let quiet = neighbour.during(QUIET)?;
    let processes = way.processes();
    let before = [held_by(&processes[0]), held_by(&processes[1])];
    let wire = wire_bytes()?;
    let (stop, began) = (AtomicBool::new(false), Instant::now());
    let (took, peaks, meanwhile) = std::thread::scope(|scope| {
        let watch = scope.spawn(|| peaks(&processes, &stop));
        let other = scope.spawn(|| neighbour.until(&stop));
        let carried = way.carry(load);
        let took = began.elapsed();
        stop.store(true, Ordering::SeqCst);
        let peaks = watch.join().expect("the watch does not panic");
        let other = other.join().expect("the neighbour does not panic");
        carried.and_then(|()| Ok((took, peaks, other?)))
    })?;
    let wire = wire_bytes()? - wire;
    let arrived = way.arrived(load)?;
    ensure!(arrived == load.count, "{}: {arrived} of {} messages arrived", way.name(), load.count);
    let grown = [0, 1].map(|side| peaks[side].saturating_sub(before[side]));
    Ok(Moved { took, wire, grown, quiet, meanwhile })
}

/// The most that each server held.
fn peaks(processes: &[Vec<u32>; 2], stop: &AtomicBool) -> [u64; 2] {
    let mut most = [0; 2];
    while !stop.load(Ordering::SeqCst) {
        for side in [0, 1] {
            most[side] = most[side].max(held_by(&processes[side]));
        }
        std::thread::park_timeout(LOOK_EVERY);
    }
    most
}

/// What the loopback device has received since the machine started.
fn wire_bytes() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/net/dev")?;
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix("lo:"));
    let bytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    bytes.ok_or_else(|| io::Error::other("/proc/net/dev does not count the loopback device"))
}

const QUIET: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(100);
