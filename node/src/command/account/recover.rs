//! `essaim account recover`: an account whose hoster is gone comes here, by its member's words. They stay in this process: the node gets one signature.

use std::fs::OpenOptions;
use std::io::{IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use essaim_accounts::Aside;
use essaim_identity::account::{AccountDraft, AccountEntry, AccountLog, Host, Kit};
use essaim_identity::{Cosigned, Cosigning, PublicKey};
use essaim_types::{AccountId, Address, Domain, ListingId};
use serde::{Deserialize, Serialize};

use super::kit::KitMade;
use super::password::from_stdin;
use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::{self, readable_time, time};
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::recovery::{self, Gathered, Heard, Installed, Outcome};
use crate::services::Services;
use crate::terminal::Audience;
use crate::vitals::now;

/// Bring an account here whose hoster is gone: with the member's 24 words, from what other hosters keep of it. The words are used up by it, and new ones
/// shown. Given again without words it goes on.
#[derive(Debug, Args)]
pub(crate) struct Recover {
    /// The account, as it stands on the paper.
    account: AccountId,

    /// Whose copies are looked at. Default: those of every hoster with whom mail is exchanged.
    #[arg(long, value_name = "DOMAIN")]
    from: Vec<Domain>,

    /// Its address here. Default: the name that it had, at this hoster's domain.
    #[arg(long)]
    address: Option<Address>,

    /// Read the words from standard input.
    #[arg(long)]
    words_stdin: bool,

    /// Write the new words to this new file. Needed with --json: they must be somewhere before the old ones are used up.
    #[arg(long, value_name = "FILE")]
    words_to: Option<PathBuf>,

    /// Begin although the old hoster was heard of within the hour: the account then waits for days.
    #[arg(long)]
    wait: bool,
}

/// What is asked of the node before the words are read.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BeginRecovery {
    account: AccountId,
    from: Vec<Domain>,
}

/// What the words sign, and what the member should know before.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Begun {
    /// Begun before: no words are needed.
    going: bool,
    /// The entries up to the head, first one first, in hex.
    log: Vec<String>,
    listing: Option<ListingId>,
    /// The key that this hoster has made for the account, in hex.
    key: String,
    hoster: String,
    heard: Vec<Heard>,
    host_silent: bool,
    wait_hours: u16,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RecoverAccount {
    account: AccountId,
    /// What the words have signed, in hex; absent to go on.
    entry: Option<String>,
    address: Option<Address>,
    from: Vec<Domain>,
}

/// The answer of `account recover --json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub(crate) enum Recovering {
    /// The old hoster may object until then.
    Waiting {
        account: AccountId,
        /// Absent as long as too few hosters have signed.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        until: Option<String>,
    },
    /// It lives here.
    Recovered(Box<Back>),
}

/// An account that is back.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Back {
    account: AccountId,
    address: String,
    /// Those that it had at its old hoster.
    former_addresses: Vec<String>,
    /// The new password. It is shown once.
    password: String,
    /// What came later is not there.
    complete_up_to: String,
    /// The last change that is inside.
    lsn: u64,
    from: String,
    objects: u64,
    /// What the other holders had, and what nobody can say.
    remarks: Vec<String>,
    /// Does nothing until it is confirmed.
    aside: Vec<AsideView>,
}

/// Something that is put aside.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AsideView {
    pub(super) id: u64,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) created: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) last_used: Option<String>,
}

impl Recover {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let begun = ask(place, BeginRecovery { account: self.account, from: self.from.clone() })?;
        let entry = if begun.going { None } else { Some(view::hex(&self.sign(&begun, audience)?.to_wire())) };
        let operation =
            RecoverAccount { account: self.account, entry, address: self.address, from: self.from };
        audience.show(&ask(place, operation)?, Recovering::text);
        Ok(Exit::Done)
    }

    /// The old words sign, when the new ones are where they cannot be lost.
    fn sign(&self, begun: &Begun, audience: Audience) -> Result<Cosigning<AccountEntry>, Failure> {
        begun.check(self.wait)?;
        if audience == Audience::Scripts && self.words_to.is_none() {
            return Err(Failure::new(
                "the new words need a file: with --json nothing is shown before the end",
            )
            .hint("name one with --words-to")
            .usage());
        }
        let log = begun.log()?;
        let head = log.settled_head();
        let old = self.words()?;
        let old =
            Kit::from_words(&old).map_err(|error| Failure::caused("the words cannot be read", &error))?;
        if head.record().next_recovery != Some(old.next_recovery()) {
            return Err(Failure::new("these are not the words of this account, or they were replaced since")
                .hint("nothing was changed; is it the right paper, and the last one?"));
        }
        let new = fresh()?;
        show_words(self.words_to.as_deref(), &begun.words(self.account, &new)?, audience)?;
        begun.entry(head, &old, &new)
    }

    fn words(&self) -> Result<zeroize::Zeroizing<String>, Failure> {
        if self.words_stdin {
            return from_stdin().map(zeroize::Zeroizing::new);
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::new("there is no terminal to ask for the words on")
                .hint("give them with --words-stdin")
                .usage());
        }
        let words = rpassword::prompt_password("The 24 words on the paper: ");
        words
            .map(zeroize::Zeroizing::new)
            .map_err(|error| Failure::caused("the words could not be read", &error))
    }
}

impl Begun {
    /// Whether it is well to begin now.
    fn check(&self, wait: bool) -> Result<(), Failure> {
        let told = |one: &Heard| match (&one.trouble, one.replicas) {
            (Some(trouble), _) => format!("{}: {trouble}", one.domain),
            (None, replicas) => format!("{}: {} copies", one.domain, replicas.unwrap_or(0)),
        };
        let all = self.heard.iter().map(told).collect::<Vec<_>>().join("; ");
        if self.heard.iter().all(|one| one.replicas.unwrap_or(0) == 0) {
            return Err(Failure::new(format!("nobody has a copy of the account ({all})")).hint(
                "nothing was signed, the words stay good; try again when other hosters can be reached",
            ));
        }
        if !self.host_silent && !wait {
            let hours = self.wait_hours;
            return Err(Failure::new(format!(
                "too few hosters can say that the old hoster has been silent for an hour: the recovery would wait {hours} hours ({all})"
            ))
            .hint("if it is gone, try again in an hour; to begin the wait now, add --wait. Nothing was signed"));
        }
        Ok(())
    }

    fn log(&self) -> Result<AccountLog, Failure> {
        let unreadable = || Failure::new("the log that the node has sent cannot be read");
        let entries = self.log.iter().map(|text| {
            let entry = Cosigning::<AccountEntry>::parse(&unhex(text)?).ok()?;
            entry.verify().ok()
        });
        let mut entries: Vec<Cosigned<AccountEntry>> =
            entries.collect::<Option<_>>().ok_or_else(unreadable)?;
        if entries.is_empty() {
            return Err(unreadable());
        }
        let mut log = AccountLog::found(entries.remove(0)).map_err(|_| unreadable())?;
        if log.accept_all(entries).is_empty() { Ok(log) } else { Err(unreadable()) }
    }

    fn host(&self) -> Result<Host, Failure> {
        let key = unhex(&self.key).and_then(|bytes| bytes.try_into().ok());
        let key = key.and_then(|bytes| PublicKey::from_bytes(bytes).ok());
        let (Some(listing), Some(key)) = (self.listing, key) else {
            return Err(Failure::new("the key that the node has made cannot be read"));
        };
        Ok(Host { listing, key })
    }

    fn words(&self, account: AccountId, kit: &Kit) -> Result<KitMade, Failure> {
        Ok(KitMade::new(account, self.host()?.listing, self.hoster.clone(), kit))
    }

    fn entry(
        &self,
        head: &Cosigned<AccountEntry>,
        old: &Kit,
        new: &Kit,
    ) -> Result<Cosigning<AccountEntry>, Failure> {
        let unmade = || Failure::new("the recovery could not be signed; please report this");
        let member = new.member_key();
        let at = now().max(head.record().ts);
        let keys = [member.public()].into();
        let draft = AccountDraft::recover(head, self.host()?, new.next_recovery(), keys, at);
        let mut entry = draft.propose().map_err(|_| unmade())?;
        for key in [&old.recovery_key(), &member] {
            entry.sign(key).map_err(|_| unmade())?;
        }
        Ok(entry)
    }
}

impl Operation for BeginRecovery {
    type Answer = Begun;

    async fn perform(self, node: &Services, _: &Caller) -> Result<Begun, Failure> {
        let hoster = node.config.hoster.domain.to_string();
        if recovery::is_going(node, self.account)? {
            return Ok(Begun { going: true, hoster, ..Begun::default() });
        }
        let beginning = recovery::begin(node, self.account, &self.from).await?;
        let Gathered { log, heard, host_silent, .. } = &beginning.gathered;
        let head = beginning.gathered.head();
        let mut chain: Vec<String> = log.chain(&head.hash()).map(|one| view::hex(&one.to_wire())).collect();
        chain.reverse();
        Ok(Begun {
            going: false,
            log: chain,
            listing: Some(beginning.host.listing),
            key: view::hex(beginning.host.key.as_bytes()),
            hoster,
            heard: heard.clone(),
            host_silent: *host_silent,
            wait_hours: head.record().policy.recovery_wait_hours,
        })
    }
}

impl Operation for RecoverAccount {
    type Answer = Recovering;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<Recovering, Failure> {
        let account = self.account;
        if let Some(entry) = &self.entry {
            let entry = unhex(entry).ok_or_else(|| Failure::new("the entry is not hex"))?;
            recovery::sign(node, account, &entry, self.address, &self.from).await?;
        }
        let outcome = recovery::go_on(node, account, caller.actor.clone(), caller.progress.clone()).await?;
        Ok(match outcome {
            Outcome::Waits(until) => Recovering::Waiting { account, until: until.map(time) },
            Outcome::Done(installed) => Recovering::Recovered(Box::new(Back::of(account, *installed))),
        })
    }
}

impl Back {
    fn of(account: AccountId, installed: Installed) -> Self {
        let Installed { recovered, made, lsn, holder, objects, remarks } = installed;
        Self {
            account,
            address: recovered.address.to_string(),
            former_addresses: recovered.former.iter().map(ToString::to_string).collect(),
            password: recovered.password.expose().to_owned(),
            complete_up_to: made,
            lsn,
            from: holder,
            objects,
            remarks,
            aside: recovered.aside.into_iter().map(AsideView::from).collect(),
        }
    }
}

impl From<Aside> for AsideView {
    fn from(aside: Aside) -> Self {
        let Aside { id, kind, name, created, last_used } = aside;
        let (created, last_used) = (time(created), last_used.map(time));
        Self { id: id.0, kind: kind.to_owned(), name, created, last_used }
    }
}

impl Recovering {
    fn text(&self) -> String {
        match self {
            Self::Waiting { account, until: Some(until) } => format!(
                "The recovery waits until {}: the old hoster was heard of, and may object until then. Then give the command again, without words: essaim account recover {account}",
                readable_time(until)
            ),
            Self::Waiting { account, until: None } => format!(
                "Too few hosters have signed that they have seen the recovery. Give the command again, without words, when more can be reached: essaim account recover {account}"
            ),
            Self::Recovered(back) => back.text(),
        }
    }
}

impl Back {
    fn text(&self) -> String {
        let mut lines = vec![
            format!("{} is here: {} objects, from {}.", self.address, self.objects, self.from),
            format!(
                "It is complete up to {}. What came later, or was changed later, is not there.",
                readable_time(&self.complete_up_to)
            ),
            format!("Its new password, shown this once: {}", self.password),
        ];
        lines.extend(self.remarks.iter().map(|remark| format!("Note: {remark}.")));
        if !self.aside.is_empty() {
            lines.push(format!(
                "These do nothing until the member confirms them (essaim account confirm {}):",
                self.address
            ));
            lines.extend(self.aside.iter().map(AsideView::line));
        }
        lines.push(
            "Before a mail program connects: messages that only the program still has are deleted there when it does not find them here."
                .to_owned(),
        );
        lines.join("\n")
    }
}

impl AsideView {
    pub(super) fn line(&self) -> String {
        let used = self
            .last_used
            .as_deref()
            .map_or_else(|| "never used".to_owned(), |at| format!("last used {}", readable_time(at)));
        format!(
            "  {} {} \"{}\", made {}, {used}",
            self.id,
            self.kind,
            self.name,
            readable_time(&self.created)
        )
    }
}

/// To the file, and to people at once: what is shown at the end would be lost if something failed before.
fn show_words(to: Option<&Path>, words: &KitMade, audience: Audience) -> Result<(), Failure> {
    let letter = words.letter();
    if let Some(path) = to {
        let failed = |error| Failure::caused(format_args!("could not write {}", path.display()), &error);
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        file.write_all(letter.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    }
    if audience == Audience::People {
        audience.show(&(), |()| {
            format!("{letter}\n\nThese are the NEW words. Keep both papers until the account is back: the old words are used up with this recovery, unless an error says that nothing was signed.\n")
        });
    }
    Ok(())
}

fn fresh() -> Result<Kit, Failure> {
    let mut bytes = zeroize::Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(|error| {
        Failure::caused("the system gives no random bytes", &std::io::Error::other(error))
    })?;
    Ok(Kit::from_bytes(&bytes))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
