//! `essaim operator list`.

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::{readable_time, time};
use crate::failure::{Exit, Failure};
use crate::federation::OperatorKey;
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// Show whose keys speak for this hoster. Who let them in, and when, says essaim audit.
#[derive(Debug, Args)]
pub(crate) struct List {}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ListOperators {}

/// One element of the answer of `operator list --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OperatorView {
    key: String,
    /// Empty: the key of this machine, which is not let in, or no more.
    roles: Vec<String>,
    /// The key of this machine.
    here: bool,
    /// By its own clock.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    last_edit: Option<String>,
}

impl List {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let operators = ask(place, ListOperators {})?;
        audience.show(&operators, |operators| operators.iter().map(OperatorView::text).collect());
        Ok(Exit::Done)
    }
}

impl Operation for ListOperators {
    type Answer = Vec<OperatorView>;

    async fn perform(self, node: &Services, _: &Caller) -> Result<Vec<OperatorView>, Failure> {
        Ok(node.federation.operators().await?.into_iter().map(OperatorView::from).collect())
    }
}

impl From<OperatorKey> for OperatorView {
    fn from(operator: OperatorKey) -> Self {
        Self {
            key: operator.key.to_string(),
            roles: operator.roles.into_iter().map(str::to_owned).collect(),
            here: operator.is_here,
            last_edit: operator.last_edit.map(time),
        }
    }
}

impl OperatorView {
    fn text(&self) -> String {
        let roles = match self.roles.as_slice() {
            [] => format!("no operator's: on the hoster's node, essaim operator add {}", self.key),
            roles => roles.join(", "),
        };
        let here = if self.here { "  (this machine)" } else { "" };
        let edited = self.last_edit.as_deref().map(|at| format!("  last edit {}", readable_time(at)));
        format!("{}  {roles}{here}{}\n", self.key, edited.unwrap_or_default())
    }
}
