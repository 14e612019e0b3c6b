//! What an operator can ask of a node. Each operation is written once, over the node's services; a running node performs it for
//! whoever calls at its control socket, and without one the command opens the store and performs it itself.

use std::sync::{Mutex, PoisonError};

use essaim_accounts::{Actor, Journal};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::command::Place;
use crate::config::Loaded;
use crate::control::{self, Reached, Upload, Uploader};
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
#[derive(Debug)]
pub(crate) struct Caller {
    /// For the journal.
    pub(crate) actor: Actor,
    pub(crate) progress: Progress,
    /// What the caller sends after its request. To be taken once.
    pub(crate) upload: Mutex<Option<Upload>>,
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
    AskPeers = "doctor from-peers": crate::command::doctor::outside::AskPeers;
    AddAccount = "account add": crate::command::account::add::AddAccount;
    ListAccounts = "account list": crate::command::account::list::ListAccounts;
    ShowAccount = "account show": crate::command::account::show::ShowAccount;
    SetPassword = "account password": crate::command::account::password::SetPassword;
    SetQuota = "account quota": crate::command::account::quota::SetQuota;
    SetState = "account state": crate::command::account::state::SetState;
    CloseAccount = "account close": crate::command::account::close::CloseAccount;
    MakeKit = "account kit": crate::command::account::kit::MakeKit;
    AcceptAccount = "account accept": crate::command::account::accept::AcceptAccount;
    AskOrigin = "account move from": crate::command::account::moving::AskOrigin;
    MoveAccount = "account move": crate::command::account::moving::MoveAccount;
    ListMoves = "account move status": crate::command::account::moving::status::ListMoves;
    AbortMove = "account move abort": crate::command::account::moving::abort::AbortMove;
    BeginRecovery = "account recover begin": crate::command::account::recover::BeginRecovery;
    RecoverAccount = "account recover": crate::command::account::recover::RecoverAccount;
    ConfirmAside = "account confirm": crate::command::account::confirm::ConfirmAside;
    ExportMail = "account export": crate::command::account::export::ExportMail;
    ExportArchive = "account export archive": crate::command::account::export::ExportArchive;
    ImportArchive = "account import": crate::command::account::import::ImportArchive;
    ChangeAddress = "account address": crate::command::account::address::ChangeAddress;
    ListShared = "account address shared": crate::command::account::address::ListShared;
    AddAppPassword = "account app-password add": crate::command::account::app_password::AddAppPassword;
    ListAppPasswords = "account app-password list": crate::command::account::app_password::ListAppPasswords;
    RevokeAppPassword = "account app-password revoke": crate::command::account::app_password::RevokeAppPassword;
    SendReplica = "replica send": crate::command::replica::send::SendReplica;
    ListReplicas = "replica list": crate::command::replica::list::ListReplicas;
    DropReplica = "replica drop": crate::command::replica::drop::DropReplica;
    ImportMail = "import": crate::command::import::ImportMail;
    ListQueue = "queue list": crate::command::queue::list::ListQueue;
    RetryQueue = "queue retry": crate::command::queue::retry::RetryQueue;
    DropQueue = "queue drop": crate::command::queue::drop::DropQueue;
    InvitePeer = "peer invite": crate::command::peer::invite::InvitePeer;
    JoinPeer = "peer join": crate::command::peer::join::JoinPeer;
    ListPeers = "peer list": crate::command::peer::list::ListPeers;
    RemovePeer = "peer remove": crate::command::peer::remove::RemovePeer;
    InviteOperator = "operator invite": crate::command::operator::invite::InviteOperator;
    AddOperator = "operator add": crate::command::operator::add::AddOperator;
    ListOperators = "operator list": crate::command::operator::list::ListOperators;
    RemoveOperator = "operator remove": crate::command::operator::remove::RemoveOperator;
    QueryDirectory = "directory list": crate::command::directory::list::QueryDirectory;
    ShowListing = "directory show": crate::command::directory::show::ShowListing;
    EditListing = "directory edit": crate::command::directory::edit::EditListing;
    ReadOwnListing = "directory own": crate::command::directory::edit::ReadOwnListing;
    SayOfListing = "directory say": crate::command::directory::vouch::SayOfListing;
    HideListing = "directory hide": crate::command::directory::hide::HideListing;
    ReadHeld = "directory held": crate::command::directory::compare::ReadHeld;
    ExportPage = "directory export": crate::command::directory::export::ExportPage;
    ExportOne = "directory export one": crate::command::directory::export::ExportOne;
    MentionHosters = "directory import": crate::command::directory::import::MentionHosters;
    ForgetDraft = "directory forget": crate::command::directory::import::ForgetDraft;
    VerifyStore = "store verify": crate::command::store::verify::VerifyStore;
    StoreStats = "store stats": crate::command::store::stats::StoreStats;
    ListActs = "audit": crate::command::audit::ListActs;
}

impl Request {
    /// Whether files of the caller's come after it.
    pub(crate) fn uploads(&self) -> bool {
        matches!(self, Self::ImportMail(_) | Self::ImportArchive(_))
    }
}

impl Caller {
    pub(crate) fn new(operator: String, progress: Progress, upload: Option<Upload>) -> Self {
        Self { actor: Actor::Operator(operator), progress, upload: Mutex::new(upload) }
    }

    /// For acts of this caller.
    pub(crate) fn journal(&self, node: &Services) -> Journal {
        node.accounts.journal(self.actor.clone())
    }

    /// What comes after the request, if it came over the control socket.
    pub(crate) fn take_upload(&self) -> Option<Upload> {
        self.upload.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Asks the node that is meant, whether it runs or not, and shows progress meanwhile.
pub(crate) async fn ask<O: Operation>(place: &Place, operation: O) -> Result<O::Answer, Failure> {
    let loaded = place.node()?;
    match control::connect(&loaded.config.data_dir).await? {
        Reached::Node(client) => client.call(&operator(), operation.into()).await,
        Reached::Nobody => perform_here(loaded, operation).await,
    }
}

/// The same for an operation on files: a running node gets them over the socket, because it may not read them itself.
pub(crate) async fn ask_with<O: Operation>(
    place: &Place,
    operation: O,
    send_files: impl FnOnce(Uploader) -> Result<(), Failure> + Send + 'static,
) -> Result<O::Answer, Failure> {
    let loaded = place.node()?;
    match control::connect(&loaded.config.data_dir).await? {
        Reached::Node(client) => client.call_with(&operator(), operation.into(), send_files).await,
        Reached::Nobody => perform_here(loaded, operation).await,
    }
}

/// Opens the store of a node that does not run.
async fn perform_here<O: Operation>(loaded: Loaded, operation: O) -> Result<O::Answer, Failure> {
    let Loaded { config, file, .. } = loaded;
    if file.is_none() && !config.store_dir().exists() {
        return Err(Failure::new(format!("there is no node in {}", config.data_dir.display())).hint(
            "name another with --data-dir or --config, or make one: essaim init --domain coop.example",
        ));
    }
    let node = Services::open(config).await?;
    let (progress, steps) = progress::channel();
    let caller = Caller::new(operator(), progress, None);
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
