//! Which tag keys are valid, and the query method of a key.

use proc_macro2::{Ident, Span};

use crate::ident::generated;

/// Keys whose methods would hide a method of every query, or whose names Rust does not accept.
const RESERVED: [&str; 12] = [
    "any_type", "clone", "crate", "from", "into", "only", "or", "self", "Self", "super",
    "try_into", "widen",
];

/// Leaves room for `:` and one byte of a value within the limit of a tag.
const MAX_BYTES: usize = 253;

/// What is wrong with a key, if anything.
pub(crate) fn problem(key: &str) -> Option<String> {
    if let Some(problem) = text_problem(key, MAX_BYTES) {
        return Some(format!("a tag key {problem}"));
    }
    if key.contains(':') {
        return Some("a tag key holds no colon: the first colon of a tag ends its key".to_owned());
    }
    if key.starts_with("factos.") {
        return Some("tag keys from `factos.` on are reserved: choose another key".to_owned());
    }
    if RESERVED.contains(&key) || method(key, Span::call_site()).is_none() {
        return Some(format!("`{key}` cannot be a query method: choose another key"));
    }
    None
}

/// What is wrong with the text of a name or a key, if anything.
pub(crate) fn text_problem(text: &str, max_bytes: usize) -> Option<String> {
    if text.is_empty() {
        Some("cannot be empty".to_owned())
    } else if text.trim().is_empty() {
        Some("cannot be blank".to_owned())
    } else if text.chars().any(char::is_control) {
        Some("cannot hold a control character".to_owned())
    } else if text.len() > max_bytes {
        let bytes = text.len();
        Some(format!("has at most {max_bytes} bytes, this one has {bytes}"))
    } else {
        None
    }
}

/// The query method of a key. Characters that no identifier may have become `_`, keywords raw identifiers.
pub(crate) fn method(key: &str, span: Span) -> Option<Ident> {
    let to_ident = |c: char| if c.is_alphanumeric() { c } else { '_' };
    let mut name: String = key.chars().map(to_ident).collect();
    if name.starts_with(|c: char| c.is_numeric()) {
        name.insert(0, '_');
    }
    let name = [name.clone(), format!("r#{name}")]
        .into_iter()
        .find_map(|name| syn::parse_str::<Ident>(&name).ok());
    name.map(|mut name| {
        name.set_span(span);
        generated(&name)
    })
}
