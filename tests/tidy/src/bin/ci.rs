//! `cargo ci`: becomes `.ci/run`, so that there is one list of checks.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use essaim_tidy::files;

fn main() -> ExitCode {
    let error = Command::new(files::root().join(".ci/run")).args(std::env::args_os().skip(1)).exec();
    #[expect(clippy::print_stderr, reason = "a program's one sentence on why it cannot begin")]
    {
        eprintln!("cannot start .ci/run: {error}");
    }
    ExitCode::FAILURE
}
