//! A closure on its way through the writer, and the answer on its way back.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use essaim_types::ByteSize;
use tokio::sync::oneshot;

use crate::error::{CommitError, StoreFailure};
use crate::record::TRANSACTION_MAX;
use crate::tx::{OverQuota, Tx};

/// A closure that waits to be run; what it returns is hidden, so that all can wait in one queue.
pub(crate) trait Work: Send {
    /// Runs the closure; says whether it succeeded.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Answers whoever waits.
    fn answer(self: Box<Self>, outcome: Outcome);
}

/// What became of a transaction.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// It is durable; or its closure failed and says why.
    Done,
    OverQuota(OverQuota),
    TooLarge,
    NoSpace,
    Failed(Arc<StoreFailure>),
}

/// What the caller gets: a panic of its closure comes back to it.
pub(crate) type Answer<T, E> = Result<Result<T, CommitError<E>>, Box<dyn Any + Send>>;

/// The only implementation of [`Work`].
pub(crate) struct Closure<T, E, F> {
    work: Option<F>,
    result: Option<Result<Result<T, E>, Box<dyn Any + Send>>>,
    answer: oneshot::Sender<Answer<T, E>>,
}

impl<T, E, F> Closure<T, E, F> {
    pub(crate) fn new(work: F) -> (Self, oneshot::Receiver<Answer<T, E>>) {
        let (answer, receiver) = oneshot::channel();
        (Self { work: Some(work), result: None, answer }, receiver)
    }
}

impl<T, E, F> Work for Closure<T, E, F>
where
    F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        // What the closure leaves half done is in the overlay, and undone.
        self.result = self.work.take().map(|work| catch_unwind(AssertUnwindSafe(|| work(tx))));
        matches!(self.result, Some(Ok(Ok(_))))
    }

    fn answer(self: Box<Self>, outcome: Outcome) {
        let answer = match (self.result, outcome) {
            (Some(Err(panic)), _) => Err(panic),
            (Some(Ok(Err(refusal))), _) => Ok(Err(CommitError::Refused(refusal))),
            (Some(Ok(Ok(value))), Outcome::Done) => Ok(Ok(value)),
            (_, Outcome::OverQuota(OverQuota { account, quota })) => {
                Ok(Err(CommitError::OverQuota { account, quota }))
            }
            (_, Outcome::TooLarge) => {
                Ok(Err(CommitError::TooLarge { limit: ByteSize(TRANSACTION_MAX as u64) }))
            }
            (_, Outcome::NoSpace) => Ok(Err(CommitError::NoSpace)),
            (_, Outcome::Failed(failure)) => Ok(Err(CommitError::Failed(failure))),
            (None, Outcome::Done) => Ok(Err(CommitError::Closed)),
        };
        // Whoever does not wait any more has dropped the receiver; the commit stands all the same.
        drop(self.answer.send(answer));
    }
}
