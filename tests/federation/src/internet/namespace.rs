//! A host: a network namespace with one device, whose other end is in this process.

use std::fs::{self, File};
use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{self, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tun_rs::{DeviceBuilder, SyncDevice};

use super::router::Router;

#[derive(Debug)]
pub(super) struct Namespace {
    name: String,
    router: Arc<Router>,
}

/// Whether hosts can be made here, or why not.
pub(super) fn possible() -> Result<(), String> {
    let name = fresh_name();
    ip(&["netns", "add", &name]).map_err(|error| error.to_string())?;
    let made = within(&name, || device().map(drop));
    let _ = ip(&["netns", "del", &name]);
    made.map_err(|error| format!("no TUN device: {error}"))
}

impl Namespace {
    pub(super) fn make(
        number: u8,
        address: Ipv4Addr,
        name_server: Ipv4Addr,
        router: &Arc<Router>,
    ) -> io::Result<Self> {
        let name = format!("{}-{number}", fresh_name());
        ip(&["netns", "add", &name])?;
        let host = Self { name, router: Arc::clone(router) };
        let name = host.name.as_str();
        let device = within(name, device)?;
        ip(&["-n", name, "link", "set", "lo", "up"])?;
        ip(&["-n", name, "addr", "add", &format!("{address}/16"), "dev", DEVICE])?;
        ip(&["-n", name, "link", "set", DEVICE, "up"])?;
        // What `ip netns exec` lays over the machine's own.
        fs::create_dir_all(host.etc())?;
        fs::write(host.etc().join("resolv.conf"), format!("nameserver {name_server}\noptions timeout:2\n"))?;
        router.connect(&[address], device);
        Ok(host)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Runs this inside; a socket that it makes stays inside.
    pub(super) fn run<T: Send>(&self, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        within(&self.name, work)
    }

    fn etc(&self) -> PathBuf {
        PathBuf::from("/etc/netns").join(&self.name)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        self.router.end();
        let _ = ip(&["-n", &self.name, "link", "del", DEVICE]);
        let _ = ip(&["netns", "del", &self.name]);
        let _ = fs::remove_dir_all(self.etc());
    }
}

/// Does this in a thread that is inside: the rest of the process stays where it is.
fn within<T: Send>(name: &str, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    let inside = File::open(PathBuf::from("/run/netns").join(name))?;
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            move_into_link_name_space(std::os::fd::AsFd::as_fd(&inside), Some(LinkNameSpaceType::Network))?;
            work()
        });
        worker.join().unwrap_or_else(|_| Err(io::Error::other("it panicked")))
    })
}

fn device() -> io::Result<SyncDevice> {
    DeviceBuilder::new().name(DEVICE).build_sync()
}

fn ip(arguments: &[&str]) -> io::Result<()> {
    let output = Command::new("ip").args(arguments).output()?;
    let said = || String::from_utf8_lossy(&output.stderr).trim().to_owned();
    output
        .status
        .success()
        .then_some(())
        .ok_or_else(|| io::Error::other(format!("ip {arguments:?}: {}", said())))
}

fn fresh_name() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    format!("essaim-{}-{}", process::id(), MADE.fetch_add(1, Ordering::Relaxed))
}

const DEVICE: &str = "up0";
