//! The program `essaim`: boot, configuration, listeners and command line of a node.

mod boot;
mod command;
mod config;
mod control;
mod failure;
mod first_run;
mod listen;
mod logging;
mod operation;
mod outbound;
mod owner;
mod pages;
mod ports;
mod progress;
mod services;
mod shutdown;
mod stream;
mod terminal;
mod vitals;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    command::Cli::parse().run()
}

/// Threads take turns at large buffers; the C library's allocator keeps one set for each of them, this one gives them back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
