//! BSON to trees. Nothing of the bytes is trusted: lengths are those of what is there, and nesting ends at the limit of a document.

use super::{MAX_LENGTH, kind};
use crate::document::value::MAX_DATE;
use crate::document::{MAX_DEPTH, Object, Value};

/// Why a document cannot be read, and the dotted path of the value that is the reason; empty for the document itself.
#[derive(Debug, PartialEq)]
pub(in crate::engine::transfer) struct Refused {
    pub(in crate::engine::transfer) path: String,
    pub(in crate::engine::transfer) message: String,
}

impl Refused {
    fn new(message: impl Into<String>) -> Refused {
        Refused { path: String::new(), message: message.into() }
    }

    fn inside(mut self, key: &str) -> Refused {
        self.path = if self.path.is_empty() { key.to_owned() } else { format!("{key}.{}", self.path) };
        self
    }
}

type Outcome<T> = Result<T, Refused>;

/// The length that the document at the start of these bytes says it has, if that is possible and all of it is there.
pub(in crate::engine::transfer) fn length(bytes: &[u8]) -> Outcome<usize> {
    let Some(head) = bytes.first_chunk() else {
        return Err(Refused::new(format!("it ends after {} bytes, within a length", bytes.len())));
    };
    let says = i32::from_le_bytes(*head);
    match usize::try_from(says) {
        Ok(length) if (5..=MAX_LENGTH).contains(&length) => {
            if length > bytes.len() {
                return Err(Refused::new(format!("it says {length} bytes, and ends after {}", bytes.len())));
            }
            Ok(length)
        }
        _ => Err(Refused::new(format!("it says {says} bytes; a document has 5 to {MAX_LENGTH}"))),
    }
}

/// The document that these bytes are.
pub(in crate::engine::transfer) fn document(bytes: &[u8]) -> Outcome<Value> {
    let mut reader = Reader { rest: bytes };
    let fields = reader.object(1)?;
    if !reader.rest.is_empty() {
        return Err(Refused::new(format!("{} bytes follow its end", reader.rest.len())));
    }
    Ok(Value::Object(fields))
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn object(&mut self, level: usize) -> Outcome<Object> {
        let mut body = self.body(level)?;
        let mut fields = Object::new();
        while let Some((of, key)) = body.head()? {
            let value = body.value(of, level).map_err(|refused| refused.inside(key))?;
            fields.push((key.to_owned(), value));
        }
        Ok(fields)
    }

    /// The keys of an array are its indexes, which no reader looks at.
    fn array(&mut self, level: usize) -> Outcome<Vec<Value>> {
        let mut body = self.body(level)?;
        let mut items = Vec::new();
        while let Some((of, _)) = body.head()? {
            let value = body.value(of, level).map_err(|refused| refused.inside(&items.len().to_string()))?;
            items.push(value);
        }
        Ok(items)
    }

    /// A reader of what is between the length and the zero at the end.
    fn body(&mut self, level: usize) -> Outcome<Reader<'a>> {
        if level > MAX_DEPTH {
            return Err(Refused::new(format!("it is nested deeper than {MAX_DEPTH} levels")));
        }
        let length = length(self.rest)?;
        let whole = self.take(length)?;
        match whole.split_last() {
            Some((0, body)) => Ok(Reader { rest: body.get(4..).unwrap_or_default() }),
            _ => Err(Refused::new("it does not end where its length says")),
        }
    }

    /// The type and the key of the next value; nothing at the end.
    fn head(&mut self) -> Outcome<Option<(u8, &'a str)>> {
        let Some((of, rest)) = self.rest.split_first() else { return Ok(None) };
        self.rest = rest;
        Ok(Some((*of, self.name()?)))
    }

    fn value(&mut self, of: u8, level: usize) -> Outcome<Value> {
        Ok(match of {
            kind::DOUBLE => Value::number(f64::from_le_bytes(self.chunk()?)),
            kind::STRING => Value::String(self.text()?.to_owned()),
            kind::OBJECT => Value::Object(self.object(level + 1)?),
            kind::ARRAY => Value::Array(self.array(level + 1)?),
            kind::BINARY => Value::Binary(self.binary()?.to_vec()),
            kind::OBJECT_ID => Value::ObjectId(self.chunk()?),
            kind::BOOL => match self.chunk()? {
                [0] => Value::Bool(false),
                [1] => Value::Bool(true),
                [other] => return Err(Refused::new(format!("a boolean is {other}"))),
            },
            kind::DATE => {
                let millis = i64::from_le_bytes(self.chunk()?);
                if millis.unsigned_abs() > MAX_DATE {
                    let message = format!("the date of {millis} ms is outside of what JavaScript has");
                    return Err(Refused::new(message));
                }
                Value::Date(millis)
            }
            kind::NULL => Value::Null,
            kind::INT => Value::Int(i32::from_le_bytes(self.chunk()?)),
            kind::LONG => Value::Long(i64::from_le_bytes(self.chunk()?)),
            other => {
                return Err(Refused::new(match name_of(other) {
                    Some(name) => format!("{name} is a type that cannot be stored"),
                    None => format!("0x{other:02x} is no type of BSON"),
                }));
            }
        })
    }

    fn binary(&mut self) -> Outcome<&'a [u8]> {
        let says = i32::from_le_bytes(self.chunk()?);
        let [sub_type] = self.chunk()?;
        let bytes = self.take(usize::try_from(says).unwrap_or(usize::MAX))?;
        if sub_type != 0 {
            let name = if sub_type == 4 { ", a UUID" } else { "" };
            let message = format!("binary of the subtype {sub_type:02x}{name}; only 00 can be stored");
            return Err(Refused::new(message));
        }
        Ok(bytes)
    }

    fn text(&mut self) -> Outcome<&'a str> {
        let says = i32::from_le_bytes(self.chunk()?);
        let bytes = self.take(usize::try_from(says).unwrap_or(usize::MAX))?;
        match bytes.split_last() {
            Some((0, text)) => utf8(text),
            _ => Err(Refused::new("a string does not end with a zero")),
        }
    }

    /// A text up to a zero.
    fn name(&mut self) -> Outcome<&'a str> {
        let Some(end) = memchr::memchr(0, self.rest) else {
            return Err(Refused::new("a key does not end"));
        };
        let name = self.take(end)?;
        self.take(1)?;
        utf8(name)
    }

    fn chunk<const N: usize>(&mut self) -> Outcome<[u8; N]> {
        let Some((chunk, rest)) = self.rest.split_first_chunk() else { return Err(self.short(N)) };
        self.rest = rest;
        Ok(*chunk)
    }

    fn take(&mut self, length: usize) -> Outcome<&'a [u8]> {
        let Some((taken, rest)) = self.rest.split_at_checked(length) else { return Err(self.short(length)) };
        self.rest = rest;
        Ok(taken)
    }

    fn short(&self, length: usize) -> Refused {
        Refused::new(format!("a value says {length} bytes, and {} are left", self.rest.len()))
    }
}

fn utf8(bytes: &[u8]) -> Outcome<&str> {
    std::str::from_utf8(bytes).map_err(|_| Refused::new("text that is not UTF-8"))
}

/// The names of the types that cannot be stored.
fn name_of(of: u8) -> Option<&'static str> {
    Some(match of {
        0x06 => "undefined",
        0x0b => "a regular expression",
        0x0c => "a DBPointer",
        0x0d | 0x0f => "code",
        0x0e => "a symbol",
        0x11 => "a timestamp",
        0x13 => "Decimal128",
        0x7f => "MaxKey",
        0xff => "MinKey",
        _ => return None,
    })
}
