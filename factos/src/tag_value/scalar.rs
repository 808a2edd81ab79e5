//! Strings, numbers and other values that are one text.

use std::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroI128, NonZeroIsize, NonZeroU8,
    NonZeroU16, NonZeroU32, NonZeroU64, NonZeroU128, NonZeroUsize,
};

use uuid::Uuid;

use super::{TagItem, TagValue};
use crate::event_id::EventId;

impl TagValue for str {
    type Item = String;

    fn each(&self, f: &mut dyn FnMut(&str)) {
        f(self);
    }
}

impl TagValue for String {
    type Item = Self;

    fn each(&self, f: &mut dyn FnMut(&str)) {
        f(self);
    }
}

impl TagItem for String {
    type Arg<'a> = &'a str;

    const TYPE: &'static str = "String";

    fn with_arg(arg: &str, f: &mut dyn FnMut(&str)) {
        f(arg);
    }
}

macro_rules! displayed {
    ($($type:ty)*) => {$(
        impl TagValue for $type {
            type Item = Self;

            fn each(&self, f: &mut dyn FnMut(&str)) {
                f(&self.to_string());
            }
        }

        impl TagItem for $type {
            type Arg<'a> = Self;

            const TYPE: &'static str = stringify!($type);

            fn with_arg(arg: Self, f: &mut dyn FnMut(&str)) {
                arg.each(f);
            }
        }
    )*};
}

displayed! {
    bool char EventId Uuid
    i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize
    NonZeroI8 NonZeroI16 NonZeroI32 NonZeroI64 NonZeroI128 NonZeroIsize
    NonZeroU8 NonZeroU16 NonZeroU32 NonZeroU64 NonZeroU128 NonZeroUsize
}
