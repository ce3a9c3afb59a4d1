//! One interface to encoded bytes and trees, so that order, paths and filters are written once.

use super::value::Value;
use crate::document::encoding::raw::{RawKind, RawValue};

/// What a node is, with its content where that is small. Elements and fields are read from the node.
#[derive(Clone, Copy, Debug)]
pub enum NodeKind<'a> {
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

/// Types that compare by value with one another. Comparisons of a filter never leave the operand's class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// null, and what is missing
    Null,
    /// int, long and double
    Number,
    /// Strings.
    String,
    /// Objects.
    Object,
    /// Arrays.
    Array,
    /// Bytes.
    Binary,
    /// ObjectIds.
    ObjectId,
    /// Booleans.
    Bool,
    /// Dates.
    Date,
}

impl NodeKind<'_> {
    /// The name that messages use for the type, as `$type` has it.
    pub const fn type_name(&self) -> &'static str {
        match self {
            NodeKind::Null => "null",
            NodeKind::Bool(_) => "bool",
            NodeKind::Int(_) => "int",
            NodeKind::Double(_) => "double",
            NodeKind::Long(_) => "long",
            NodeKind::String(_) => "string",
            NodeKind::Binary(_) => "binData",
            NodeKind::ObjectId(_) => "objectId",
            NodeKind::Date(_) => "date",
            NodeKind::Array => "array",
            NodeKind::Object => "object",
        }
    }

    /// The class that the order puts it in.
    #[inline]
    pub fn class(&self) -> Class {
        match self {
            NodeKind::Null => Class::Null,
            NodeKind::Int(_) | NodeKind::Double(_) | NodeKind::Long(_) => Class::Number,
            NodeKind::String(_) => Class::String,
            NodeKind::Object => Class::Object,
            NodeKind::Array => Class::Array,
            NodeKind::Binary(_) => Class::Binary,
            NodeKind::ObjectId(_) => Class::ObjectId,
            NodeKind::Bool(_) => Class::Bool,
            NodeKind::Date(_) => Class::Date,
        }
    }
}

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
    #[inline]
    fn seen(self) -> NodeKind<'a> {
        match self.kind() {
            RawKind::Null => NodeKind::Null,
            RawKind::Bool(value) => NodeKind::Bool(value),
            RawKind::Int(value) => NodeKind::Int(value),
            RawKind::Double(value) => NodeKind::Double(value),
            RawKind::Long(value) => NodeKind::Long(value),
            RawKind::String(bytes) => NodeKind::String(bytes),
            RawKind::Binary(bytes) => NodeKind::Binary(bytes),
            RawKind::ObjectId(bytes) => NodeKind::ObjectId(bytes),
            RawKind::Date(millis) => NodeKind::Date(millis),
            RawKind::Array(_) => NodeKind::Array,
            RawKind::Object(_) => NodeKind::Object,
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
            Value::Array(_) => NodeKind::Array,
            Value::Object(_) => NodeKind::Object,
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
