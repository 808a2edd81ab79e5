use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// For about how long the hooks of one group run in all. Its locks are held meanwhile.
const TOGETHER: Duration = Duration::from_millis(10);

/// How long the hooks of a handle take: slow ones share a commit with few others.
#[derive(Debug, Default)]
pub(super) struct HookPace {
    /// The usual time of a hook for one append, in microseconds.
    usual: AtomicU64,
}

impl HookPace {
    /// How many appends with hooks may share a commit.
    pub(super) fn most(&self) -> usize {
        let usual = u128::from(self.usual.load(Ordering::Relaxed).max(1));
        usize::try_from(TOGETHER.as_micros() / usual).unwrap_or(usize::MAX).max(1)
    }

    /// The hooks of so many appends took this long in all.
    pub(super) fn took(&self, appends: usize, time: Duration) {
        if appends == 0 {
            return;
        }
        let one = time.as_micros() / appends as u128;
        let one = u64::try_from(one).unwrap_or(u64::MAX);
        let before = self.usual.load(Ordering::Relaxed);
        let usual = if before == 0 { one } else { before - before / 8 + one / 8 };
        self.usual.store(usual, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_hooks_share_a_commit_with_few_others() {
        let pace = HookPace::default();
        assert!(pace.most() > 1000);
        pace.took(10, Duration::from_millis(1));
        assert_eq!(pace.most(), 100);
        for _ in 0..100 {
            pace.took(1, Duration::from_millis(50));
        }
        assert_eq!(pace.most(), 1);
        for _ in 0..100 {
            pace.took(10, Duration::from_millis(1));
        }
        assert!((90..=100).contains(&pace.most()), "{}", pace.most());
        pace.took(0, Duration::from_secs(1));
        pace.took(1, Duration::MAX);
        assert_eq!(pace.most(), 1);
    }
}
