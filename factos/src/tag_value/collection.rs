//! Tag values that are those of what they hold.

use std::{
    collections::{BTreeSet, HashSet},
    rc::Rc,
    sync::Arc,
};

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

macro_rules! pointers {
    ($($type:ty)*) => {$(
        impl<T: TagValue + ?Sized> TagValue for $type {
            type Item = T::Item;

            fn each(&self, f: &mut dyn FnMut(&str)) {
                T::each(self, f);
            }
        }
    )*};
}

pointers! { &T Box<T> Rc<T> Arc<T> }
