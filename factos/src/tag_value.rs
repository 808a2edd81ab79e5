mod collection;
mod pointers;
mod scalar;

/// A field type whose values become tags: zero or more texts, each stable for ever.
///
/// For strings, integers, `bool`, `char` and UUIDs one text; none for `None`; one per element for
/// collections. Not for floats: equal numbers can print differently.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a tag value",
    label = "a `#[tag]` field of this type has no stable text form",
    note = "for a type of your own, a newtype or an enum without fields, add `#[derive(TagValue)]`",
    note = "for another type, such as a date or a decimal number, write `#[tag(with = function)]`, or `#[tag(display)]` if its text never changes",
    note = "floats are refused on purpose: equal numbers can print differently"
)]
pub trait TagValue {
    /// The type of the value that one text stands for; queries ask for such values.
    type Item: TagItem;

    /// Calls `f` with each text, in order.
    fn each(&self, f: &mut dyn FnMut(&str));
}

/// A type of values, one for each tag, with the argument by which a query asks for one.
pub trait TagItem {
    /// The argument of a query method: `&str` for strings, integers by value, newtypes by reference.
    type Arg<'a>;

    /// The type, for the check that a key has one type of values in all events of an enum; empty if it is not
    /// known.
    #[doc(hidden)]
    const TYPE: &'static str = "";

    /// Calls `f` with the text of the argument.
    fn with_arg(arg: Self::Arg<'_>, f: &mut dyn FnMut(&str));
}

/// The argument that a query takes for a field of type `T`.
pub type ArgOf<'a, T> = <<T as TagValue>::Item as TagItem>::Arg<'a>;

#[cfg(test)]
mod tests {
    use std::{
        borrow::Cow,
        collections::{BTreeSet, HashSet},
        num::NonZeroU8,
        rc::Rc,
        sync::Arc,
    };

    use uuid::Uuid;

    use super::*;
    use crate::event_id::EventId;

    fn texts<T: TagValue + ?Sized>(value: &T) -> Vec<String> {
        let mut texts = Vec::new();
        value.each(&mut |text| texts.push(text.to_owned()));
        texts
    }

    fn arg<T: TagValue>(arg: ArgOf<'_, T>) -> String {
        let mut texts = String::new();
        T::Item::with_arg(arg, &mut |text| texts.push_str(text));
        texts
    }

    #[test]
    fn a_plain_value_is_one_text() {
        assert_eq!(texts("a b"), ["a b"]);
        assert_eq!(texts(&String::from("x")), ["x"]);
        assert_eq!(texts(&Cow::Borrowed("x")), ["x"]);
        assert_eq!(texts(&Box::<str>::from("x")), ["x"]);
        assert_eq!(texts(&Arc::<str>::from("x")), ["x"]);
        assert_eq!(texts(&Rc::new(&7_u8)), ["7"]);
        assert_eq!(texts(&true), ["true"]);
        assert_eq!(texts(&'ü'), ["ü"]);
        assert_eq!(texts(&i128::MIN), ["-170141183460469231731687303715884105728"]);
        assert_eq!(texts(&NonZeroU8::MAX), ["255"]);
        let text = "00000000-0000-0000-0000-0000000000ff";
        assert_eq!(texts(&Uuid::from_u128(255)), [text]);
        assert_eq!(texts(&EventId::from(Uuid::from_u128(255))), [text]);
    }

    #[test]
    fn a_collection_is_one_text_per_element() {
        assert_eq!(texts(&Some("x")), ["x"]);
        assert_eq!(texts(&None::<u8>), [""; 0]);
        assert_eq!(texts(&vec![Some(2), None, Some(1)]), ["2", "1"]);
        assert_eq!(texts(&[1_i8, -1]), ["1", "-1"]);
        assert_eq!(texts(&BTreeSet::from([2, 1])), ["1", "2"]);
        assert_eq!(texts(&HashSet::from(["x"])), ["x"]);
        assert_eq!(texts(&Box::<[u8]>::from([1, 2])), ["1", "2"]);
    }

    #[test]
    fn the_argument_is_that_of_the_element() {
        assert_eq!(arg::<String>("x"), "x");
        assert_eq!(arg::<Option<Box<str>>>("x"), "x");
        assert_eq!(arg::<Vec<Cow<'static, str>>>("x"), "x");
        assert_eq!(arg::<[u16; 3]>(5), "5");
        assert_eq!(arg::<HashSet<Arc<Uuid>>>(Uuid::nil()), Uuid::nil().to_string());
    }
}
