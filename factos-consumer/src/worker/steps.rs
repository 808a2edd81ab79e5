use std::error::Error;

use factos::Anchor;
use tokio::time::{Duration, Instant, sleep};

use super::{Step, Worker};
use crate::{
    handler::Handler,
    port::{self, Advance, Port, PortError, Work},
    trace::Span,
};

/// What a transaction has come to, if it was run: the error of the consumer, which rolled it back.
type Done = Result<(), Box<dyn Error + Send + Sync>>;

impl<P: Port, H: Handler<P::Tx>> Worker<P, H> {
    /// A step of this worker that changes nothing yet.
    pub(super) fn step(&self) -> port::Step {
        port::Step::new(self.partition.clone(), self.token)
    }

    /// A step to an anchor, with what is parked up to there.
    pub(super) fn step_to(&self, to: Anchor) -> port::Step {
        let mut step = self.step();
        step.park = self.pending.as_ref().map_or_else(Vec::new, |pending| pending.park.clone());
        step.advance = Some(Advance { from: self.kept, to });
        step
    }

    /// Makes a step of so many events; with the error of the consumer nothing is kept.
    pub(super) async fn commit(
        &mut self,
        step: port::Step,
        work: Option<Box<dyn Work<P::Tx>>>,
        events: usize,
    ) -> Step<Done> {
        let span = Span::step(&self.partition);
        let to = step.advance.as_ref().map(|advance| advance.to.position());
        let done = span.around(self.made(step, work)).await;
        match &done {
            Ok(Ok(())) => span.moved(events, to),
            Ok(Err(_)) => span.ended("failed"),
            Err(_) => span.ended("not made"),
        }
        if matches!(done, Ok(Ok(())))
            && let Some(to) = to
        {
            self.kept = Some(to);
            self.kept_at = Some(Instant::now());
            self.pending.take_if(|pending| pending.to.position() <= to);
            self.progress.moved();
        }
        done
    }

    async fn made(&self, step: port::Step, mut work: Option<Box<dyn Work<P::Tx>>>) -> Step<Done> {
        let may_repeat = work.is_none();
        let mut pause = Duration::from_millis(20);
        loop {
            // A step without work is the same when it is made again, so that effects are not carried out again for it.
            let error = match self.port.commit(step.clone(), work.take()).await {
                Ok(()) => return Ok(Ok(())),
                Err(PortError::Work(error)) => return Ok(Err(error)),
                Err(error) => error,
            };
            let is_passing = matches!(&error, PortError::Database(error) if error.is_retryable());
            if !may_repeat || !is_passing || !self.orders.holds_lease() {
                return Err(self.port_failed(error));
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }
}
