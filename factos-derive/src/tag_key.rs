//! What a tag key may be, and the query method that it becomes.

use proc_macro2::{Ident, Span};

use crate::ident::generated;

/// Keys whose methods would hide one that every query has, or that Rust does not accept as a name.
const RESERVED: [&str; 10] =
    ["clone", "crate", "from", "into", "or", "self", "Self", "super", "try_into", "widen"];

/// `:` and one byte of a value must still fit into a tag.
const MAX_BYTES: usize = 253;

/// What is wrong with a key.
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

/// What is wrong with a name or a key as a text.
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

/// The query method of a key: what no identifier holds becomes `_`, keywords become raw.
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
