//! The rules for the text of every event type, stream name, tag and metadata entry: checked once, when the
//! value is built.

use std::{convert::Infallible, fmt};

/// The longest event type, tag, stream name or metadata key, in bytes of UTF-8.
pub const MAX_TEXT_BYTES: usize = 255;

/// The error of a text that cannot be a name or a metadata value: which kind of text, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {problem}")]
pub struct InvalidText {
    what: &'static str,
    problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Problem {
    Empty,
    TooLong { bytes: usize },
    Control { character: char, at: usize },
    NoColon { text: String },
    ColonInKey { key: String },
    Reserved { key: String },
}

impl InvalidText {
    pub(crate) fn no_colon(text: &str) -> Self {
        Self { what: "tag", problem: Problem::NoColon { text: text.to_owned() } }
    }

    pub(crate) fn colon_in_key(key: &str) -> Self {
        Self { what: "tag key", problem: Problem::ColonInKey { key: key.to_owned() } }
    }

    pub(crate) fn reserved_key(key: &str) -> Self {
        Self { what: "tag key", problem: Problem::Reserved { key: key.to_owned() } }
    }
}

/// A valid name needs no check, so its conversion cannot fail.
impl From<Infallible> for InvalidText {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "is empty"),
            Self::TooLong { bytes } => {
                write!(f, "has {bytes} bytes, at most {MAX_TEXT_BYTES} are allowed")
            }
            Self::Control { character, at } => {
                write!(f, "holds the control character {character:?} at byte {at}")
            }
            Self::NoColon { text } => write!(f, "{text:?} is not of the form `key:value`"),
            Self::ColonInKey { key } => write!(f, "{key:?} holds a colon"),
            Self::Reserved { key } => write!(f, "{key:?} is reserved"),
        }
    }
}

/// Checks a name: 1 to [`MAX_TEXT_BYTES`] bytes, no control characters.
pub(crate) fn check_name(what: &'static str, text: &str) -> Result<(), InvalidText> {
    if (1..=MAX_TEXT_BYTES).contains(&text.len()) && is_plain(text.as_bytes()) {
        return Ok(());
    }
    if text.is_empty() {
        return Err(InvalidText { what, problem: Problem::Empty });
    }
    if text.len() > MAX_TEXT_BYTES {
        return Err(InvalidText { what, problem: Problem::TooLong { bytes: text.len() } });
    }
    reject(what, text, char::is_control)
}

/// Whether there are only printable ASCII characters, as in most names: without a branch a byte, so that
/// a row that is read costs little.
fn is_plain(bytes: &[u8]) -> bool {
    bytes.iter().fold(true, |plain, byte| plain & (*byte >= 0x20) & (*byte < 0x7F))
}

/// Checks a free text: anything but U+0000.
pub(crate) fn check_value(what: &'static str, text: &str) -> Result<(), InvalidText> {
    if text.as_bytes().contains(&0) { reject(what, text, |c| c == '\0') } else { Ok(()) }
}

fn reject(what: &'static str, text: &str, bad: fn(char) -> bool) -> Result<(), InvalidText> {
    match text.char_indices().find(|(_, c)| bad(*c)) {
        Some((at, character)) => {
            Err(InvalidText { what, problem: Problem::Control { character, at } })
        }
        None => Ok(()),
    }
}

/// The same rules as [`check_name`] for literals, at compile time.
pub(crate) const fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.is_empty() || bytes.len() > MAX_TEXT_BYTES {
        return false;
    }
    let mut i = 0;
    while i < bytes.len() {
        // U+0080 to U+009F, the other block of control characters, is C2 80 to C2 9F in UTF-8.
        let second_block = bytes[i] == 0xC2 && i + 1 < bytes.len() && bytes[i + 1] < 0xA0;
        if bytes[i] < 0x20 || bytes[i] == 0x7F || second_block {
            return false;
        }
        i += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_const_check_agrees_with_the_checked_one() {
        for c in (0..=0x2FFF).filter_map(char::from_u32) {
            let text = format!("a{c}b");
            assert_eq!(is_name(&text), check_name("x", &text).is_ok(), "{c:?}");
        }
        for bytes in [0, 1, MAX_TEXT_BYTES, MAX_TEXT_BYTES + 1] {
            let text = "x".repeat(bytes);
            assert_eq!(is_name(&text), check_name("x", &text).is_ok(), "{bytes} bytes");
        }
    }

    #[test]
    fn messages_say_what_is_wrong_and_where() {
        let text = |r: Result<(), InvalidText>| r.unwrap_err().to_string();
        assert_eq!(text(check_name("tag", "")), "tag is empty");
        assert_eq!(
            text(check_name("tag", &"x".repeat(300))),
            "tag has 300 bytes, at most 255 are allowed"
        );
        assert_eq!(
            text(check_name("tag", "a\nb")),
            "tag holds the control character '\\n' at byte 1"
        );
        assert_eq!(
            text(check_value("metadata value", "ab\0")),
            "metadata value holds the control character '\\0' at byte 2"
        );
    }
}
