//! One interface to encoded bytes and trees, so that order, paths and filters are written once.

use super::kind::NodeKind;
use super::value::Value;
use crate::document::encoding::raw::RawValue;

/// A value to read: encoded, or a tree.
pub trait Node<'a>: Copy {
    /// What it is.
    fn seen(self) -> NodeKind<'a>;
    /// The elements of an array; nothing for other values.
    fn items(self) -> impl Iterator<Item = Self>;
    /// The fields of an object; nothing for other values.
    fn fields(self) -> impl Iterator<Item = (&'a str, Self)>;
    /// One field of an object.
    fn field(self, key: &str) -> Option<Self>;
    /// The value as a tree of its own.
    fn tree(self) -> Value;
}

impl<'a> Node<'a> for RawValue<'a> {
    #[inline(always)]
    fn seen(self) -> NodeKind<'a> {
        self.kind().outline()
    }

    #[inline]
    fn items(self) -> impl Iterator<Item = Self> {
        self.as_array().into_iter().flat_map(|array| array.iter())
    }

    #[inline]
    fn fields(self) -> impl Iterator<Item = (&'a str, Self)> {
        self.as_object().into_iter().flat_map(|object| object.iter())
    }

    #[inline]
    fn field(self, key: &str) -> Option<Self> {
        self.get(key)
    }

    fn tree(self) -> Value {
        self.to_value()
    }
}

impl<'a> Node<'a> for &'a Value {
    fn seen(self) -> NodeKind<'a> {
        match self {
            Value::Null => NodeKind::Null,
            Value::Bool(value) => NodeKind::Bool(*value),
            Value::Int(value) => NodeKind::Int(*value),
            Value::Double(value) => NodeKind::Double(*value),
            Value::Long(value) => NodeKind::Long(*value),
            Value::String(text) => NodeKind::String(text.as_bytes()),
            Value::Binary(bytes) => NodeKind::Binary(bytes),
            Value::ObjectId(bytes) => NodeKind::ObjectId(bytes),
            Value::Date(millis) => NodeKind::Date(*millis),
            Value::Array(_) => NodeKind::Array(()),
            Value::Object(_) => NodeKind::Object(()),
        }
    }

    fn items(self) -> impl Iterator<Item = Self> {
        match self {
            Value::Array(items) => items.iter(),
            _ => [].iter(),
        }
    }

    fn fields(self) -> impl Iterator<Item = (&'a str, Self)> {
        let fields = match self {
            Value::Object(fields) => fields.iter(),
            _ => [].iter(),
        };
        fields.map(|(key, value)| (key.as_str(), value))
    }

    fn field(self, key: &str) -> Option<Self> {
        self.fields().find(|(own, _)| *own == key).map(|(_, value)| value)
    }

    fn tree(self) -> Value {
        self.clone()
    }
}
