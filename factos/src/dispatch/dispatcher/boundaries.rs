use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashlink::LruCache;

use crate::{
    decider::Decider,
    dispatch::dispatcher::{line::Line, memory::Memory},
    query::Query,
};

const ENTRIES: usize = 10_000;

type Weigh<S> = Arc<dyn Fn(&S) -> usize + Send + Sync>;

/// The boundaries that were used last.
pub(super) struct Boundaries<D: Decider>(Mutex<Kept<D>>);

struct Kept<D: Decider> {
    lines: LruCache<Query, Entry<D>>,
    bytes: usize,
    max_entries: usize,
    limit: Option<ByteLimit<D::State>>,
}

struct Entry<D: Decider> {
    line: Arc<Line<D>>,
    bytes: usize,
}

struct ByteLimit<S> {
    bytes: usize,
    weigh: Weigh<S>,
}

impl<D: Decider> Default for Boundaries<D> {
    fn default() -> Self {
        let lines = LruCache::new_unbounded();
        Self(Mutex::new(Kept { lines, bytes: 0, max_entries: ENTRIES, limit: None }))
    }
}

impl<D: Decider> Boundaries<D> {
    pub(super) fn limit_entries(&self, entries: usize) {
        let mut kept = self.kept();
        kept.max_entries = entries.max(1);
        kept.drop_oldest();
    }

    pub(super) fn limit_bytes(&self, bytes: usize, weigh: Weigh<D::State>) {
        let mut kept = self.kept();
        kept.limit = Some(ByteLimit { bytes, weigh });
        kept.drop_oldest();
    }

    /// The line of a boundary.
    pub(super) fn line(&self, context: &Query) -> Arc<Line<D>> {
        let mut kept = self.kept();
        if let Some(entry) = kept.lines.get(context) {
            return Arc::clone(&entry.line);
        }
        let line = Arc::new(Line::of(context));
        kept.lines.insert(context.clone(), Entry { line: Arc::clone(&line), bytes: 0 });
        kept.drop_oldest();
        line
    }

    /// Keeps what is known of a boundary after a round.
    pub(super) fn keep(&self, line: &Arc<Line<D>>, memory: Memory<D::State>) {
        let weigh = self.kept().limit.as_ref().map(|limit| Arc::clone(&limit.weigh));
        let Some(weigh) = weigh else {
            return line.keep(memory);
        };
        let bytes = match &memory {
            Memory::Ready(known) => weigh(&known.state) * known.states(),
            Memory::Behind(_) | Memory::Nothing => 0,
        };
        line.keep(memory);
        let mut kept = self.kept();
        if let Some(entry) =
            kept.lines.peek_mut(&line.context).filter(|e| Arc::ptr_eq(&e.line, line))
        {
            let before = std::mem::replace(&mut entry.bytes, bytes);
            kept.bytes = kept.bytes + bytes - before;
            kept.drop_oldest();
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept<D>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Decider> Kept<D> {
    fn drop_oldest(&mut self) {
        while self.is_full() {
            let Some((_, oldest)) = self.lines.remove_lru() else {
                return;
            };
            self.bytes -= oldest.bytes;
        }
    }

    fn is_full(&self) -> bool {
        self.lines.len() > self.max_entries
            || self.limit.as_ref().is_some_and(|limit| self.bytes > limit.bytes)
    }
}
