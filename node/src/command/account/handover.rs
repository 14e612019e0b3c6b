//! Files that the node writes for root. The node runs as its own user and may write in its data directory only: it writes there, and
//! the command moves the result to where root wants it and makes it root's.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::{Path, PathBuf};

use rustix::process::{getegid, geteuid};

use crate::failure::Failure;

/// A directory on its way from the node to root.
#[derive(Debug)]
pub(super) struct Handover {
    from: PathBuf,
    to: PathBuf,
}

impl Handover {
    /// `None` if the node's user is the one who asks: then it writes straight to `to`.
    pub(super) fn plan(data_dir: &Path, to: &Path) -> Result<Option<Self>, Failure> {
        let owner = fs::metadata(data_dir).map(|meta| meta.uid());
        if !geteuid().is_root() || owner.is_ok_and(|owner| owner == 0) {
            return Ok(None);
        }
        match fs::read_dir(to).map(|mut entries| entries.next().is_some()) {
            Ok(true) => Err(Failure::new(format!("{} is not empty", to.display()))
                .hint("export into a new or an empty directory")),
            _ => Ok(Some(Self::new(data_dir, to))),
        }
    }

    fn new(data_dir: &Path, to: &Path) -> Self {
        Self { from: data_dir.join("run").join(format!("export-{}", std::process::id())), to: to.to_owned() }
    }

    /// Where the node shall write.
    pub(super) fn inside(&self) -> &Path {
        &self.from
    }

    /// Moves what the node has written.
    pub(super) fn finish(&self) -> Result<(), Failure> {
        self.bring().map_err(|error| {
            let hint = format!("what was exported is in {}", self.from.display());
            Failure::caused(format_args!("could not move the export to {}", self.to.display()), &error)
                .hint(hint)
        })
    }

    fn bring(&self) -> io::Result<()> {
        if let Some(parent) = self.to.parent() {
            fs::create_dir_all(parent)?;
        }
        if self.to.is_dir() {
            fs::remove_dir(&self.to)?;
        }
        match fs::rename(&self.from, &self.to) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                copy(&self.from, &self.to)?;
                fs::remove_dir_all(&self.from)?;
            }
            renamed => renamed?,
        }
        make_mine(&self.to)
    }
}

/// Directories and plain files, with their times: nothing else is in an export.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut open = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = open.pop() {
        let meta = fs::symlink_metadata(&from)?;
        if meta.is_dir() {
            fs::create_dir(&to)?;
            fs::set_permissions(&to, meta.permissions())?;
            for entry in fs::read_dir(&from)? {
                let name = entry?.file_name();
                open.push((from.join(&name), to.join(&name)));
            }
        } else if meta.is_file() {
            fs::copy(&from, &to)?;
            File::options().write(true).open(&to)?.set_modified(meta.modified()?)?;
        }
    }
    Ok(())
}

/// From the leaves up: nothing that is already ours is below something that is not.
fn make_mine(root: &Path) -> io::Result<()> {
    let (mut open, mut all) = (vec![root.to_owned()], Vec::new());
    while let Some(path) = open.pop() {
        if fs::symlink_metadata(&path)?.is_dir() {
            for entry in fs::read_dir(&path)? {
                open.push(entry?.path());
            }
        }
        all.push(path);
    }
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    all.iter().rev().try_for_each(|path| lchown(path, Some(user), Some(group)))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    fn written(data_dir: &Path) -> SystemTime {
        let new = data_dir.join(format!("run/export-{}/cur", std::process::id()));
        fs::create_dir_all(&new).unwrap();
        fs::write(new.join("1.x"), "mail").unwrap();
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        File::options().write(true).open(new.join("1.x")).unwrap().set_modified(then).unwrap();
        then
    }

    #[test]
    fn an_export_is_moved_where_it_is_wanted() {
        let (data, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        written(data.path());
        let to = home.path().join("a/b");
        let handover = Handover::new(data.path(), &to);
        handover.finish().unwrap();
        assert_eq!(fs::read_to_string(to.join("cur/1.x")).unwrap(), "mail");
        assert!(!handover.inside().exists());
    }

    #[test]
    fn a_copy_keeps_the_times_of_the_messages() {
        let (data, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let then = written(data.path());
        let to = home.path().join("new");
        copy(Handover::new(data.path(), &to).inside(), &to).unwrap();
        assert_eq!(fs::metadata(to.join("cur/1.x")).unwrap().modified().unwrap(), then);
    }

    #[test]
    fn the_nodes_own_user_needs_none() {
        let data = tempfile::tempdir().unwrap();
        assert!(Handover::plan(data.path(), Path::new("/anywhere")).unwrap().is_none());
    }
}
