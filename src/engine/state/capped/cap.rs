//! How large a capped collection may become.

use serde::{Deserialize, Serialize};

use crate::document::{Node, RawKind, RawValue, Value};
use crate::error::codes::Code;
use crate::error::{Error, Kind, Result, codes};

/// The most bytes, as in MongoDB: a PiB.
const MOST_BYTES: u64 = 1 << 50;
/// The most documents, as in MongoDB.
const MOST_DOCUMENTS: u64 = i32::MAX as u64;
/// Sizes are multiples of this, as in MongoDB.
const STEP: u64 = 256;

/// The limits of a capped collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cap {
    /// Bytes of its documents.
    pub(crate) size: u64,
    /// Documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max: Option<u64>,
}

impl Cap {
    /// Whether so much fits.
    pub(crate) fn holds(self, bytes: u64, documents: u64) -> bool {
        bytes <= self.size && self.max.is_none_or(|max| documents <= max)
    }

    /// Refuses a document that is larger than the collection may become.
    pub(crate) fn check(self, bytes: usize) -> Result<()> {
        if bytes as u64 <= self.size {
            return Ok(());
        }
        let message = format!(
            "object to insert exceeds cappedMaxSize: it has {bytes} bytes, and the capped collection holds {}",
            self.size
        );
        Err(Error::new(Kind::Limit, message).with_code(codes::BAD_VALUE))
    }

    /// As it is listed.
    pub(crate) fn fields(&self) -> Vec<(String, Value)> {
        let number = |number: u64| Value::number(number as f64);
        let mut fields =
            vec![("capped".to_owned(), Value::Bool(true)), ("size".to_owned(), number(self.size))];
        fields.extend(self.max.map(|max| ("max".to_owned(), number(max))));
        fields
    }

    /// The limits after an option of collMod; `None` if it is none of them.
    pub(crate) fn changed(self, option: &str, value: RawValue<'_>) -> Result<Option<Cap>> {
        match option {
            "cappedSize" => Ok(Some(Cap { size: size(option, value)?, ..self })),
            "cappedMax" => {
                let max = number(option, value)?;
                // As in MongoDB.
                let max = if max < 1.0 { None } else { Some(within(option, max, MOST_DOCUMENTS)?) };
                Ok(Some(Cap { max, ..self }))
            }
            _ => Ok(None),
        }
    }
}

/// The options of a new collection that are about its size.
#[derive(Default)]
pub(crate) struct CapGiven {
    capped: bool,
    size: Option<u64>,
    max: Option<u64>,
}

impl CapGiven {
    /// Reads one option; false if it is none of these.
    pub(crate) fn take(&mut self, name: &str, value: RawValue<'_>) -> Result<bool> {
        match name {
            "capped" => {
                let RawKind::Bool(capped) = value.kind() else {
                    return Err(refused("capped must be true or false", codes::TYPE_MISMATCH));
                };
                self.capped = capped;
            }
            "size" => self.size = Some(size(name, value)?),
            "max" => self.max = Some(within(name, number(name, value)?, MOST_DOCUMENTS)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The limits, if the collection is capped.
    pub(crate) fn finish(self) -> Result<Option<Cap>> {
        match (self.capped, self.size) {
            (true, Some(size)) => Ok(Some(Cap { size, max: self.max })),
            (true, None) => {
                let message = "the 'size' field is required when 'capped' is true; give the most bytes that its documents may take";
                Err(refused(message, codes::INVALID_OPTIONS))
            }
            (false, None) if self.max.is_none() => Ok(None),
            (false, _) => {
                let message =
                    "the 'capped' field needs to be true when either the 'size' or 'max' fields are present";
                Err(refused(message, codes::INVALID_OPTIONS))
            }
        }
    }
}

fn size(name: &str, value: RawValue<'_>) -> Result<u64> {
    Ok(within(name, number(name, value)?, MOST_BYTES)?.next_multiple_of(STEP))
}

fn number(name: &str, value: RawValue<'_>) -> Result<f64> {
    let wrong = || refused(format!("{name} must be a number"), codes::TYPE_MISMATCH);
    value.seen().truncated().ok_or_else(wrong)
}

fn within(name: &str, number: f64, most: u64) -> Result<u64> {
    if number >= 1.0 && number <= most as f64 {
        return Ok(number as u64);
    }
    let message = format!("{name} of a capped collection must be 1 to {most}, not {number}");
    Err(refused(message, codes::OUT_OF_RANGE))
}

fn refused(message: impl Into<String>, code: Code) -> Error {
    Error::new(Kind::BadQuery, message).with_code(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Shapes, encode_plain};

    fn parsed(given: &[(&str, Value)]) -> Result<Option<Cap>> {
        let mut cap = CapGiven::default();
        for (name, value) in given {
            let mut bytes = Vec::new();
            encode_plain(value, &mut bytes);
            assert!(cap.take(name, RawValue::new(&bytes, &Shapes::new()))?);
        }
        cap.finish()
    }

    #[test]
    fn a_size_is_a_multiple_of_256_and_hostile_numbers_are_refused() {
        let of = |size: Value| parsed(&[("capped", Value::Bool(true)), ("size", size)]);
        assert_eq!(of(Value::Int(1)).unwrap(), Some(Cap { size: 256, max: None }));
        assert_eq!(of(Value::Double(257.9)).unwrap(), Some(Cap { size: 512, max: None }));
        assert_eq!(of(Value::Long(1 << 50)).unwrap(), Some(Cap { size: 1 << 50, max: None }));
        for hostile in [0.0, -1.0, f64::NAN, f64::INFINITY, 2_f64.powi(53)] {
            assert_eq!(of(Value::Double(hostile)).unwrap_err().code(), Some(codes::OUT_OF_RANGE));
        }
        assert_eq!(of(Value::Null).unwrap_err().code(), Some(codes::TYPE_MISMATCH));
        let capped = ("capped", Value::Bool(true));
        assert_eq!(parsed(std::slice::from_ref(&capped)).unwrap_err().code(), Some(codes::INVALID_OPTIONS));
        let max = |max| parsed(&[capped.clone(), ("size", Value::Int(256)), ("max", Value::Double(max))]);
        assert_eq!(max(1.0).unwrap(), Some(Cap { size: 256, max: Some(1) }));
        assert!(max(0.0).is_err() && max(f64::NAN).is_err() && max(2_f64.powi(31)).is_err());
        let without = parsed(&[("capped", Value::Bool(false)), ("size", Value::Int(256))]);
        assert_eq!(without.unwrap_err().code(), Some(codes::INVALID_OPTIONS));
        assert_eq!(parsed(&[("capped", Value::Bool(false))]).unwrap(), None);
    }
}
