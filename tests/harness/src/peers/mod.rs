//! Mail servers of other people, each in a private directory on ports of its own: they never touch what the machine has
//! configured. Both need root, because they change to users of their own.

mod dovecot;
mod postfix;
mod sink;

pub use dovecot::{Dovecot, MailFormat};
pub use postfix::{Postfix, PostfixRoute};
pub use sink::{Manner, Sink};

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::tools::skipped;

/// Root, or the sentence that it is missing.
pub(crate) fn root_for(program: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        skipped(&format!("{program} in a private directory needs root"));
    }
    root
}

/// A port that was free a moment ago. Only for programs that cannot say which port they were given.
pub(crate) fn free_port() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    listener.local_addr().expect("a bound socket has an address")
}

/// Makes a directory that other users may pass through.
pub(crate) fn open_dir(path: &Path) {
    fs::create_dir_all(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o755));
}

/// Waits until somebody listens. A foreign server has no better sign.
pub(crate) fn wait_for_listener(address: SocketAddr, within: Duration) -> bool {
    let deadline = Instant::now() + within;
    while Instant::now() < deadline {
        if TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok() {
            return true;
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    false
}
