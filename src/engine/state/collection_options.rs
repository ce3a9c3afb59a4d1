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
        let mut options = CollectionOptions::default();
        for (name, value) in given.fields() {
            if !options.take(name, value)? {
                return Err(refused(format!("a collection has no option '{name}'")));
            }
        }
        Ok(options)
    }

    /// Reads one option; false if it is none.
    pub(crate) fn take(&mut self, name: &str, value: RawValue<'_>) -> Result<bool> {
        if name != "changeStreamPreAndPostImages" {
            return Ok(false);
        }
        let Some(RawKind::Bool(enabled)) = value.get("enabled").map(|enabled| enabled.kind()) else {
            let what = "changeStreamPreAndPostImages must be { enabled: true } or { enabled: false }";
            return Err(refused(what));
        };
        self.change_stream_pre_and_post_images = Some(Images { enabled });
        Ok(true)
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
        Value::Object(self.fields())
    }

    fn fields(&self) -> Vec<(String, Value)> {
        let images = self.change_stream_pre_and_post_images.map(|images| {
            let enabled = Value::Object(vec![("enabled".to_owned(), Value::Bool(images.enabled))]);
            ("changeStreamPreAndPostImages".to_owned(), enabled)
        });
        images.into_iter().collect()
    }

    /// The options that these have not, or have otherwise.
    pub(crate) fn changes_since(&self, before: &CollectionOptions) -> Vec<(String, Value)> {
        let before = before.fields();
        self.fields().into_iter().filter(|option| !before.contains(option)).collect()
    }
}

fn refused(what: impl Into<String>) -> Error {
    Error::new(Kind::BadQuery, what).with_code(codes::FAILED_TO_PARSE)
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
