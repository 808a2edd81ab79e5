use super::meta_item::MetaItem;

/// Accepts one of the known keys. The error about any other suggests the key that was probably meant.
pub(super) fn check(item: &MetaItem, key: &str, keys: &[&str]) -> syn::Result<()> {
    if keys.contains(&key) {
        return Ok(());
    }
    let hint = match (near(key, keys), keys) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, [only]) => format!("expected `{only}`"),
        (None, _) => format!("expected one of {}", quoted(keys.iter().copied())),
    };
    Err(item.error(format!("unknown key `{key}`, {hint}")))
}

/// The key that was probably meant.
pub(super) fn near<'a>(key: &str, keys: &[&'a str]) -> Option<&'a str> {
    keys.iter().copied().find(|known| is_near(key, known))
}

pub(super) fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// Whether one is the other with at most two typing mistakes: a letter too many, too few, wrong, or two
/// swapped.
fn is_near(a: &str, b: &str) -> bool {
    is_within(a.as_bytes(), b.as_bytes(), b.len().min(6) / 3)
}

fn is_within(a: &[u8], b: &[u8], slips: usize) -> bool {
    let (Some((x, a_rest)), Some((y, b_rest))) = (a.split_first(), b.split_first()) else {
        return a.len().max(b.len()) <= slips;
    };
    if x == y {
        return is_within(a_rest, b_rest, slips);
    }
    let Some(slips) = slips.checked_sub(1) else {
        return false;
    };
    let swapped = match (a, b) {
        ([a1, a2, a_rest @ ..], [b1, b2, b_rest @ ..]) if a1 == b2 && a2 == b1 => {
            is_within(a_rest, b_rest, slips)
        }
        _ => false,
    };
    swapped
        || is_within(a_rest, b_rest, slips)
        || is_within(a_rest, b, slips)
        || is_within(a, b_rest, slips)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_near_and_another_word_is_not() {
        for slip in ["verison", "versoin", "vesion", "Version", "versions"] {
            assert!(is_near(slip, "version"), "{slip}");
        }
        for (a, b) in [("alias", "name"), ("since", "version"), ("with", "key"), ("kind", "name")] {
            assert!(!is_near(a, b), "{a}");
        }
        assert!(is_near("nmae", "name"));
        assert!(is_near("rename-all", "rename_all"));
        assert!(!is_near(&"x".repeat(1000), "version"));
    }
}
