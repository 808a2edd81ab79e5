use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

type Sleep = dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

/// The number of attempts that a dispatch makes, and the pauses between them.
///
/// Tried again is what is [retryable](crate::ErrorKind::is_retryable): after a conflict, or if the store was busy or
/// could not be reached. By default five attempts without a wait: a conflict means that another command was
/// accepted.
#[derive(Clone)]
pub struct Retry {
    attempts: u32,
    backoff: Option<Backoff>,
}

#[derive(Clone)]
struct Backoff {
    base: Duration,
    max: Duration,
    sleep: Arc<Sleep>,
}

impl Retry {
    /// At most this many attempts in all, without a wait between them; zero counts as one.
    #[must_use]
    pub const fn attempts(attempts: u32) -> Self {
        Self { attempts: if attempts == 0 { 1 } else { attempts }, backoff: None }
    }

    /// Waits before each further attempt: a random time up to `base`, doubled with every attempt and
    /// never above `max`.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use factos::Retry;
    /// let (base, max) = (Duration::from_millis(5), Duration::from_secs(1));
    /// let retry = Retry::attempts(8).backoff(base, max, tokio::time::sleep);
    /// ```
    #[must_use]
    pub fn backoff<F, W>(mut self, base: Duration, max: Duration, sleep: F) -> Self
    where
        F: Fn(Duration) -> W + Send + Sync + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        self.backoff =
            Some(Backoff { base, max, sleep: Arc::new(move |time| Box::pin(sleep(time))) });
        self
    }

    /// [`backoff`](Self::backoff) that sleeps with `tokio::time`.
    #[cfg(feature = "tokio")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
    #[must_use]
    pub fn tokio_backoff(self, base: Duration, max: Duration) -> Self {
        self.backoff(base, max, tokio::time::sleep)
    }

    pub(super) const fn admits(&self, attempts: u32) -> bool {
        attempts < self.attempts
    }

    /// Waits after this many failed attempts.
    pub(super) async fn pause(&self, attempts: u32) {
        if let Some(backoff) = &self.backoff {
            (backoff.sleep)(jittered(backoff.ceiling(attempts))).await;
        }
    }
}

impl Backoff {
    fn ceiling(&self, attempts: u32) -> Duration {
        let doubled = 1_u32.checked_shl(attempts.saturating_sub(1));
        self.base.saturating_mul(doubled.unwrap_or(u32::MAX)).min(self.max)
    }
}

/// A random time below the whole.
fn jittered(whole: Duration) -> Duration {
    // Every hasher state has a new random key, which is random enough to spread writers out.
    let random = RandomState::new().hash_one(whole) >> 11;
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let part = random as f64 / (1_u64 << 53) as f64;
    whole.mul_f64(part)
}

impl Default for Retry {
    fn default() -> Self {
        Self::attempts(5)
    }
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = self.backoff.as_ref().map(|b| (b.base, b.max));
        f.debug_struct("Retry").field("attempts", &self.attempts).field("backoff", &times).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_the_maximum() {
        let retry = Retry::attempts(3).backoff(
            Duration::from_millis(10),
            Duration::from_millis(35),
            |_| async {},
        );
        let backoff = retry.backoff.unwrap();
        let ceilings = [1, 2, 3, 33, u32::MAX].map(|n| backoff.ceiling(n).as_millis());
        assert_eq!(ceilings, [10, 20, 35, 35, 35]);
    }

    #[test]
    fn the_wait_is_spread_below_the_ceiling() {
        let whole = Duration::from_secs(1);
        let times: Vec<_> = (0..200).map(|_| jittered(whole)).collect();
        assert!(times.iter().all(|time| *time < whole));
        let early = times.iter().filter(|time| **time < whole / 2).count();
        assert!((50..150).contains(&early), "{early} of 200 in the first half");
    }
}
