use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    sync::Arc,
};

/// What the consumers of a [`MemoryConsumers`](crate::MemoryConsumers) have written: one value of each type.
pub(super) type Values = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

/// The open transaction of a consumer: read models in memory, one of each type.
///
/// A model is cloned when a transaction first changes it, so it is meant for tests and not for large ones.
#[derive(Clone, Default)]
pub struct MemoryTransaction {
    values: Values,
}

impl MemoryTransaction {
    pub(super) const fn new(values: Values) -> Self {
        Self { values }
    }

    /// The model of this type, to be read and changed. It is the default value before its first change.
    pub fn model<T: Any + Clone + Default + Send + Sync>(&mut self) -> &mut T {
        let model = self.values.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default()));
        // The type is the key, so that this is always found.
        if Arc::get_mut(model).is_none() {
            let copy = model.downcast_ref::<T>().cloned().unwrap_or_default();
            *model = Arc::new(copy);
        }
        Arc::get_mut(model).and_then(|model| model.downcast_mut()).unwrap_or_else(|| {
            unreachable!("a copy that nobody else has, of the type that is its key")
        })
    }

    pub(super) fn into_values(self) -> Values {
        self.values
    }
}

/// The model of this type among the values.
pub(super) fn model<T: Any + Clone + Default>(values: &Values) -> T {
    values
        .get(&TypeId::of::<T>())
        .and_then(|model| model.downcast_ref::<T>())
        .cloned()
        .unwrap_or_default()
}

impl fmt::Debug for MemoryTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryTransaction").field("models", &self.values.len()).finish()
    }
}
