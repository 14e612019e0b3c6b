//! The files of the project: those that git tracks, or all but build output where there is no git.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the workspace.
pub fn root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root.pop();
    root
}

/// Paths relative to [`root`], with `/`, in order.
pub fn all() -> Vec<String> {
    let mut files = tracked().unwrap_or_else(walked);
    files.retain(|path| root().join(path).is_file());
    files.sort();
    files
}

/// Those whose name ends so.
pub fn ending(end: &str) -> Vec<String> {
    let mut files = all();
    files.retain(|path| path.ends_with(end));
    files
}

/// The text of a file; bytes that are no text are replaced.
///
/// # Panics
/// If it cannot be read.
pub fn text(path: &str) -> String {
    let bytes = fs::read(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Fails with one line for each fault.
///
/// # Panics
/// If there are faults.
pub fn none_of(faults: &[String], rule: &str) {
    assert!(faults.is_empty(), "{rule}\n  {}", faults.join("\n  "));
}

fn tracked() -> Option<Vec<String>> {
    let output = Command::new("git").current_dir(root()).args(["ls-files", "-z"]).output().ok()?;
    let text =
        String::from_utf8(output.stdout).ok().filter(|text| output.status.success() && !text.is_empty())?;
    Some(text.split_terminator('\0').map(str::to_owned).collect())
}

fn walked() -> Vec<String> {
    let mut files = Vec::new();
    let mut open = vec![root()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !is_output(&path) => open.push(path),
                Ok(kind) if kind.is_file() => files.extend(relative(&path)),
                _ => {}
            }
        }
    }
    files
}

fn is_output(path: &Path) -> bool {
    ["target", ".git", "out", "essaim-data"].iter().any(|name| path.ends_with(name))
}

fn relative(path: &Path) -> Option<String> {
    path.strip_prefix(root()).ok()?.to_str().map(str::to_owned)
}
