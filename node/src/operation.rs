//! What an operator can ask of a node. Each operation is written once, over the node's services; a running node performs it for
//! whoever calls at its control socket, and without one the command opens the store and performs it itself.

use essaim_accounts::Actor;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::command::Place;
use crate::config::Loaded;
use crate::control::{self, Reached};
use crate::failure::Failure;
use crate::progress::{self, Progress};
use crate::services::Services;

/// Something that can be asked: one type for each, in the file of its command.
pub(crate) trait Operation: Into<Request> + Send {
    type Answer: Serialize + DeserializeOwned + Send;

    fn perform(
        self,
        node: &Services,
        caller: &Caller,
    ) -> impl Future<Output = Result<Self::Answer, Failure>> + Send;
}

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// For the journal.
    pub(crate) actor: Actor,
    pub(crate) progress: Progress,
}

macro_rules! requests {
    ($($name:ident = $word:literal: $operation:path;)*) => {
        /// Every operation, as it travels over the control socket.
        #[derive(Debug, Serialize, Deserialize)]
        #[serde(tag = "operation", content = "with")]
        pub(crate) enum Request {
            $(#[serde(rename = $word)] $name($operation),)*
        }

        impl Request {
            /// Does what is asked.
            pub(crate) async fn perform(self, node: &Services, caller: &Caller) -> Result<serde_json::Value, Failure> {
                match self {
                    $(Self::$name(operation) => as_json(&operation.perform(node, caller).await?),)*
                }
            }
        }

        $(impl From<$operation> for Request {
            fn from(operation: $operation) -> Self {
                Self::$name(operation)
            }
        })*
    };
}

requests! {
    NodeStatus = "status": crate::command::status::NodeStatus;
    AddAccount = "account add": crate::command::account::add::AddAccount;
    ListAccounts = "account list": crate::command::account::list::ListAccounts;
    ShowAccount = "account show": crate::command::account::show::ShowAccount;
    SetPassword = "account password": crate::command::account::password::SetPassword;
    SetQuota = "account quota": crate::command::account::quota::SetQuota;
    SetState = "account state": crate::command::account::state::SetState;
    CloseAccount = "account close": crate::command::account::close::CloseAccount;
    ExportMail = "account export": crate::command::account::export::ExportMail;
    ChangeAddress = "account address": crate::command::account::address::ChangeAddress;
    ListShared = "account address shared": crate::command::account::address::ListShared;
    AddAppPassword = "account app-password add": crate::command::account::app_password::AddAppPassword;
    ListAppPasswords = "account app-password list": crate::command::account::app_password::ListAppPasswords;
    RevokeAppPassword = "account app-password revoke": crate::command::account::app_password::RevokeAppPassword;
    ImportMail = "import": crate::command::import::ImportMail;
    ListQueue = "queue list": crate::command::queue::list::ListQueue;
    RetryQueue = "queue retry": crate::command::queue::retry::RetryQueue;
    DropQueue = "queue drop": crate::command::queue::drop::DropQueue;
    VerifyStore = "store verify": crate::command::store::verify::VerifyStore;
    StoreStats = "store stats": crate::command::store::stats::StoreStats;
    ListActs = "audit": crate::command::audit::ListActs;
}

/// Asks the node that is meant, whether it runs or not, and shows progress meanwhile.
pub(crate) async fn ask<O: Operation>(place: &Place, operation: O) -> Result<O::Answer, Failure> {
    let Loaded { config, file, .. } = place.node()?;
    if let Reached::Node(client) = control::connect(&config.data_dir).await? {
        return client.call(&operator(), operation.into()).await;
    }
    if file.is_none() && !config.store_dir().exists() {
        return Err(Failure::new(format!("there is no node in {}", config.data_dir.display())).hint(
            "name another with --data-dir or --config, or make one: essaim init --domain coop.example",
        ));
    }
    let node = Services::open(config).await?;
    let (progress, steps) = progress::channel();
    let caller = Caller { actor: Actor::Operator(operator()), progress };
    let answer = progress::watch_while(steps, operation.perform(&node, &caller)).await;
    node.close().await;
    answer
}

/// The name of the person at the command line, as far as the system tells.
pub(crate) fn operator() -> String {
    let named = ["SUDO_USER", "LOGNAME", "USER"].into_iter().filter_map(|name| std::env::var(name).ok());
    let name = named.into_iter().find(|name| !name.is_empty());
    name.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}

fn as_json<A: Serialize>(answer: &A) -> Result<serde_json::Value, Failure> {
    serde_json::to_value(answer)
        .map_err(|error| Failure::caused("the answer cannot be written as JSON", &error))
}
