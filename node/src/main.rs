//! The program `essaim`: boot, configuration, listeners and command line of a node.

mod archive;
mod boot;
mod command;
mod config;
mod control;
mod failure;
mod federation;
mod first_run;
mod leading;
mod listen;
mod logging;
mod moving;
mod operation;
mod outbound;
mod outside;
mod owner;
mod pages;
mod ports;
mod progress;
mod recovery;
mod replica;
mod services;
mod shutdown;
mod stream;
mod terminal;
mod vitals;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // What the kernel gives in pieces of 2 MiB is not given back in smaller ones: after a storm of mail a node held 170 MiB of them. The
    // allocator is built to ask for none (`no_thp`); this is for machines where nobody has to ask. Old kernels refuse: that costs memory only.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    give_back_soon();
    expect_panics_of_checks();
    command::Cli::parse().run()
}

/// Memory that is free goes back to the system within a tenth of a second instead of ten. A message of 50 MB that passes through made a node
/// grow by 34 to 48 MiB, most of it free and kept; so it is 14 to 22, at no cost in CPU time that could be measured.
fn give_back_soon() {
    #[expect(unsafe_code, reason = "the allocator is told in C; any number is a valid delay")]
    // SAFETY: sets one number, before there is a second thread.
    unsafe {
        libmimalloc_sys::mi_option_set(PURGE_DELAY, 10);
    }
}

/// `mi_option_purge_delay`, in milliseconds, ten times that for whole arenas. The crate has no name for it.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// What strangers send to the directory is tried where a panic is caught and counted; the log is for our own mistakes.
fn expect_panics_of_checks() {
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !essaim_directory::guard::is_checking() {
            loud(panic);
        }
    }));
}

/// Who holds how much, measured: PSS in MiB of a node with 1,000 accounts, at once after a first login and 5 s later, with 500 sessions in
/// IDLE, 30 s after 20,000 APPENDs of 10 KiB over 8 connections, 5 s after three messages of 47 MiB; then CPU time of those APPENDs.
///
/// | | at once | idle | sessions | APPENDs | large | CPU |
/// |---|---|---|---|---|---|---|
/// | C library | 13 | 13 | 19 | 43 | 60 | 5.8 s |
/// | C library, `arena_max=2` | 12 | 12 | 17 | 40 | 57 | 5.6 s |
/// | jemalloc, 2 arenas, no huge pages | 14 | 14 | 21 | 46 | 58 | 5.1 s |
/// | mimalloc | 45 | 45 | 79 | 65 | 81 | 5.1 s |
/// | mimalloc, no huge pages | 31 | 12 | 19 | 46 | 60 | 5.1 s |
///
/// Of what is left after a storm 32 MiB are the cache of the store's index (`limits.store_cache`). "At once" was the memory of the password
/// hash, which is a mapping of its own since (`essaim_accounts`): 22 then. The C library needs its arenas counted from outside the program; this setting is in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[cfg(test)]
mod tests {
    #[test]
    #[expect(unsafe_code, reason = "the allocator is asked in C")]
    fn the_option_is_the_delay() {
        // SAFETY: reads one number.
        let default = unsafe { libmimalloc_sys::mi_option_get(super::PURGE_DELAY) };
        assert_eq!(
            default, 1000,
            "the delay of this allocator if nobody sets it: has its list of options changed?"
        );
    }
}
