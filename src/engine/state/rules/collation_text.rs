//! The collation of a collection in its options as the log keeps them: the document with all of its fields, as base64.

use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::document::{Collation, RawValue, Shapes, encode_plain, incoming};

/// Writes a collation.
pub(crate) fn write<S: Serializer>(
    collation: &Collation,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    let mut bytes = Vec::new();
    if let Some(fields) = collation.to_value() {
        encode_plain(&fields, &mut bytes);
    }
    BASE64.encode(&bytes).serialize(serializer)
}

/// Reads a collation.
pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Collation, D::Error> {
    use serde::de::Error as _;
    let text = String::deserialize(deserializer)?;
    let bytes = BASE64.decode(text.as_bytes()).map_err(D::Error::custom)?;
    let shapes = Shapes::new();
    incoming::check(&bytes, &shapes).map_err(|error| D::Error::custom(error.message()))?;
    Collation::parse(RawValue::new(&bytes, &shapes)).map_err(|error| D::Error::custom(error.message()))
}
