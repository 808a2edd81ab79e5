//! Metadata as the text of its column: a JSON object.

use factos::Metadata;

/// Most events have no metadata, and need no parser.
const NO_METADATA: &str = "{}";

/// The text of a metadata column.
pub(crate) fn metadata_text(metadata: &Metadata) -> Result<String, serde_json::Error> {
    if metadata.is_empty() { Ok(NO_METADATA.to_owned()) } else { serde_json::to_string(metadata) }
}

/// The metadata that a column holds; none if the text is not metadata.
pub(crate) fn metadata_of(text: &str) -> Option<Metadata> {
    match text {
        NO_METADATA => Some(Metadata::new()),
        json => serde_json::from_str(json).ok(),
    }
}
