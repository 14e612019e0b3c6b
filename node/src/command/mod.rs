//! The command line: one file for each command. Names, options and JSON keys are a contract with scripts: add, never rename.

pub(crate) mod account;
pub(crate) mod audit;
mod config;
mod demo;
pub(crate) mod directory;
mod dns;
pub(crate) mod doctor;
pub(crate) mod import;
mod init;
pub(crate) mod operator;
pub(crate) mod peer;
mod place;
pub(crate) mod queue;
pub(crate) mod replica;
mod serve;
pub(crate) mod status;
pub(crate) mod store;
pub(crate) mod view;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing::Level;

use crate::failure::{Exit, Failure};
use crate::logging::{self, Form};
use crate::operation::{self, Operation};
use crate::terminal::Audience;
pub(crate) use place::Place;

/// Hosts the mail of a small cooperative. Without a command: runs a local node in ./essaim-data, to try it out.
#[derive(Debug, Parser)]
#[command(name = "essaim", version, max_term_width = 110, subcommand_required = false)]
pub(crate) struct Cli {
    #[command(flatten)]
    place: Place,

    /// Write JSON for scripts instead of text for people.
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Init),
    Serve(serve::Serve),
    Demo(demo::Demo),
    Status(status::Status),
    Doctor(doctor::Doctor),
    #[command(subcommand)]
    Config(config::Config),
    Dns(dns::Dns),
    #[command(subcommand)]
    Account(account::Account),
    #[command(subcommand)]
    Import(import::Import),
    #[command(subcommand)]
    Queue(queue::Queue),
    #[command(subcommand)]
    Peer(peer::Peer),
    #[command(subcommand)]
    Replica(replica::Replica),
    #[command(subcommand)]
    Operator(operator::Operator),
    #[command(subcommand)]
    Directory(directory::Directory),
    #[command(subcommand)]
    Store(store::Store),
    Audit(audit::Audit),
}

impl Cli {
    /// Does what was asked, says what went wrong.
    pub(crate) fn run(self) -> ExitCode {
        let audience = if self.json { Audience::Scripts } else { Audience::People };
        let exit = match self.command {
            None => serve::Serve::default().run(&self.place),
            Some(command) => command.run(&self.place, audience),
        };
        exit.unwrap_or_else(|failure| {
            audience.complain(&failure);
            failure.exit
        })
        .into()
    }
}

impl Command {
    fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        match self {
            Self::Init(command) => return command.run(place, audience),
            Self::Serve(command) => return command.run(place),
            Self::Demo(command) => return command.run(place, audience),
            Self::Config(command) => return command.run(place, audience),
            Self::Dns(command) => return command.run(place, audience),
            // Made by a member anywhere, with no node in reach.
            Self::Account(account::Account::Consent(command)) => return command.run(audience),
            _ => logging::start(Form::Human, Level::WARN)?,
        }
        // It makes the data directory.
        if !matches!(self, Self::Operator(operator::Operator::Join(_))) {
            place.enter()?;
        }
        match self {
            Self::Init(_) | Self::Serve(_) | Self::Demo(_) | Self::Config(_) | Self::Dns(_) => Ok(Exit::Done),
            Self::Status(command) => command.run(place, audience),
            Self::Doctor(command) => command.run(place, audience),
            Self::Account(command) => command.run(place, audience),
            Self::Import(command) => command.run(place, audience),
            Self::Queue(command) => command.run(place, audience),
            Self::Peer(command) => command.run(place, audience),
            Self::Replica(command) => command.run(place, audience),
            Self::Operator(command) => command.run(place, audience),
            Self::Directory(command) => command.run(place, audience),
            Self::Store(command) => command.run(place, audience),
            Self::Audit(command) => command.run(place, audience),
        }
    }
}

/// Asks the node that is meant and waits for its answer.
fn ask<O: Operation>(place: &Place, operation: O) -> Result<O::Answer, Failure> {
    block_on(operation::ask(place, operation))
}

/// Runs something asynchronous to its end.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::caused("the system gives no threads to this program", &error))?;
    let outcome = runtime.block_on(work);
    // What strangers do on their connections does not keep the program from ending.
    runtime.shutdown_background();
    outcome
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_node_can_be_named_before_and_after_the_command() {
        for line in [
            ["essaim", "--data-dir", "d", "--config", "f", "--json", "config", "check"],
            ["essaim", "config", "check", "--data-dir", "d", "--config", "f", "--json"],
        ] {
            let cli = Cli::try_parse_from(line).unwrap();
            assert!(cli.json);
            assert_eq!(cli.place, Place { data_dir: Some("d".into()), config: Some("f".into()) });
        }
    }

    #[test]
    fn every_promised_command_is_there() {
        for line in [
            "init --domain a.test",
            "serve --log-format json",
            "demo",
            "status",
            "doctor",
            "doctor --from-peers --peers 5",
            "config check",
            "config describe",
            "dns",
            "account add a@a.test --password-stdin",
            "account list",
            "account show a@a.test",
            "account password a@a.test --generate-password",
            "account quota a@a.test 5GiB",
            "account quota a@a.test none",
            "account disable a@a.test",
            "account enable a@a.test",
            "account close a@a.test --delete --dry-run",
            "account address add a@a.test b@a.test",
            "account address share info@a.test --to a@a.test --to b@a.test",
            "account app-password revoke a@a.test 7",
            "account accept --quota none --address a@a.test --days 3",
            "account move status",
            "account move abort 0123",
            "account export a@a.test --to dir",
            "import maildir a@a.test dir --below old",
            "import mbox a@a.test file --mailbox Sent --quoting mboxo",
            "queue list --domain b.test",
            "queue retry 4711-0",
            "queue drop --all --dry-run",
            "peer invite --for 3d",
            "peer join https://a.test/join#x",
            "peer list",
            "peer show b.test",
            "peer remove b.test",
            "operator invite",
            "operator join https://a.test/operator#x",
            "operator add ciirpkzl5j33jpjvtcuqlbo6yu35ffkovrkxlfudxlp5mskbaboa --role edit --role endorse",
            "operator list",
            "operator remove ciirpkzl5j33jpjvtcuqlbo6yu35ffkovrkxlfudxlp5mskbaboa",
            "directory list --all",
            "directory show b.test",
            "directory search --near 50.4,4.8 --service mail --language fr --open",
            "directory edit --set name=Abeilles --set join.open=yes",
            "directory vouch b.test --point backups --method visited --evidence https://a.example/b",
            "directory withdraw b.test",
            "directory warn b.test --code spam",
            "directory hide b.test",
            "directory unhide b.test",
            "store verify",
            "store rebuild-index",
            "store stats",
            "audit",
        ] {
            let words = std::iter::once("essaim").chain(line.split(' '));
            Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
        let cli = Cli::try_parse_from(["essaim"]).unwrap();
        assert!(cli.command.is_none());
    }

    #[test]
    fn two_sources_of_a_password_are_one_too_many() {
        let words = ["essaim", "account", "add", "a@a.test", "--password-stdin", "--generate-password"];
        assert_eq!(Cli::try_parse_from(words).unwrap_err().exit_code(), 2);
    }
}
