//! One interface to encoded bytes and trees, so that order, paths and filters are written once.

use super::value::Value;
use crate::document::encoding::raw::{RawKind, RawValue};

/// What a node is, with its content where that is small. Elements and fields are read from the node.
#[derive(Clone, Copy, Debug)]
pub enum Seen<'a> {
    /// null
    Null,
    /// A boolean.
    Bool(bool),
    /// An int32.
    Int(i32),
    /// A float64.
    Double(f64),
    /// A BigInt.
    Long(i64),
    /// A string, as UTF-8 bytes.
    String(&'a [u8]),
    /// Bytes.
    Binary(&'a [u8]),
    /// An ObjectId.
    ObjectId(&'a [u8; 12]),
    /// Milliseconds since 1970.
    Date(i64),
    /// An array.
    Array,
    /// An object.
    Object,
}

impl Seen<'_> {
    /// The name that messages use for the type, as `$type` has it.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Seen::Null => "null",
            Seen::Bool(_) => "bool",
            Seen::Int(_) => "int",
            Seen::Double(_) => "double",
            Seen::Long(_) => "long",
            Seen::String(_) => "string",
            Seen::Binary(_) => "binData",
            Seen::ObjectId(_) => "objectId",
            Seen::Date(_) => "date",
            Seen::Array => "array",
            Seen::Object => "object",
        }
    }
}

/// A value to read: encoded, or a tree.
pub trait Node<'a>: Copy {
    /// What it is.
    fn seen(self) -> Seen<'a>;
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
    #[inline]
    fn seen(self) -> Seen<'a> {
        match self.kind() {
            RawKind::Null => Seen::Null,
            RawKind::Bool(value) => Seen::Bool(value),
            RawKind::Int(value) => Seen::Int(value),
            RawKind::Double(value) => Seen::Double(value),
            RawKind::Long(value) => Seen::Long(value),
            RawKind::String(bytes) => Seen::String(bytes),
            RawKind::Binary(bytes) => Seen::Binary(bytes),
            RawKind::ObjectId(bytes) => Seen::ObjectId(bytes),
            RawKind::Date(millis) => Seen::Date(millis),
            RawKind::Array(_) => Seen::Array,
            RawKind::Object(_) => Seen::Object,
        }
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
    fn seen(self) -> Seen<'a> {
        match self {
            Value::Null => Seen::Null,
            Value::Bool(value) => Seen::Bool(*value),
            Value::Int(value) => Seen::Int(*value),
            Value::Double(value) => Seen::Double(*value),
            Value::Long(value) => Seen::Long(*value),
            Value::String(text) => Seen::String(text.as_bytes()),
            Value::Binary(bytes) => Seen::Binary(bytes),
            Value::ObjectId(bytes) => Seen::ObjectId(bytes),
            Value::Date(millis) => Seen::Date(*millis),
            Value::Array(_) => Seen::Array,
            Value::Object(_) => Seen::Object,
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
