//! Checks that stored names are distinct, while the application is compiled.

use super::{
    TypeInfo,
    text::{Text, equal},
};

/// How many names and aliases the types have.
#[must_use]
pub const fn names(types: &[TypeInfo]) -> usize {
    let (mut count, mut i) = (0, 0);
    while i < types.len() {
        count += 1 + types[i].aliases.len();
        i += 1;
    }
    count
}

/// A name, and the type that has it.
#[derive(Clone, Copy)]
struct Entry {
    hash: u64,
    name: &'static str,
    owner: usize,
}

/// Does not compile if two types share a name; `N` is the number of their [`names`]. If `shared`, the
/// same item may be listed twice.
///
/// # Panics
/// With the name and both items.
pub const fn assert_distinct<const N: usize>(types: &[TypeInfo], shared: bool) {
    let entries = sorted::<N>(types);
    let mut i = 0;
    while i < N {
        let mut j = i + 1;
        while j < N && entries[i].hash == entries[j].hash {
            let (a, b) = (&types[entries[i].owner], &types[entries[j].owner]);
            let is_shared = shared && equal(a.origin, b.origin);
            if equal(entries[i].name, entries[j].name) && !is_shared {
                refuse(entries[i].name, a.origin, b.origin);
            }
            j += 1;
        }
        i += 1;
    }
}

/// Sorted by hash: comparing all pairs would take the compiler seconds for a large application.
const fn sorted<const N: usize>(types: &[TypeInfo]) -> [Entry; N] {
    let mut entries = [Entry { hash: 0, name: "", owner: 0 }; N];
    let (mut n, mut i) = (0, 0);
    while i < types.len() {
        entries[n] = entry(types[i].name, i);
        n += 1;
        let mut j = 0;
        while j < types[i].aliases.len() {
            entries[n] = entry(types[i].aliases[j], i);
            n += 1;
            j += 1;
        }
        i += 1;
    }
    heap_sort(entries)
}

const fn entry(name: &'static str, owner: usize) -> Entry {
    let bytes = name.as_bytes();
    let (mut hash, mut i) = (0xcbf2_9ce4_8422_2325_u64, 0);
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0100_0000_01b3);
        i += 1;
    }
    Entry { hash, name, owner }
}

const fn heap_sort<const N: usize>(mut entries: [Entry; N]) -> [Entry; N] {
    let mut start = N / 2;
    while start > 0 {
        start -= 1;
        entries = sift_down(entries, start, N);
    }
    let mut end = N;
    while end > 1 {
        end -= 1;
        entries.swap(0, end);
        entries = sift_down(entries, 0, end);
    }
    entries
}

const fn sift_down<const N: usize>(
    mut entries: [Entry; N],
    mut root: usize,
    end: usize,
) -> [Entry; N] {
    while 2 * root + 1 < end {
        let mut child = 2 * root + 1;
        if child + 1 < end && entries[child].hash < entries[child + 1].hash {
            child += 1;
        }
        if entries[root].hash >= entries[child].hash {
            return entries;
        }
        entries.swap(root, child);
        root = child;
    }
    entries
}

const fn refuse(name: &str, a: &str, b: &str) -> ! {
    let text = Text::new().and("event type `").and(name);
    if equal(a, b) {
        text.and("` of ").and(a).and(" stands twice").panic()
    }
    text.and("` is declared twice: in ").and(a).and(" and in ").and(b).panic()
}

/// A check at compile time that no two of the event types store different events under one name.
///
/// Several of them may include the same event type.
///
/// ```
/// use factos::Event;
///
/// #[derive(Event)]
/// struct FeePaid { cents: i64 }
///
/// #[derive(Event)]
/// enum Course { Closed, #[event(flatten)] Paid(FeePaid) }
///
/// factos::assert_distinct!(Course, FeePaid);
/// ```
///
/// ```compile_fail
/// # use factos::Event;
/// # #[derive(Event)]
/// # enum Course { Closed }
/// #[derive(Event)]
/// struct Closed;
///
/// factos::assert_distinct!(Course, Closed);
/// ```
#[macro_export]
macro_rules! assert_distinct {
    ($($event:ty),+ $(,)?) => {
        const _: () = {
            const PARTS: &[&[$crate::TypeInfo]] =
                &[$(<$event as $crate::Event>::SCHEMA.types),+];
            const TYPES: &[$crate::TypeInfo] =
                &$crate::__private::concat::<{ $crate::__private::count(PARTS) }, _>(
                    PARTS,
                    $crate::TypeInfo::new("", 0, ""),
                );
            $crate::__private::assert_distinct::<{ $crate::__private::names(TYPES) }>(TYPES, true);
        };
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn info(name: &'static str, origin: &'static str) -> TypeInfo {
        TypeInfo::new(name, 1, origin)
    }

    fn message(types: &'static [TypeInfo], shared: bool) -> Option<String> {
        let check = move || match names(types) {
            2 => assert_distinct::<2>(types, shared),
            3 => assert_distinct::<3>(types, shared),
            n => panic!("no case has {n} names"),
        };
        let panic = std::panic::catch_unwind(check).err()?;
        Some(panic.downcast_ref::<String>().unwrap().clone())
    }

    #[test]
    fn a_name_that_stands_twice_is_told_with_both_items() {
        let types = const { &[info("x", "m::A"), info("x", "m::B")] };
        let text = message(types, true).unwrap();
        assert!(text.starts_with("event type `x` is declared twice: in m::"), "{text}");
        assert!(text.contains("m::A") && text.contains("m::B"), "{text}");
        let alias = const { &[info("x", "m::A").with_aliases(&["y"]), info("y", "m::B")] };
        assert!(message(alias, false).unwrap().contains("`y` is declared twice"));
    }

    #[test]
    fn one_item_may_stand_twice_only_where_it_is_shared() {
        let twice = const { &[info("x", "m::A"), info("x", "m::A")] };
        assert_eq!(message(twice, true), None);
        assert_eq!(message(twice, false).unwrap(), "event type `x` of m::A stands twice");
    }

    #[test]
    fn many_names_are_sorted_by_their_hashes() {
        const NAMES: usize = 300;
        let names: Vec<String> = (0..NAMES).map(|i| format!("school.{i}")).collect();
        let types: Vec<_> = names.iter().map(|name| info(name.clone().leak(), "")).collect();
        let sorted = sorted::<NAMES>(&types);
        assert!(sorted.windows(2).all(|pair| pair[0].hash <= pair[1].hash));
        assert_distinct::<NAMES>(&types, false);
    }
}
