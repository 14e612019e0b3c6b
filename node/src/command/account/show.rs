//! `essaim account show`.

use clap::Args;
use essaim_types::Address;
use serde::{Deserialize, Serialize};

use super::{find, unreadable};
use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::{DetailsView, FormerView, MovedView, readable_time};
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// Show everything about an account but its content and its secrets.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// An address of the account.
    address: Address,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ShowAccount {
    address: Address,
}

impl Show {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        audience.show(&ask(place, ShowAccount { address: self.address })?, text);
        Ok(Exit::Done)
    }
}

impl Operation for ShowAccount {
    type Answer = DetailsView;

    async fn perform(self, node: &Services, _: &Caller) -> Result<DetailsView, Failure> {
        let account = find(node, &self.address)?;
        let details = node.accounts.show(account).map_err(|error| unreadable(&error))?;
        let moved =
            node.accounts.departure(account).map_err(|error| unreadable(&error))?.map(MovedView::from);
        let Some(details) = details else { return Err(gone(&self.address, moved.as_ref())) };
        let came_from = node.accounts.came_from(account).map_err(|error| unreadable(&error))?;
        let came_from = came_from.into_iter().map(FormerView::from).collect();
        Ok(DetailsView { moved, came_from, ..details.into() })
    }
}

/// Of an account that has moved, the copy is deleted after a while.
fn gone(address: &Address, moved: Option<&MovedView>) -> Failure {
    match moved {
        Some(moved) => Failure::new(format!("{address} has moved {}", moved.text()))
            .hint("its copy here is deleted; the address is given to nobody else"),
        None => Failure::new(format!("the account {address} was deleted just now")),
    }
}

fn text(details: &DetailsView) -> String {
    let account = &details.account;
    let password = match &details.password {
        None => "none".to_owned(),
        Some(password) => {
            let made = if password.generated { "made up by the node, to be changed" } else { "chosen" };
            format!("{made}, {}", used(password.last_used.as_deref()))
        }
    };
    let mut text = format!(
        "{}  {}\n  account    {}\n  state      {}\n  used       {}\n  language   {}\n  created    {}\n  addresses  {}\n  password   {password}\n",
        account.address,
        account.name,
        account.account,
        account.state,
        account.usage(),
        details.language,
        readable_time(&account.created),
        details.addresses.join(", "),
    );
    text.push_str(&match &details.log {
        Some(log) => {
            let kit =
                if log.kit { "the member has words on paper" } else { "no words yet: essaim account kit" };
            format!("  log        entry {}, epoch {}; {kit}\n", log.seq, log.epoch)
        }
        None => "  log        none: made by an essaim without account logs, so it cannot move\n".to_owned(),
    });
    if let Some(moved) = &details.moved {
        text.push_str(&format!("  moved      {}\n", moved.text()));
    }
    for former in &details.came_from {
        text.push_str(&format!("  was        {}, until {}\n", former.address, readable_time(&former.until)));
    }
    for shared in &details.shared {
        text.push_str(&format!("  shares     {}\n", shared.address));
    }
    for app in &details.app_passwords {
        text.push_str(&format!(
            "  app        {}  {}, {}\n",
            app.id,
            app.name,
            used(app.last_used.as_deref())
        ));
    }
    text
}

pub(super) fn used(last: Option<&str>) -> String {
    last.map_or_else(|| "never used".to_owned(), |last| format!("last used {}", readable_time(last)))
}
