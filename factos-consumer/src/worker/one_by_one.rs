use std::error::Error;

use factos::{Anchor, Recorded, SequencePosition};
use tokio::time::{Duration, Instant};

use super::{
    Ended, Halt, Step, Worker, at,
    batch::{DONE, behind},
    item::Item,
};
use crate::{
    handler::{Advice, Failed, Handler, Place},
    options::OnError,
    port::{self, NewParked, Port},
    trace, why,
};

/// The error of an event that cannot be read, where events that can be are parked.
#[derive(Debug, thiserror::Error)]
#[error("it cannot be parked, as its key is not known")]
struct CannotBeParked(#[source] Box<dyn Error + Send + Sync>);

impl<P: Port, H: Handler<P::Tx>> Worker<P, H> {
    /// Handles events each by itself, in order.
    pub(super) async fn one_by_one(&mut self, items: Vec<Item<H::Event>>) -> Step<()> {
        for mut item in items {
            self.check_orders()?;
            self.in_between().await?;
            let to = self.anchor_of(item.record.position, &item);
            if self.is_blocked(&item) {
                self.pass_parked(to, behind(&item));
            } else {
                self.one(&mut item, to).await?;
            }
        }
        Ok(())
    }

    /// Does what has become due while events take long.
    async fn in_between(&mut self) -> Step<()> {
        let now = Instant::now();
        if self.pending.as_ref().is_some_and(|pending| pending.at <= now) {
            self.flush().await?;
        }
        if self.due_at.is_some_and(|due_at| due_at <= now) {
            self.retry_parked().await?;
        }
        Ok(())
    }

    fn anchor_of(&self, position: SequencePosition, item: &Item<H::Event>) -> Anchor {
        Anchor::new(self.store.log_id(), position, item.record.id)
    }

    /// Handles an event until it is done, or as its policy says.
    async fn one(&mut self, item: &mut Item<H::Event>, to: Anchor) -> Step<()> {
        let mut place = Place::default();
        loop {
            let failed = match self.attempt(item, &to, place).await? {
                Ok(()) => return Ok(()),
                Err(failed) => failed,
            };
            place = place.after(&failed);
            if self.options.on_error != OnError::Stop {
                if self.may_be_parked(item) {
                    return self.park(item, to, place, failed).await;
                }
                let error = CannotBeParked(failed.why);
                return Err(self.failed(Some(to.position()), place.attempts, error));
            }
            match self.pause(place.attempts, failed.advice) {
                Some(pause) => self.wait(pause).await?,
                None => {
                    return Err(self.failed(Some(to.position()), place.attempts, failed.why));
                }
            }
        }
    }

    /// Whether others may go on while the event waits. Of one that cannot be read nobody knows the key: another partition
    /// may be its own, and a later event may be of its key.
    fn may_be_parked(&self, item: &Item<H::Event>) -> bool {
        item.is_readable() || self.partitions == 1 && self.options.on_error == OnError::ParkEvent
    }

    async fn attempt(
        &mut self,
        item: &mut Item<H::Event>,
        to: &Anchor,
        place: Place,
    ) -> Step<Result<(), Failed>> {
        let work = match self.prepare(item.decoded(), place).await? {
            Ok(Some(work)) => work,
            Ok(None) => {
                self.pass(to.clone(), DONE);
                return Ok(Ok(()));
            }
            Err(failed) => return Ok(Err(failed)),
        };
        let step = self.step_to(to.clone());
        let done = self.commit(step, Some(work), 1).await?;
        Ok(done.map_err(|why| Failed::retryable(0, why)))
    }

    /// What is not part of a transaction is done then.
    pub(super) async fn prepare(
        &self,
        decoded: Result<Recorded<H::Event>, Box<dyn Error + Send + Sync>>,
        place: Place,
    ) -> Step<Result<Option<Box<dyn port::Work<P::Tx>>>, Failed>> {
        let record = match decoded {
            Ok(record) => record,
            Err(why) => return Ok(Err(Failed { index: place.index, why, advice: Advice::Dead })),
        };
        match self.handler.prepare(vec![record], place, &self.orders).await {
            Err(Failed { advice: Advice::GiveUp, .. }) => Err(Halt::Ended(Ended::Broken)),
            prepared => Ok(prepared),
        }
    }

    /// The pause before the next attempt; `None` if there is none.
    pub(super) fn pause(&self, attempts: u32, advice: Advice) -> Option<Duration> {
        match advice {
            Advice::Dead | Advice::GiveUp => None,
            Advice::Retry(least) => {
                let pause = self.options.attempts.pause_after(attempts)?;
                Some(pause.max(least.unwrap_or_default()))
            }
        }
    }

    /// Waits, unless it is told to stop.
    async fn wait(&mut self, pause: Duration) -> Step<()> {
        self.flush().await?;
        let until = Instant::now() + pause;
        loop {
            self.check_orders()?;
            tokio::select! {
                () = at(Some(until)) => return Ok(()),
                () = self.orders.changed() => {}
            }
        }
    }

    /// Parks an event, and goes on after it.
    async fn park(
        &mut self,
        item: &Item<H::Event>,
        to: Anchor,
        place: Place,
        failed: Failed,
    ) -> Step<()> {
        let retry_in = self.pause(place.attempts, failed.advice);
        let key = item.key.as_ref().filter(|_| self.options.on_error == OnError::ParkKey);
        let key = key.map(|key| key.as_str().to_owned());
        let failure =
            port::Failure { attempts: place.attempts, reason: why::report(failed.why), retry_in };
        self.pass_parked(
            to,
            NewParked {
                position: item.record.position,
                index: place.index,
                key: key.clone(),
                slot: item.slot().unwrap_or_default(),
                failure,
            },
        );
        self.flush().await?;
        trace::parked(&self.partition, item.record.position, place.attempts);
        self.blocked.extend(key);
        self.is_due_in(retry_in);
        Ok(())
    }

    /// A parked event is to be tried again in so long.
    pub(super) fn is_due_in(&mut self, pause: Option<Duration>) {
        let due_at = pause.map(|pause| Instant::now() + pause);
        self.due_at = [self.due_at, due_at].into_iter().flatten().min();
    }
}

impl Place {
    /// Where the handling of the event goes on after a failure.
    pub(super) const fn after(self, failed: &Failed) -> Self {
        let attempts = if failed.index == self.index { self.attempts } else { 0 };
        Self { index: failed.index, attempts: attempts.saturating_add(1) }
    }
}
