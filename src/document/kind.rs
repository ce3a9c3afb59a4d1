//! What a value is: one list of kinds for encoded bytes and trees.

/// What a value is, with its content where that is small. `A` and `O` are what is known of an array and of an object.
#[derive(Clone, Copy, Debug)]
pub enum ValueKind<'a, A, O> {
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
    Array(A),
    /// An object.
    Object(O),
}

/// The kind of a node. Elements and fields are read from the node itself.
pub type NodeKind<'a> = ValueKind<'a, (), ()>;

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

impl<'a, A, O> ValueKind<'a, A, O> {
    /// A number without its fraction.
    pub fn truncated(&self) -> Option<f64> {
        match self {
            ValueKind::Int(number) => Some(*number as f64),
            ValueKind::Long(number) => Some(*number as f64),
            ValueKind::Double(number) => Some(number.trunc()),
            _ => None,
        }
    }

    /// The name that messages use for the type, as `$type` has it.
    pub const fn type_name(&self) -> &'static str {
        match self {
            ValueKind::Null => "null",
            ValueKind::Bool(_) => "bool",
            ValueKind::Int(_) => "int",
            ValueKind::Double(_) => "double",
            ValueKind::Long(_) => "long",
            ValueKind::String(_) => "string",
            ValueKind::Binary(_) => "binData",
            ValueKind::ObjectId(_) => "objectId",
            ValueKind::Date(_) => "date",
            ValueKind::Array(_) => "array",
            ValueKind::Object(_) => "object",
        }
    }

    /// The class that the order puts it in.
    #[inline]
    pub fn class(&self) -> Class {
        match self {
            ValueKind::Null => Class::Null,
            ValueKind::Int(_) | ValueKind::Double(_) | ValueKind::Long(_) => Class::Number,
            ValueKind::String(_) => Class::String,
            ValueKind::Object(_) => Class::Object,
            ValueKind::Array(_) => Class::Array,
            ValueKind::Binary(_) => Class::Binary,
            ValueKind::ObjectId(_) => Class::ObjectId,
            ValueKind::Bool(_) => Class::Bool,
            ValueKind::Date(_) => Class::Date,
        }
    }

    /// The kind without what is known of arrays and objects.
    #[inline]
    pub fn outline(self) -> NodeKind<'a> {
        match self {
            ValueKind::Null => ValueKind::Null,
            ValueKind::Bool(value) => ValueKind::Bool(value),
            ValueKind::Int(value) => ValueKind::Int(value),
            ValueKind::Double(value) => ValueKind::Double(value),
            ValueKind::Long(value) => ValueKind::Long(value),
            ValueKind::String(bytes) => ValueKind::String(bytes),
            ValueKind::Binary(bytes) => ValueKind::Binary(bytes),
            ValueKind::ObjectId(bytes) => ValueKind::ObjectId(bytes),
            ValueKind::Date(millis) => ValueKind::Date(millis),
            ValueKind::Array(_) => ValueKind::Array(()),
            ValueKind::Object(_) => ValueKind::Object(()),
        }
    }
}
