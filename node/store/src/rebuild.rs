//! Computing the index again from the segments.

use std::path::Path;
use std::sync::Arc;

use crate::disk::{Disk, RealDisk};
use crate::error::OpenError;
use crate::open::{INDEX, Opened, lock, open};
use crate::options::Options;
use crate::progress::Progress;

/// What a rebuild found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RebuildReport {
    /// Transactions applied.
    pub transactions: u64,
    /// Segments read.
    pub segments: u64,
}

/// Throws the index of a store that is not open away and computes it again. Derived bytes are lost, to be derived again when
/// asked for. If it is interrupted, the next opening goes on where it was.
pub fn rebuild_index(
    folder: &Path,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<RebuildReport, OpenError> {
    let fail = OpenError::io(format!("open the folder {}", folder.display()));
    rebuild_on(Arc::new(RealDisk::new(folder).map_err(fail)?), options, progress)
}

/// The same on any disk.
pub(crate) fn rebuild_on(
    disk: Arc<dyn Disk>,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<RebuildReport, OpenError> {
    let lock = lock(&*disk)?;
    match disk.remove(INDEX) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(OpenError::io("remove index.redb")(error));
        }
        _ => {}
    }
    let Opened { core, meta } = open(disk, options, lock, progress)?;
    let segments = core.segments.list().len() as u64;
    Ok(RebuildReport { transactions: meta.next_seq.0 - 1, segments })
}
