//! A hash of all that a value hands to serde, by which two values of a type are compared that may have no
//! `PartialEq`. The order of lists and maps does not count, as a set comes back in another one.

use std::{
    cell::{Cell, RefCell},
    hash::{DefaultHasher, Hash, Hasher},
};

/// Built while a value is written.
#[derive(Debug, Default)]
pub(super) struct Digest {
    /// The lists, maps and structs that are being written, the innermost last.
    open: RefCell<Vec<Parts>>,
    /// Of the value that was written last.
    value: Cell<u64>,
}

/// What is collected of the parts of a value.
#[derive(Debug)]
struct Parts {
    hasher: DefaultHasher,
    unordered: u64,
    key: u64,
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl Digest {
    /// Of the whole value, once it is written.
    pub(super) const fn value(&self) -> u64 {
        self.value.get()
    }

    /// A value without parts was written.
    pub(super) fn leaf(&self, kind: u64, value: impl Hash) {
        self.value.set(hash((kind, value)));
    }

    /// The value that was written last is all that another one holds.
    pub(super) fn wrap(&self, kind: u64, name: impl Hash) {
        self.value.set(hash((kind, name, self.value())));
    }

    /// A value with parts begins.
    pub(super) fn begin(&self, kind: u64, name: impl Hash) {
        let mut hasher = DefaultHasher::new();
        (kind, name).hash(&mut hasher);
        self.open.borrow_mut().push(Parts { hasher, unordered: 0, key: 0 });
    }

    /// The value that was written last is its next field.
    pub(super) fn field(&self, name: impl Hash) {
        let value = self.value();
        self.innermost(|parts| (name, value).hash(&mut parts.hasher));
    }

    /// The value that was written last is one of its items.
    pub(super) fn item(&self) {
        let item = hash(self.value());
        self.innermost(|parts| parts.unordered = parts.unordered.wrapping_add(item));
    }

    /// The value that was written last is a key.
    pub(super) fn key(&self) {
        let key = self.value();
        self.innermost(|parts| parts.key = key);
    }

    /// The value that was written last belongs to the key before it.
    pub(super) fn entry(&self) {
        let value = self.value();
        self.innermost(|parts| {
            parts.unordered = parts.unordered.wrapping_add(hash((parts.key, value)));
        });
    }

    /// The value with parts ends.
    pub(super) fn end(&self) {
        if let Some(Parts { mut hasher, unordered, .. }) = self.open.borrow_mut().pop() {
            unordered.hash(&mut hasher);
            self.value.set(hasher.finish());
        }
    }

    fn innermost(&self, change: impl FnOnce(&mut Parts)) {
        if let Some(parts) = self.open.borrow_mut().last_mut() {
            change(parts);
        }
    }
}
