//! Asking other hosters.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use essaim_identity::account::{AccountLog, Witnesses};
use essaim_migration::replica::message::{Answer, Known, Papers, Question};
use essaim_migration::replica::{Candidate, Held};
use essaim_network::{BulkStream, Opening};
use essaim_types::AccountId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

use super::link;
use super::papers::{papers_of, take_in};
use crate::failure::causes;
use crate::federation::{CallError, Correspondent, replica_purpose};
use crate::services::Services;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("it did not answer a moment ago")]
    Missed,
    #[error("the line broke")]
    Line(#[from] io::Error),
    #[error("it says: {0}")]
    Refused(String),
    #[error("it answered something else than was asked")]
    Nonsense,
    #[error("it has fewer bytes than it said")]
    Short,
}

/// What a hoster has answered.
pub(crate) type Asked<T> = (Arc<Correspondent>, Result<T, AskError>);

/// What everybody in this list knows of an account. What they tell is taken in.
pub(crate) async fn know(
    node: &Services,
    account: AccountId,
    of: Vec<Arc<Correspondent>>,
) -> Vec<Asked<Known>> {
    everybody(node, of, Question::Know(account)).await
}

/// Tells everybody in this list what is known of an account here. Their receipts are taken in.
pub(crate) async fn tell(
    node: &Services,
    log: &AccountLog,
    witnesses: &Witnesses,
    to: Vec<Arc<Correspondent>>,
) -> Vec<Asked<Known>> {
    everybody(node, to, Question::Tell(papers_of(log, witnesses))).await
}

async fn everybody(node: &Services, of: Vec<Arc<Correspondent>>, question: Question) -> Vec<Asked<Known>> {
    let mut asked = JoinSet::new();
    for hoster in of {
        let (node, question) = (node.clone(), question.clone());
        asked.spawn(async move {
            let known = known(&node, &hoster, question).await;
            (hoster, known)
        });
    }
    let mut answers = asked.join_all().await;
    answers.sort_by(|(a, _), (b, _)| a.domain.cmp(&b.domain));
    for (hoster, known) in answers.iter().filter_map(|(hoster, known)| Some((hoster, known.as_ref().ok()?))) {
        if known.papers != Papers::none(known.papers.account)
            && let Err(error) = take_in(node, &known.papers, hoster.listing).await
        {
            tracing::warn!(hoster = %hoster.domain, error = &error as &dyn std::error::Error, "what a hoster knows of an account is not taken");
        }
    }
    answers
}

async fn known(node: &Services, hoster: &Correspondent, question: Question) -> Result<Known, AskError> {
    let (mut stream, answer) = ask(node, hoster, question).await?;
    let _ = stream.finish().await;
    match answer {
        Answer::Known(known) => Ok(known),
        Answer::From(_) | Answer::Held(_) | Answer::Kept | Answer::Refused(_) => Err(AskError::Nonsense),
    }
}

/// What this hoster is known to have of the account.
pub(crate) fn known_to(asked: &[Asked<Known>]) -> impl Iterator<Item = (&Arc<Correspondent>, &Known)> {
    asked.iter().filter_map(|(hoster, known)| Some((hoster, known.as_ref().ok()?)))
}

/// What a holder keeps of an account that is ours by now.
pub(crate) async fn list(
    node: &Services,
    holder: &Correspondent,
    access: Vec<u8>,
) -> Result<Vec<Held>, AskError> {
    let (mut stream, answer) = ask(node, holder, Question::List(access)).await?;
    let _ = stream.finish().await;
    match answer {
        Answer::Held(held) => Ok(held),
        Answer::Known(_) | Answer::From(_) | Answer::Kept | Answer::Refused(_) => Err(AskError::Nonsense),
    }
}

/// Brings a replica into a file, going on at its end. `progress` says whether to go on.
pub(crate) async fn fetch(
    node: &Services,
    holder: &Correspondent,
    access: Vec<u8>,
    what: &Candidate,
    to: &Path,
    progress: &mut (dyn FnMut(u64) -> bool + Send),
) -> Result<(), AskError> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(to)?;
    let mut have = file.seek(SeekFrom::End(0))?;
    if have > what.length {
        have = 0;
        file.set_len(0)?;
        file.rewind()?;
    }
    let question = Question::Fetch(access, what.seal.root, have);
    let (mut stream, answer) = ask(node, holder, question).await?;
    if answer != Answer::From(have) {
        return Err(AskError::Nonsense);
    }
    let mut file = tokio::fs::File::from_std(file);
    let mut buffer = vec![0; COPY_BYTES];
    while have < what.length {
        let room = usize::try_from(what.length - have).unwrap_or(COPY_BYTES).min(COPY_BYTES);
        let piece = buffer.get_mut(..room).unwrap_or_default();
        let read = stream.read(piece).await?;
        if read == 0 {
            return Err(AskError::Short);
        }
        file.write_all(piece.get(..read).unwrap_or_default()).await?;
        have += read as u64;
        if !progress(have) {
            return Err(io::Error::from(io::ErrorKind::Interrupted).into());
        }
    }
    file.sync_all().await?;
    let _ = stream.finish().await;
    Ok(())
}

/// Sends a replica. Says whether it was there already.
pub(super) async fn keep(
    node: &Services,
    holder: &Correspondent,
    (held, papers): (Held, Papers),
    mut file: File,
    progress: &mut (dyn FnMut(u64) -> bool + Send),
) -> Result<bool, AskError> {
    let length = held.length;
    let (mut stream, answer) = ask(node, holder, Question::Keep(held, papers)).await?;
    let mut at = match answer {
        Answer::Kept => return Ok(true),
        Answer::From(offset) if offset <= length => offset,
        Answer::From(_) | Answer::Known(_) | Answer::Held(_) | Answer::Refused(_) => {
            return Err(AskError::Nonsense);
        }
    };
    file.seek(SeekFrom::Start(at))?;
    let mut file = tokio::fs::File::from_std(file);
    let mut buffer = vec![0; COPY_BYTES];
    while at < length {
        let read = file.read(&mut buffer).await?;
        if read == 0 {
            return Err(AskError::Short);
        }
        stream.write_all(buffer.get(..read).unwrap_or_default()).await?;
        at += read as u64;
        if !progress(at) {
            return Err(io::Error::from(io::ErrorKind::Interrupted).into());
        }
    }
    stream.flush().await?;
    match refused(link::read(&mut stream).await?)? {
        Answer::Kept => {}
        Answer::Known(_) | Answer::From(_) | Answer::Held(_) | Answer::Refused(_) => {
            return Err(AskError::Nonsense);
        }
    }
    let _ = stream.finish().await;
    Ok(false)
}

async fn ask(
    node: &Services,
    hoster: &Correspondent,
    question: Question,
) -> Result<(BulkStream, Answer), AskError> {
    let opening = Opening { purpose: replica_purpose(), subject: Bytes::new(), offset: 0 };
    let presence = node.replicas.presence();
    if presence.was_missed(&hoster.listing) {
        return Err(AskError::Missed);
    }
    let called = node.federation.call(hoster, opening).await;
    let mut stream = called.inspect_err(|error| {
        if !matches!(error, CallError::NoNetwork) {
            presence.missed(hoster.listing);
        }
    })?;
    presence.heard(hoster.listing);
    link::write(&mut stream, &question).await?;
    let answer = refused(link::read(&mut stream).await?)?;
    Ok((stream, answer))
}

fn refused(answer: Answer) -> Result<Answer, AskError> {
    match answer {
        Answer::Refused(reason) => Err(AskError::Refused(reason.to_string())),
        answer => Ok(answer),
    }
}

impl AskError {
    /// For people, after the name of the hoster.
    pub(crate) fn text(&self) -> String {
        causes(self)
    }
}

const COPY_BYTES: usize = 256 << 10;
