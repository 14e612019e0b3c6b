//! What a server's processes hold in memory, all of them together.

use std::collections::HashMap;
use std::fs;

/// Bytes, summed over processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// Proportional: a page that n processes share counts as 1/n for each. The sum is what the machine spends.
    pub proportional: u64,
    /// Resident: shared pages count for each process.
    pub resident: u64,
    /// How many processes.
    pub processes: usize,
}

/// The processes `roots` and all that descend from them.
pub fn of(roots: &[u32]) -> Memory {
    let mut sum = Memory::default();
    for pid in family(roots) {
        // A process may end while it is looked at: it holds nothing then.
        let Ok(rollup) = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) else { continue };
        sum.proportional += kilobytes(&rollup, "Pss:") * 1024;
        sum.resident += kilobytes(&rollup, "Rss:") * 1024;
        sum.processes += 1;
    }
    sum
}

fn family(roots: &[u32]) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for pid in all_processes() {
        if let Some(parent) = parent_of(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut open = roots.to_vec();
    while let Some(pid) = open.pop() {
        found.push(pid);
        open.extend(children.remove(&pid).unwrap_or_default());
    }
    found
}

fn all_processes() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Field 4 of `stat`; field 2 is the name in parentheses and may hold anything.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn kilobytes(rollup: &str, field: &str) -> u64 {
    let line = rollup.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_holds_something() {
        let memory = of(&[std::process::id()]);
        assert!(
            memory.processes >= 1 && memory.proportional > 100_000 && memory.resident >= memory.proportional
        );
    }
}
