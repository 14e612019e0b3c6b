//! Whose data directory it is. A node's files all belong to the user that runs it: an operator who is root does not leave
//! files behind that the node cannot read.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::process::geteuid;

use crate::failure::Failure;

/// Makes sure that this process may work in the data directory. Root becomes the directory's owner: the process is replaced by one
/// with the same arguments, and this does not return.
pub(crate) fn become_owner(data_dir: &Path) -> Result<(), Failure> {
    let Ok(meta) = fs::metadata(data_dir) else { return Ok(()) };
    let me = geteuid().as_raw();
    match relation(me, meta.uid()) {
        Relation::Own => Ok(()),
        Relation::RootOfOther => {
            let program = std::env::current_exe()
                .map_err(|error| Failure::caused("could not find this program", &error))?;
            let error = Command::new(program)
                .args(std::env::args_os().skip(1))
                .uid(meta.uid())
                .gid(meta.gid())
                .exec();
            Err(Failure::caused(format_args!("could not become the owner of {}", data_dir.display()), &error))
        }
        Relation::Stranger => Err(stranger(data_dir, meta.uid())),
    }
}

/// For `serve`: nobody is replaced, because the node would lose what it was started with.
pub(crate) fn require_owner(data_dir: &Path) -> Result<(), Failure> {
    let Ok(meta) = fs::metadata(data_dir) else { return Ok(()) };
    match relation(geteuid().as_raw(), meta.uid()) {
        Relation::Own => Ok(()),
        Relation::RootOfOther | Relation::Stranger => Err(stranger(data_dir, meta.uid())),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Relation {
    Own,
    RootOfOther,
    Stranger,
}

fn relation(me: u32, owner: u32) -> Relation {
    match (me, owner) {
        (me, owner) if me == owner => Relation::Own,
        (0, _) => Relation::RootOfOther,
        _ => Relation::Stranger,
    }
}

fn stranger(data_dir: &Path, owner: u32) -> Failure {
    Failure::new(format!("the data directory {} belongs to another user (uid {owner})", data_dir.display()))
        .hint(format!("run essaim as that user: sudo -u '#{owner}' essaim ..., or systemctl start essaim for the node itself"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_can_become_somebody_else() {
        assert_eq!(relation(1000, 1000), Relation::Own);
        assert_eq!(relation(0, 0), Relation::Own);
        assert_eq!(relation(0, 999), Relation::RootOfOther);
        assert_eq!(relation(1000, 999), Relation::Stranger);
    }

    #[test]
    fn a_directory_of_ones_own_or_none_at_all_is_fine() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(become_owner(dir.path()), Ok(()));
        assert_eq!(require_owner(&dir.path().join("absent")), Ok(()));
    }
}
