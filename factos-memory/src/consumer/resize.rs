//! Changes of the number of partitions.

use std::mem;

use factos::Anchor;
use factos_consumer::port::Resize;
use tokio::time::Instant;

use super::data::{Consumer, Partition};

impl Consumer {
    /// Begins a change of the number of partitions, or ends one that is not wanted any more.
    pub(super) fn resize_to(&mut self, wanted: u32) {
        let present = self.partitions.len();
        if present == 0 {
            // It waits to take over, and changes the number then.
            self.resize = Some(Resize { partitions: wanted, until: None });
            return;
        }
        if wanted as usize == present {
            self.resize = None;
            return;
        }
        if self.resize.is_some_and(|resize| resize.partitions == wanted) {
            return;
        }
        let until = self.highest().map(|anchor| anchor.position());
        for partition in &mut self.partitions {
            partition.lease = None;
        }
        self.resize = Some(Resize { partitions: wanted, until });
    }

    /// Ends a change, if every partition has come to where it stops and none is leased.
    pub(super) fn finish_resize(&mut self, now: Instant) {
        let Some(Resize { partitions, until }) = self.resize else { return };
        let is_drained =
            |partition: &Partition| partition.position() >= until && partition.is_free(now);
        if !self.partitions.is_empty() && self.partitions.iter().all(is_drained) {
            self.divide(partitions, self.highest());
        }
    }

    /// Gives its partitions away, and keeps how many it is to have in `resize`.
    pub(super) fn part_with(&mut self) -> Vec<Partition> {
        let present = u32::try_from(self.partitions.len()).unwrap_or(u32::MAX);
        let partitions = self.resize.map_or(present, |resize| resize.partitions);
        self.resize = Some(Resize { partitions, until: None });
        mem::take(&mut self.partitions)
    }

    fn highest(&self) -> Option<Anchor> {
        let anchors = self.partitions.iter().filter_map(|partition| partition.anchor.as_ref());
        anchors.max_by_key(|anchor| anchor.position()).cloned()
    }
}
