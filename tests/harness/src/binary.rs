//! Where the program under test is.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The `essaim` binary: `ESSAIM_BIN`, else the one that cargo builds for the profile of this test.
///
/// # Panics
/// If it cannot be built, or if `ESSAIM_BIN` names nothing.
pub fn essaim() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("ESSAIM_BIN") {
        Some(path) => given(PathBuf::from(path)),
        None => built(),
    })
}

/// The root of the workspace that this was compiled in.
pub fn workspace() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root.pop();
    root
}

/// The folder that cargo builds into.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

fn given(path: PathBuf) -> PathBuf {
    assert!(path.is_file(), "ESSAIM_BIN is {}, which is not a file", path.display());
    path
}

fn built() -> PathBuf {
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(workspace())
        .args(["build", "--quiet", "--package", "essaim", "--bin", "essaim", "--profile", profile])
        .status()
        .expect("cargo can be started");
    assert!(status.success(), "cargo could not build the essaim binary; build it and set ESSAIM_BIN");
    let folder = if cfg!(debug_assertions) { "debug" } else { "release" };
    given(target().join(folder).join("essaim"))
}
