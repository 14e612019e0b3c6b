//! `essaim account password`, and how every command gets a password: never from its arguments, which other users can see.

use std::io::{self, IsTerminal, Read};

use clap::Args;
use essaim_accounts::NewPassword;
use essaim_types::{Address, Secret};
use serde::{Deserialize, Serialize};

use super::{find, refused};
use crate::command::ask;
use crate::command::place::Place;
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// Set the password of an account. App passwords stay.
#[derive(Debug, Args)]
pub(crate) struct Password {
    /// An address of the account.
    address: Address,

    #[command(flatten)]
    password: PasswordSource,
}

/// Where a new password comes from. Without options: asked for twice on the terminal.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct PasswordSource {
    /// Read the password from standard input, up to the end; one line end at its end is removed.
    #[arg(long)]
    password_stdin: bool,

    /// Read the argon2 PHC string of the password from standard input: for accounts that come from elsewhere.
    #[arg(long)]
    password_hash_stdin: bool,

    /// Let the node make up a password, and print it once.
    #[arg(long)]
    generate_password: bool,
}

/// A password on its way to the node, over a socket that only its owner can read.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Chosen {
    Generate,
    Password(Hidden),
    Hash(Hidden),
}

/// Prints nothing of itself.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Hidden(pub(super) String);

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SetPassword {
    address: Address,
    password: Chosen,
}

/// The answer of `account password --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PasswordSet {
    address: String,
    /// The password, if the node made it up. It is shown once.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    password: Option<String>,
}

impl PasswordSource {
    pub(super) fn read(&self, address: &Address) -> Result<Chosen, Failure> {
        if self.generate_password {
            return Ok(Chosen::Generate);
        }
        if self.password_stdin {
            return Ok(Chosen::Password(Hidden(from_stdin()?)));
        }
        if self.password_hash_stdin {
            return Ok(Chosen::Hash(Hidden(from_stdin()?.trim().to_owned())));
        }
        if !io::stdin().is_terminal() {
            return Err(Failure::new("there is no terminal to ask for a password on")
                .hint("give it with --password-stdin, or use --generate-password")
                .usage());
        }
        ask_twice(address).map(|password| Chosen::Password(Hidden(password)))
    }
}

impl Password {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let password = self.password.read(&self.address)?;
        let set = ask(place, SetPassword { address: self.address, password })?;
        audience.show(&set, |set| match &set.password {
            Some(password) => format!("The new password of {}, shown this once: {password}", set.address),
            None => format!("The password of {} is set.", set.address),
        });
        Ok(Exit::Done)
    }
}

impl Operation for SetPassword {
    type Answer = PasswordSet;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<PasswordSet, Failure> {
        let account = find(node, &self.address)?;
        let set = node.accounts.set_password(account, self.password.into(), caller.actor.clone()).await;
        let password = set.map_err(refused)?.map(|password| password.expose().to_owned());
        Ok(PasswordSet { address: self.address.to_string(), password })
    }
}

impl From<Chosen> for NewPassword {
    fn from(chosen: Chosen) -> Self {
        match chosen {
            Chosen::Generate => Self::Generate,
            Chosen::Password(Hidden(password)) => Self::Chosen(Secret::new(password)),
            Chosen::Hash(Hidden(hash)) => Self::Hashed(Secret::new(hash)),
        }
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hidden(..)")
    }
}

pub(super) fn from_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    io::stdin()
        .take(STDIN_MAX)
        .read_to_string(&mut text)
        .map_err(|error| Failure::caused("the password could not be read from standard input", &error))?;
    let line = text.strip_suffix('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let password = line.unwrap_or(&text);
    if password.is_empty() {
        return Err(Failure::new("standard input holds no password").usage());
    }
    Ok(password.to_owned())
}

fn ask_twice(address: &Address) -> Result<String, Failure> {
    let prompt = |text: String| {
        rpassword::prompt_password(text)
            .map_err(|error| Failure::caused("the password could not be read", &error))
    };
    let first = prompt(format!("Password for {address}: "))?;
    if prompt("Again: ".to_owned())? != first {
        return Err(Failure::new("the two passwords differ").hint("try again"));
    }
    Ok(first)
}

/// More than any password.
const STDIN_MAX: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_printed() {
        let chosen = Chosen::Password(Hidden("s3cret".to_owned()));
        assert!(!format!("{chosen:?}").contains("s3cret"));
        assert!(
            matches!(NewPassword::from(chosen), NewPassword::Chosen(secret) if secret.expose() == "s3cret")
        );
    }
}
