//! What other hosters ask, one question on a stream. Everything that is given away is decided by `Access::check`.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use essaim_accounts::{LearnError, Witnessed};
use essaim_identity::{PublicKey, Unverified};
use essaim_migration::archive::{Root, Seal};
use essaim_migration::moving::message::Reason;
use essaim_migration::replica::message::{Answer, Known, Papers, Question};
use essaim_migration::replica::{Access, Caller, Denied, Held, Replicas as _, compare};
use essaim_network::{BulkStream, IncomingStream};
use essaim_types::{AccountId, ListingId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tracing::{debug, info, warn};

use super::archives::{Archives, Begun, KeepError, Kept};
use super::papers::{TakeError, papers_of, take_in};
use super::presence::silence;
use super::{archives, link};
use crate::failure::{Failure, causes};
use crate::federation::Correspondent;
use crate::recovery::give_way;
use crate::services::Services;
use crate::shutdown::Stop;
use crate::vitals::now;

/// Why a question is not answered. Said to whoever asks, as it stands here, unless the line is broken.
#[derive(Debug, thiserror::Error)]
enum NotAnswered {
    #[error("the line is broken")]
    Line(#[from] io::Error),
    #[error(transparent)]
    Keep(#[from] KeepError),
    #[error(transparent)]
    Take(#[from] TakeError),
    #[error(transparent)]
    Node(#[from] Failure),
    #[error("the accounts cannot be read")]
    Accounts(#[from] essaim_accounts::StorageError),
    #[error("{0}")]
    Refused(String),
}

/// A node, and everybody who names it as theirs: at least one.
#[derive(Debug, Clone, Copy)]
struct Asker<'a> {
    node: PublicKey,
    hosters: &'a [Arc<Correspondent>],
}

impl Asker<'_> {
    fn name(&self) -> String {
        self.hosters.first().map(|hoster| hoster.domain.to_string()).unwrap_or_default()
    }

    /// The hoster with this listing, if it names the node.
    fn hoster(&self, listing: ListingId) -> Option<&Arc<Correspondent>> {
        self.hosters.iter().find(|hoster| hoster.listing == listing)
    }
}

/// One stream of a node.
pub(crate) async fn serve(node: Services, incoming: IncomingStream, stop: Stop) {
    let key = incoming.peer().public();
    let table = node.federation.correspondents();
    let Ok(hosters) = table.of_node(&key) else { return incoming.refuse() };
    let place = hosters.iter().find_map(|hoster| node.replicas.enter(hoster.listing));
    let Some(_place) = place else { return incoming.refuse() };
    hosters.iter().for_each(|hoster| node.replicas.presence().heard(hoster.listing));
    let Ok(mut stream) = incoming.accept(0).await else { return };
    let asker = Asker { node: key, hosters };
    let answered = tokio::select! {
        answered = answer(&node, asker, &mut stream) => answered,
        () = stop.requested() => return,
    };
    let ended = match answered {
        Ok(()) => stream.finish().await,
        Err(NotAnswered::Line(error)) => Err(error),
        Err(why) => {
            warn!(hoster = %asker.name(), error = &why as &dyn std::error::Error, "a question about an account is refused");
            refuse(&mut stream, &why).await
        }
    };
    if let Err(error) = ended {
        debug!(error = &error as &dyn std::error::Error, "the stream ended early");
    }
}

async fn refuse(stream: &mut BulkStream, why: &NotAnswered) -> io::Result<()> {
    link::write(stream, &Answer::Refused(Reason::new(&causes(why)))).await?;
    stream.finish().await
}

async fn answer(node: &Services, asker: Asker<'_>, stream: &mut BulkStream) -> Result<(), NotAnswered> {
    let question = timeout(QUESTION_TIMEOUT, link::read(stream)).await;
    let question: Question = question.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    let archives = archives(node);
    match question {
        Question::Know(account) => Ok(link::write(stream, &known(node, &archives, account).await?).await?),
        Question::Tell(papers) => {
            learn(node, &papers, asker).await?;
            give_way(node, papers.account).await?;
            Ok(link::write(stream, &known(node, &archives, papers.account).await?).await?)
        }
        Question::Keep(held, papers) => keep(node, &archives, asker, (held, papers), stream).await,
        Question::List(access) => {
            let account = admit(node, &access, asker)?;
            let held = blocking(move || archives.held(account)).await?;
            Ok(link::write(stream, &Answer::Held(held)).await?)
        }
        Question::Fetch(access, root, offset) => {
            let account = admit(node, &access, asker)?;
            give(&archives, account, root, offset, stream).await
        }
    }
}

async fn known(node: &Services, archives: &Archives, account: AccountId) -> Result<Answer, NotAnswered> {
    let archives = archives.clone();
    let replicas = blocking(move || archives.held(account)).await?.len();
    let replicas = u32::try_from(replicas).unwrap_or(u32::MAX);
    let Some(witnessed) = node.accounts.witnessed(account)? else {
        let papers = Papers::none(account);
        return Ok(Answer::Known(Known { papers, highest: None, replicas, host_silent: 0 }));
    };
    let witnesses = node.federation.witnesses();
    let host = witnessed.log.state(&witnesses, now()).head.record().host.listing;
    let host_silent = silence(node, host).await.as_secs();
    let papers = papers_of(&witnessed.log, &witnesses);
    Ok(Answer::Known(Known { papers, highest: witnessed.highest, replicas, host_silent }))
}

/// Takes in what is told, on the account of a hoster of the node that has room left: whoever names another's node takes nothing from it.
async fn learn(node: &Services, papers: &Papers, asker: Asker<'_>) -> Result<Witnessed, NotAnswered> {
    let mut learnt = Err(TakeError::Learn(LearnError::Full));
    for hoster in asker.hosters {
        learnt = take_in(node, papers, hoster.listing).await;
        if !matches!(learnt, Err(TakeError::Learn(LearnError::Full))) {
            break;
        }
    }
    Ok(learnt?)
}

/// Whose replicas may be given to the caller.
fn admit(node: &Services, access: &[u8], asker: Asker<'_>) -> Result<AccountId, NotAnswered> {
    let refused = |why: &dyn std::error::Error| NotAnswered::Refused(causes(why));
    let access = Unverified::<Access>::parse(access).map_err(|error| refused(&error))?;
    let account = access.claims().account;
    let witnessed = node.accounts.witnessed(account)?;
    let witnessed =
        witnessed.ok_or_else(|| NotAnswered::Refused("the account is not known here".to_owned()))?;
    let holder = node.accounts.listing();
    let holder = holder.ok_or_else(|| NotAnswered::Refused("this hoster has no listing".to_owned()))?;
    let witnesses = node.federation.witnesses();
    let host = witnessed.log.state(&witnesses, now()).head.record().host.listing;
    let hoster = asker.hoster(host).ok_or_else(|| refused(&Denied::OtherHost { host }))?.listing;
    let caller = Caller { node: asker.node, hoster };
    Access::check(access, &witnessed.log, &witnesses, (holder, caller), now())
        .map_err(|why| refused(&why))?;
    Ok(account)
}

/// The bytes of a replica, to the account's hoster.
async fn give(
    archives: &Archives,
    account: AccountId,
    root: Root,
    offset: u64,
    stream: &mut BulkStream,
) -> Result<(), NotAnswered> {
    let archives = archives.clone();
    let opened = blocking(move || archives.open(account, &root, offset)).await?;
    let (file, length) =
        opened.ok_or_else(|| NotAnswered::Refused("there is no such replica here".to_owned()))?;
    link::write(stream, &Answer::From(offset)).await?;
    let mut file = tokio::fs::File::from_std(file).take(length);
    let sent = tokio::io::copy(&mut file, stream).await?;
    info!(%account, sent, "a replica was given to the account's hoster");
    Ok(())
}

/// Takes a replica of an account that the caller serves.
async fn keep(
    node: &Services,
    archives: &Archives,
    asker: Asker<'_>,
    (held, papers): (Held, Papers),
    stream: &mut BulkStream,
) -> Result<(), NotAnswered> {
    let kept = acceptable(node, asker, held, &papers).await?;
    let (begin, new) = (archives.clone(), kept.clone());
    let offset = match blocking(move || begin.begin(&new, now())).await? {
        Begun::Whole => return Ok(link::write(stream, &Answer::Kept).await?),
        Begun::At(offset) => offset,
    };
    let (partial, new) = (archives.clone(), kept.clone());
    let file = blocking(move || partial.partial(&new, offset)).await?;
    link::write(stream, &Answer::From(offset)).await?;
    let mut file = tokio::fs::File::from_std(file);
    let rest = kept.held.length.saturating_sub(offset);
    let came = tokio::io::copy(&mut (&mut *stream).take(rest), &mut file).await;
    // What came stays, whether the line broke or not.
    file.flush().await?;
    if came? < rest {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    drop(file);
    let (archives, account) = (archives.clone(), kept.account);
    blocking(move || archives.finish(&kept)).await?;
    info!(%account, hoster = %asker.name(), "a replica is kept");
    Ok(link::write(stream, &Answer::Kept).await?)
}

/// A replica that the caller, by the account's log, may send.
async fn acceptable(
    node: &Services,
    asker: Asker<'_>,
    held: Held,
    papers: &Papers,
) -> Result<Kept, NotAnswered> {
    let refused = |why: &str| NotAnswered::Refused(why.to_owned());
    let witnessed = learn(node, papers, asker).await?;
    let witnesses = node.federation.witnesses();
    let head = witnessed.log.state(&witnesses, now()).head;
    let hoster = asker.hoster(head.record().host.listing);
    let hoster = hoster.ok_or_else(|| refused("by its log the account is at another hoster"))?;
    let claimed = Unverified::<Seal>::parse(&held.seal).map_err(|error| refused(&causes(&error)))?;
    let root = claimed.claims().root;
    let found = compare(&witnessed.log, &head.hash(), &[(hoster.listing, vec![held.clone()])]);
    if found.candidates.is_empty() {
        return Err(refused("its seal is not of the account's hoster"));
    }
    Ok(Kept::new(papers.account, root, hoster.listing, held, now()))
}

/// On a thread that may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, KeepError> + Send + 'static,
) -> Result<T, KeepError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// How long whoever opens a stream may take to say what they want.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(30);
