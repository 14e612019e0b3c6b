//! Programs of other people that a test drives, and how their absence is said.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// A program that is installed.
#[derive(Debug, Clone)]
pub struct Tool {
    path: PathBuf,
}

impl Tool {
    /// Looks for `program` in `PATH` and in the folders of servers. If it is not there the test says so, with the
    /// Debian package that has it, and is to return.
    pub fn find(program: &str, package: &str) -> Option<Self> {
        let found = folders().map(|folder| folder.join(program)).find(|path| path.is_file());
        if found.is_none() {
            skipped(&format!("{program} is not installed: apt-get install {package}"));
        }
        found.map(|path| Self { path })
    }

    /// A command to be completed.
    pub fn command(&self) -> Command {
        Command::new(&self.path)
    }

    /// Runs it to its end, with no input.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, b"")
    }

    /// Runs it to its end with this standard input.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn run_with(&self, arguments: &[&str], input: &[u8]) -> Output {
        run(self.command().args(arguments), input)
    }
}

/// Runs a command to its end with this standard input.
///
/// # Panics
/// If it cannot be started.
pub fn run(command: &mut Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if let Some(stdin) = &mut stdin {
                // A program that does not read its input is free to close it.
                let _ = stdin.write_all(input);
            }
        });
        child.wait_with_output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
    })
}

/// Says that a test, or a part of one, did not run: on standard error, and in the file that `ESSAIM_SKIPPED` names, which
/// `tests/run` prints at the end.
pub fn skipped(why: &str) {
    note(&format!("SKIPPED: {why}"));
    if let Some(path) = std::env::var_os("ESSAIM_SKIPPED")
        && let Ok(mut file) = File::options().create(true).append(true).open(path)
    {
        let _ = writeln!(file, "SKIPPED: {why}");
    }
}

/// A line for the person who watches the tests.
pub fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The long form of the tests was asked for: `ESSAIM_LONG=1`.
pub fn long_form() -> bool {
    std::env::var_os("ESSAIM_LONG").is_some_and(|value| value == "1")
}

fn folders() -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.into_iter().chain(["/usr/sbin", "/usr/local/sbin", "/usr/lib/postfix/sbin"].map(PathBuf::from))
}
