use tokio::sync::watch;

use crate::{
    position::SequencePosition,
    store_error::{StoreError, StoreErrorKind},
};

/// The last position that this process knows to be in the log, if any.
///
/// It never steps back. A clone is the same head.
///
/// Everything that learns of a position [publishes](Self::publish) it: the writer after a commit, a read,
/// a [poll](super::Poll).
#[derive(Debug, Clone, Default)]
pub struct Head(watch::Sender<Known>);

#[derive(Debug, Clone, Copy, Default)]
struct Known {
    position: Option<SequencePosition>,
    is_closed: bool,
    /// How often something went wrong that waiters should look at.
    disturbances: u64,
}

/// The error of a wait for the head of a store that was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the store was closed")]
pub struct Closed;

impl From<Closed> for StoreError {
    fn from(closed: Closed) -> Self {
        Self::new(StoreErrorKind::Other, closed)
    }
}

impl Head {
    /// The head of an empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the last position of the log known, and wakes what waits for it. An older one has no effect.
    #[inline]
    pub fn publish(&self, position: Option<SequencePosition>) {
        self.0.send_if_modified(|known| {
            let is_news = known.position < position;
            known.position = known.position.max(position);
            is_news
        });
    }

    /// Wakes everything that waits, without a position: the log could not be asked, and who waits is to ask
    /// for itself.
    pub fn disturb(&self) {
        self.0.send_modify(|known| known.disturbances += 1);
    }

    /// Ends every wait, now and from now on.
    pub fn close(&self) {
        self.0.send_modify(|known| known.is_closed = true);
    }

    /// The last position that is known.
    #[must_use]
    pub fn last(&self) -> Option<SequencePosition> {
        self.0.borrow().position
    }

    /// Whether a position after this one is known.
    #[must_use]
    pub fn is_past(&self, after: Option<SequencePosition>) -> bool {
        self.last() > after
    }

    /// Waits until a position after this one is known. Only what is published counts: appends of other
    /// processes need a [poll](super::Poll).
    ///
    /// # Errors
    /// [`Closed`].
    ///
    /// # Cancellation
    /// Safe.
    pub async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), Closed> {
        while !self.wait_once(after).await? {}
        Ok(())
    }

    /// As [`wait_past`](Self::wait_past), until a position is known or a [disturbance](Self::disturb) comes:
    /// whether it was the position.
    pub(super) async fn wait_once(&self, after: Option<SequencePosition>) -> Result<bool, Closed> {
        let mut known = self.0.subscribe();
        let disturbances = known.borrow().disturbances;
        let is_news = |known: &Known| {
            known.position > after || known.is_closed || known.disturbances != disturbances
        };
        match known.wait_for(is_news).await {
            Ok(known) if !known.is_closed => Ok(known.position > after),
            _ => Err(Closed),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn at(position: u64) -> Option<SequencePosition> {
        SequencePosition::new(position)
    }

    #[test]
    fn a_head_never_steps_back() {
        let head = Head::new();
        assert_eq!((head.last(), head.is_past(None)), (None, false));
        [at(3), at(2), None].into_iter().for_each(|position| head.publish(position));
        assert_eq!((head.last(), head.is_past(at(2)), head.is_past(at(3))), (at(3), true, false));
    }

    #[test]
    fn a_wait_ends_with_the_position_or_with_the_store() {
        let head = Head::new();
        let mut waiting = Box::pin(head.wait_past(at(1)));
        head.publish(at(1));
        assert_eq!(waiting.as_mut().now_or_never(), None);
        head.publish(at(2));
        assert_eq!(waiting.as_mut().now_or_never(), Some(Ok(())));
        assert_eq!(head.wait_past(at(1)).now_or_never(), Some(Ok(())));
        head.close();
        assert_eq!(head.wait_past(at(1)).now_or_never(), Some(Err(Closed)));
    }
}
