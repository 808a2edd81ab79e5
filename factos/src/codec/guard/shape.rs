//! The shape of a value: which serde calls wrote it, without what they wrote.
//!
//! A type whose reading does not depend on what was written (nothing in it is untagged, internally tagged or
//! flattened) reads every value of one shape alike. So one value of a shape is read back, and proves the
//! others.

use std::cell::Cell;

/// How sure it is that a payload can be read back equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Every payload must be read back.
    Always,
    /// One payload of each shape must be read back.
    Shape(u64),
}

const PROVEN: usize = 256;

thread_local! {
    /// The shapes that were proven last, each at the place that its hash gives. A shape that another one
    /// displaced is proven again.
    static SHAPES: [Cell<u64>; PROVEN] = const { [const { Cell::new(0) }; PROVEN] };
}

/// Adds to a hash: fast, and for values that nobody chooses in order to collide.
pub(super) const fn mix(hash: u64, value: u64) -> u64 {
    (hash.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95)
}

/// Adds a name of the program: by its address, which is fast, and at worst another one in the next call.
pub(super) fn mix_name(hash: u64, name: &'static str) -> u64 {
    mix(mix(hash, name.as_ptr().addr() as u64), name.len() as u64)
}

fn place(shape: u64) -> usize {
    (shape >> 32) as usize % PROVEN
}

/// The shape of a variant of `T`. Two types may write the same calls.
fn of_type<T>(shape: u64, variant: u32) -> u64 {
    mix(mix_name(shape, std::any::type_name::<T>()), u64::from(variant)) | 1
}

/// Whether a payload of this shape, a variant of `T`, was read back.
pub(crate) fn is_proven<T>(shape: u64, variant: u32) -> bool {
    let shape = of_type::<T>(shape, variant);
    SHAPES.with(|shapes| shapes[place(shape)].get() == shape)
}

/// Remembers that a payload of this shape, a variant of `T`, was read back, and that every other one is read
/// in the same way.
pub(crate) fn prove<T>(shape: u64, variant: u32) {
    let shape = of_type::<T>(shape, variant);
    SHAPES.with(|shapes| shapes[place(shape)].set(shape));
}
