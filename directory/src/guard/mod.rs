//! What stands between strangers' bytes and automerge.
//!
//! automerge 0.12 trusts its input: a change of 127 bytes can make it allocate gigabytes and abort the process, and many others
//! make it panic, some only when the document is read or saved. So a change passes two gates: [`scan`] adds up what it would
//! become, without allocating; then [`Document::apply`](crate::document::Document::apply) runs everything that the node will ever do with it on a scratch copy
//! and catches what panics. Saved documents, bundles, compressed changes and automerge's sync protocol never come this far.
//!
//! # Panic messages
//! A caught panic still runs the process's panic hook, which prints. The hook belongs to the program, not to this crate; the program
//! silences it where [`is_checking`] says so:
//! ```
//! let loud = std::panic::take_hook();
//! std::panic::set_hook(Box::new(move |panic| {
//!     if !essaim_directory::guard::is_checking() {
//!         loud(panic);
//!     }
//! }));
//! ```
//! The release profile must keep `panic = "unwind"`.

mod column;
mod leb;
mod scan;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub use scan::{ChangeHash, Outline, ScanRefusal, scan};

/// Largest change.
pub const CHANGE_BYTES_MAX: usize = 8 * 1024;
/// Most rows of a column: keys of a group, operations of a change.
pub const ROWS_MAX: usize = 1024;
/// Most changes that one change may follow directly.
pub const DEPS_MAX: usize = 16;
/// Most actors that one change may name, its own among them.
pub const ACTORS_MAX: usize = 8;

/// True while this thread tries a stranger's change: a panic now is expected, caught and counted as a refusal.
pub fn is_checking() -> bool {
    CHECKING.get()
}

/// Runs `work` on bytes that passed [`scan`]; `None` if it panicked. Whatever `work` touched must be thrown away then.
pub(crate) fn attempt<T>(work: impl FnOnce() -> T) -> Option<T> {
    let outer = CHECKING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    CHECKING.set(outer);
    result.ok()
}

thread_local! {
    static CHECKING: Cell<bool> = const { Cell::new(false) };
}
