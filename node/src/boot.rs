//! The running node: what starts in which order, what keeps going, and how it ends.

mod sweep;
mod watch;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use essaim_accounts::Actor;
use essaim_network::IncomingStream;
use essaim_smtp::server::Encryption;
use essaim_web::Surface;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sd_notify::NotifyState;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tracing::{debug, error, info, warn};

use crate::config::Loaded;
use crate::control::{Control, Handler, Received};
use crate::failure::{Failure, causes};
use crate::federation::{Never, Started};
use crate::first_run;
use crate::leading::Desks;
use crate::listen::tls::Tls;
use crate::listen::{
    Bounds, Clients, Counters, Crowd, Http, Imap, Listener, Opening, Pace, PlainLogin, Protocol, Smtp,
    channel,
};
use crate::moving;
use crate::operation::{Caller, Request};
use crate::outbound::Outbound;
use crate::ports::{self, PortsFile};
use crate::recovery;
use crate::replica;
use crate::services::Services;
use crate::shutdown::{self, Shutdown, Stop};
use crate::terminal;

/// Runs a node until a signal comes or its store fails.
pub(crate) async fn run(loaded: Loaded) -> Result<(), Failure> {
    let Loaded { config, file, .. } = loaded;
    raise_file_limit();
    make_data_dir(&config.data_dir)?;
    let node = Services::open(config).await?;
    // From here on the directory is ours.
    ports::forget(&node.config.data_dir);
    let control = Control::bind(&node.config.data_dir).map_err(|error| {
        Failure::new(causes(&error)).hint("is there space, and is the data directory writable?")
    })?;
    let tls = Tls::open(&node.config)?;
    let (shutdown, stop) = shutdown::channel();
    let listeners = Listeners::bind(&node, tls.as_ref())?;
    let mut addresses = listeners.addresses();
    let first = if file.is_none() { first_run::make_account(&node).await? } else { None };
    let starttls = tls.as_ref().map(|tls| tls.acceptor(&[])).transpose()?;
    let outbound = Outbound::open(&node)?;
    let federation =
        node.federation.start(&node.config, node.accounts.journal(Actor::Node), stop.clone()).await?;
    addresses.extend(federation.listening.map(|at| ("peer".to_owned(), at)));
    // Members submit through listeners, and through the old hosters of their accounts.
    let pace = Pace::new(node.config.limits.recipients_per_hour);
    let mut running = listeners.start(&node, starttls.as_ref(), &pace, &stop);
    let Started { ended, streams, busy, .. } = federation;
    running.spawn(async move { drop(ended.await) });
    running.spawn(node.federation.clone().keep_journal(stop.clone()));
    running.spawn(take_from_hosters(node.clone(), streams, pace, stop.clone(), busy.clone()));
    running.spawn(moving::run(node.clone(), stop.clone()));
    running.spawn(replica::watch(node.clone(), stop.clone()));
    running.spawn(recovery::watch(node.clone(), stop.clone()));
    running.spawn(send(node.clone(), outbound, stop.clone(), busy));
    running.spawn(sweep::daily(node.clone(), stop.clone()));

    let signals = watch::Signals::listen()?;
    let ports_file = PortsFile::write(&node.config.data_dir, &addresses)
        .map_err(|error| Failure::caused("could not write run/ports.json", &error))?;
    terminal::print(&first_run::welcome(&node.config, &addresses, first.as_ref()));
    info!(version = env!("CARGO_PKG_VERSION"), domain = %node.config.hoster.domain, "ready");
    notify(&[NotifyState::Ready]);

    let handler = Operator(node.clone());
    let ended = tokio::select! {
        ended = watch::until_end(&node, tls.as_ref(), signals) => ended,
        () = control.serve(handler) => Ok(()),
    };
    notify(&[NotifyState::Stopping]);
    drop((ports_file, control));
    stop_in_order(node, running, &shutdown).await;
    info!("stopped");
    ended
}

/// Listeners that are bound and not started.
struct Listeners {
    bound: Vec<(Listener, Opening)>,
}

impl Listeners {
    fn bind(node: &Services, tls: Option<&Tls>) -> Result<Self, Failure> {
        let mut bound = Vec::new();
        for (name, address) in node.config.listen.by_name() {
            // Nodes come in through the network's own sockets.
            let Some(address) = address.filter(|_| name != "peer") else { continue };
            let opening = match (BEGIN_WITH_TLS.contains(&name), tls) {
                (false, _) => Opening::Clear,
                (true, Some(tls)) => Opening::Encrypted(tls.acceptor(alpn(name))?),
                (true, None) => {
                    warn!(listener = name, "not started: tls.mode is off");
                    continue;
                }
            };
            bound.push((Listener::bind(name, address)?, opening));
        }
        Ok(Self { bound })
    }

    fn addresses(&self) -> BTreeMap<String, SocketAddr> {
        self.bound.iter().map(|(listener, _)| (listener.name.to_owned(), listener.address())).collect()
    }

    /// Everything that runs until `stop`, and a moment longer.
    fn start(
        self,
        node: &Services,
        starttls: Option<&TlsAcceptor>,
        pace: &Arc<Pace>,
        stop: &Stop,
    ) -> JoinSet<()> {
        let starttls = starttls.cloned();
        let limits = &node.config.limits;
        let bounds = Bounds::of(limits, Crowd::new(limits.connections_per_network));
        let mut start = Start { node, stop, bounds, counters: Vec::new(), tasks: JoinSet::new() };
        let plain = PlainLogin::from(node.config.mail.login_without_tls);
        let web = |surface| Http::new(Arc::new(node.clone()), surface, limits.http_timeout);
        let smtp =
            |clients, encryption| Smtp::new(node, clients, encryption, starttls.clone(), Arc::clone(pace));
        let later = if starttls.is_some() { Encryption::StartTls } else { Encryption::Unavailable };
        for (listener, opening) in self.bound {
            match listener.name {
                "http" => start.listener(listener, opening, web(Surface::Internal)),
                "https" => start.listener(listener, opening, web(Surface::Public)),
                "smtp" => start.listener(listener, opening, smtp(Clients::Servers, later)),
                "submission" => start.listener(listener, opening, smtp(Clients::Members(plain), later)),
                "submissions" => {
                    start.listener(listener, opening, smtp(Clients::Members(plain), Encryption::Implicit));
                }
                "imap" | "imaps" => {
                    start.listener(listener, opening, Imap::new(node, starttls.clone(), plain))
                }
                other => warn!(listener = other, "nothing is spoken here"),
            }
        }
        node.vitals.ready(start.counters);
        start.tasks
    }
}

/// What all listeners get when they start.
struct Start<'a> {
    node: &'a Services,
    stop: &'a Stop,
    bounds: Bounds,
    counters: Vec<Arc<Counters>>,
    tasks: JoinSet<()>,
}

impl Start<'_> {
    fn listener<P: Protocol>(&mut self, listener: Listener, opening: Opening, protocol: P) {
        let limits = &self.node.config.limits;
        let bounds = match listener.name {
            // Browsers open and close connections as they like.
            "http" | "https" => self.bounds.clone(),
            _ => self.bounds.paced(limits.connections_per_minute),
        };
        let counters = Counters::new(listener.name, &bounds);
        self.counters.push(Arc::clone(&counters));
        let linger = limits.shutdown_timeout;
        self.tasks.spawn(listener.run(
            Arc::new(protocol),
            opening,
            bounds,
            counters,
            self.stop.clone(),
            linger,
        ));
    }
}

/// Keeps outgoing mail moving until `stop`. A store that fails ends the node from elsewhere.
async fn send(node: Services, outbound: Outbound, stop: Stop, _busy: mpsc::Sender<Never>) {
    let patience = async {
        stop.requested().await;
        tokio::time::sleep(node.config.limits.shutdown_timeout).await;
    };
    tokio::select! {
        () = hurry(&node) => {}
        ended = node.queue.run(outbound, stop.requested()) => if let Err(error) = ended {
            error!(error = &error as &dyn std::error::Error, "outgoing mail has stopped");
        },
        () = patience => info!("messages on their way out are sent again after the next start"),
    }
}

/// Mail that waits for a hoster goes when the hoster is back, not at its next attempt. One whose line comes and goes is tried at each pause.
async fn hurry(node: &Services) {
    loop {
        for domain in node.federation.arrivals().next().await {
            match node.queue.is_back(domain.clone()).await {
                Ok(0) => {}
                Ok(entries) => debug!(%domain, entries, "a hoster is back, and gets what waited for it"),
                Err(error) => {
                    warn!(
                        error = &error as &dyn std::error::Error,
                        "what waits for a hoster that is back waits on"
                    );
                }
            }
        }
        tokio::time::sleep(HURRY_EVERY).await;
    }
}

/// Takes mail, accounts and sessions from nodes of other hosters until `stop`, and a moment longer.
async fn take_from_hosters(
    node: Services,
    streams: mpsc::Receiver<IncomingStream>,
    pace: Arc<Pace>,
    stop: Stop,
    _busy: mpsc::Sender<Never>,
) {
    let patience = async {
        stop.requested().await;
        tokio::time::sleep(node.config.limits.shutdown_timeout).await;
    };
    let smtp = |clients| Smtp::new(&node, clients, Encryption::Implicit, None, Arc::clone(&pace));
    let desks = Desks {
        imap: Arc::new(Imap::new(&node, None, PlainLogin::Nowhere)),
        submission: Arc::new(smtp(Clients::Members(PlainLogin::Nowhere))),
    };
    let smtp = Arc::new(smtp(Clients::Hosters));
    tokio::select! {
        () = channel::serve(node.clone(), smtp, desks, streams, stop.clone()) => {}
        () = patience => warn!("nodes of other hosters were still sending when the node stopped"),
    }
}

/// Performs what is asked at the control socket.
#[derive(Debug, Clone)]
struct Operator(Services);

impl Handler for Operator {
    type Request = Request;

    fn uploads(request: &Request) -> bool {
        request.uploads()
    }

    async fn handle(&self, received: Received<Request>) -> Result<serde_json::Value, Failure> {
        let Received { operator, request, progress, upload } = received;
        request.perform(&self.0, &Caller::new(operator, progress, upload)).await
    }
}

/// Nobody new; those who are here finish what they are doing, within a bound; then the store.
async fn stop_in_order(node: Services, mut running: JoinSet<()>, shutdown: &Shutdown) {
    info!("stopping");
    shutdown.request();
    let impatient = watch::second_signal();
    tokio::select! {
        () = async { while running.join_next().await.is_some() {} } => {}
        () = impatient => warn!("not waiting for open connections any longer"),
    }
    node.close().await;
}

fn make_data_dir(dir: &std::path::Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|error| {
        Failure::caused(format_args!("could not make the data directory {}", dir.display()), &error)
            .hint("choose another with --data-dir")
    })
}

/// Many systems give a process 1,024 files at first and more when it asks.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    if let Err(error) = raised {
        warn!(
            error = &error as &dyn std::error::Error,
            "the limit on open files stays at {:?}", limit.current
        );
    }
}

/// Tells systemd, if it asked to be told.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(error = &error as &dyn std::error::Error, "the service manager could not be told");
    }
}

/// RFC 7301: what a client may ask for on this listener.
fn alpn(listener: &str) -> &'static [&'static str] {
    if listener == "https" { &["http/1.1"] } else { &[] }
}

const BEGIN_WITH_TLS: [&str; 3] = ["https", "submissions", "imaps"];
/// Hosters that come back are looked at so often.
const HURRY_EVERY: Duration = Duration::from_secs(10);
