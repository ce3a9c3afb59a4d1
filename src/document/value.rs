//! A value as a tree. Hot paths read the bytes instead (`raw`); trees are for updates, projections and tests.

/// The largest distance from 1970 that a date of JavaScript has, in milliseconds.
pub(crate) const MAX_DATE: u64 = 8_640_000_000_000_000;

/// A value that a document can hold.
#[derive(Clone, Debug)]
pub enum Value {
    /// null
    Null,
    /// A boolean.
    Bool(bool),
    /// A number that is an int32 and not -0.
    Int(i32),
    /// Every other number.
    Double(f64),
    /// A BigInt.
    Long(i64),
    /// A string.
    String(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// An ObjectId.
    ObjectId([u8; 12]),
    /// Milliseconds since 1970.
    Date(i64),
    /// An array.
    Array(Vec<Value>),
    /// An object; its keys are in order and distinct.
    Object(Object),
}

/// An object's keys and values, in order.
pub type Object = Vec<(String, Value)>;

impl Value {
    /// A JavaScript number in its canonical form: an int32 becomes `Int`, everything else (and -0) `Double`.
    pub fn number(number: f64) -> Value {
        let int = number as i32;
        if f64::from(int) == number && !(int == 0 && number.is_sign_negative()) {
            Value::Int(int)
        } else {
            Value::Double(number)
        }
    }

    /// The name that messages use for the type, as `$type` has it.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Double(_) => "double",
            Value::Long(_) => "long",
            Value::String(_) => "string",
            Value::Binary(_) => "binData",
            Value::ObjectId(_) => "objectId",
            Value::Date(_) => "date",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        }
    }
}

/// Identity of stored values: same type, same bytes. NaN equals NaN, 0 differs from -0, 1 from 1n.
/// Comparison by MongoDB's rules is `order::compare`.
impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Double(a), Value::Double(b)) => (a.is_nan() && b.is_nan()) || a.to_bits() == b.to_bits(),
            (Value::Long(a), Value::Long(b)) | (Value::Date(a), Value::Date(b)) => a == b,
            (Value::String(a), Value::String(b)) => a == b,
            (Value::Binary(a), Value::Binary(b)) => a == b,
            (Value::ObjectId(a), Value::ObjectId(b)) => a == b,
            (Value::Array(a), Value::Array(b)) => a == b,
            (Value::Object(a), Value::Object(b)) => a == b,
            _ => false,
        }
    }
}
