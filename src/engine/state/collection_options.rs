//! The options of a collection, as the log keeps them: JSON, empty for none.

use serde::{Deserialize, Serialize};

use crate::document::{Node, RawKind, RawValue, Value};
use crate::error::{Error, Kind, Result, codes};

/// Whether the log keeps documents as they were before a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Images {
    enabled: bool,
}

/// The options of a collection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct CollectionOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    change_stream_pre_and_post_images: Option<Images>,
}

impl CollectionOptions {
    /// Reads an object `{ changeStreamPreAndPostImages: { enabled } }` from the boundary.
    pub(crate) fn parse(given: RawValue<'_>) -> Result<CollectionOptions> {
        let refused =
            |what: &str| Error::new(Kind::BadQuery, what.to_owned()).with_code(codes::FAILED_TO_PARSE);
        let mut options = CollectionOptions::default();
        for (name, value) in given.fields() {
            if name != "changeStreamPreAndPostImages" {
                return Err(refused(&format!("a collection has no option '{name}'")));
            }
            match value.get("enabled").map(|enabled| enabled.kind()) {
                Some(RawKind::Bool(enabled)) => {
                    options.change_stream_pre_and_post_images = Some(Images { enabled });
                }
                _ => {
                    return Err(refused(
                        "changeStreamPreAndPostImages must be { enabled: true } or { enabled: false }",
                    ));
                }
            }
        }
        Ok(options)
    }

    /// Reads what the log has.
    pub(crate) fn decode(bytes: &[u8]) -> Option<CollectionOptions> {
        if bytes.is_empty() {
            return Some(CollectionOptions::default());
        }
        serde_json::from_slice(bytes).ok()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        if *self == CollectionOptions::default() {
            return Vec::new();
        }
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether updates, replacements and deletions are logged with the document before.
    pub(crate) fn keeps_images(&self) -> bool {
        self.change_stream_pre_and_post_images.is_some_and(|images| images.enabled)
    }

    /// As they are listed.
    pub(crate) fn to_value(&self) -> Value {
        let images = self.change_stream_pre_and_post_images.map(|images| {
            let enabled = Value::Object(vec![("enabled".to_owned(), Value::Bool(images.enabled))]);
            ("changeStreamPreAndPostImages".to_owned(), enabled)
        });
        Value::Object(images.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_as_they_were_written_and_unknown_ones_are_none() {
        assert!(CollectionOptions::default().encode().is_empty());
        let options = CollectionOptions { change_stream_pre_and_post_images: Some(Images { enabled: true }) };
        assert_eq!(options.encode(), br#"{"changeStreamPreAndPostImages":{"enabled":true}}"#);
        assert_eq!(CollectionOptions::decode(&options.encode()), Some(options));
        assert_eq!(CollectionOptions::decode(br#"{"capped":true}"#), None);
        assert_eq!(CollectionOptions::decode(b"{"), None);
    }
}
