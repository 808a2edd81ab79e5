use tokio::sync::oneshot;

use crate::{append_error::AppendError, events::Page};

/// The outcome of an append: its records, or the reason why nothing of it was written.
pub type Verdict = Result<Page, AppendError>;

/// A batch that knows how many bytes it counts for in a [`Group`](super::Group).
pub trait Weight {
    /// About how many bytes are written.
    fn bytes(&self) -> usize;
}

/// A batch, with the sender that tells its caller the verdict.
#[derive(Debug)]
pub struct AppendRequest<B> {
    batch: B,
    reply: oneshot::Sender<Verdict>,
}

/// The receiver on which the caller of an append waits for its verdict.
#[derive(Debug)]
pub struct AppendReply(oneshot::Receiver<Verdict>);

impl<B> AppendRequest<B> {
    /// A request, and the receiver of its verdict.
    #[must_use]
    pub fn new(batch: B) -> (Self, AppendReply) {
        let (reply, verdict) = oneshot::channel();
        (Self { batch, reply }, AppendReply(verdict))
    }

    /// The batch.
    #[must_use]
    pub const fn batch(&self) -> &B {
        &self.batch
    }

    /// Whether the caller dropped its future: nothing of the batch need be written.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    /// Tells the caller the verdict. No effect if it dropped its future.
    pub fn answer(self, verdict: Verdict) {
        drop(self.reply.send(verdict));
    }
}

impl AppendReply {
    /// The verdict, or this error if the request was dropped without an answer.
    ///
    /// # Errors
    /// [`AppendError`].
    ///
    /// # Cancellation
    /// A dropped future marks the request as [abandoned](AppendRequest::is_abandoned).
    pub async fn verdict_or(self, lost: impl FnOnce() -> AppendError) -> Verdict {
        self.0.await.unwrap_or_else(|_| Err(lost()))
    }
}
