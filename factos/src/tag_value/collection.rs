//! Collections: the texts of all elements, in order.

use std::collections::{BTreeSet, HashSet};

use super::TagValue;

macro_rules! elements {
    ($([$($generics:tt)*] $type:ty;)*) => {$(
        impl<T: TagValue, $($generics)*> TagValue for $type {
            type Item = T::Item;

            fn each(&self, f: &mut dyn FnMut(&str)) {
                self.iter().for_each(|element| element.each(f));
            }
        }
    )*};
}

elements! {
    [] Option<T>;
    [] [T];
    [] Vec<T>;
    [] BTreeSet<T>;
    [S] HashSet<T, S>;
    [const N: usize] [T; N];
}
