//! References, boxes and other pointers: the texts of the value that they point to.

use std::{borrow::Cow, rc::Rc, sync::Arc};

use super::TagValue;

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

impl<B: TagValue + ToOwned + ?Sized> TagValue for Cow<'_, B> {
    type Item = B::Item;

    fn each(&self, f: &mut dyn FnMut(&str)) {
        B::each(self, f);
    }
}
