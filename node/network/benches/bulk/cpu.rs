//! What processes have worked, user and system time, by proc(5); a tick is 10 ms.

use std::time::Duration;

/// This one, without its children.
pub(crate) fn of_this_process() -> Duration {
    fields("self", 0..2)
}

/// Those of its children that have ended.
pub(crate) fn of_ended_children() -> Duration {
    fields("self", 2..4)
}

/// Another, with those of its children that have ended.
pub(crate) fn of(process: u32) -> Duration {
    fields(&process.to_string(), 0..4)
}

/// Of utime, stime, cutime, cstime.
fn fields(process: &str, which: std::ops::Range<usize>) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11 + which.start).take(which.len());
    Duration::from_millis(10 * ticks.map(|field| field.parse::<u64>().unwrap()).sum::<u64>())
}
