//! Numbers and values in the records of a spill.

use crate::document::{RawValue, Shapes, Value, encode_plain};
use crate::error::{Error, Kind, Result};

/// Appends a number.
pub(crate) fn put_u64(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&number.to_le_bytes());
}

/// Appends bytes after their length.
pub(crate) fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_u64(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Appends a value after the length of its bytes.
pub(crate) fn put_value(value: &Value, out: &mut Vec<u8>) {
    let start = out.len();
    put_u64(0, out);
    encode_plain(value, out);
    let len = (out.len() - start - 8) as u64;
    if let Some(head) = out.get_mut(start..start + 8) {
        head.copy_from_slice(&len.to_le_bytes());
    }
}

/// Appends whether there is a value, and the value.
pub(crate) fn put_optional(value: Option<&Value>, out: &mut Vec<u8>) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put_value(value, out);
    }
}

/// The value of plain bytes.
pub(crate) fn value_of(bytes: &[u8]) -> Value {
    RawValue::new(bytes, Shapes::none()).to_value()
}

/// What is left of a record. Pages are verified, so a record that is too short is a defect.
pub(crate) struct Reading<'a>(&'a [u8]);

impl<'a> Reading<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Reading<'a> {
        Reading(bytes)
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or_else(short)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    pub(crate) fn u64(&mut self) -> Result<u64> {
        self.take(8)?.try_into().map(u64::from_le_bytes).map_err(|_| short())
    }

    pub(crate) fn len(&mut self) -> Result<usize> {
        usize::try_from(self.u64()?).map_err(|_| short())
    }

    pub(crate) fn f64(&mut self) -> Result<f64> {
        Ok(f64::from_bits(self.u64()?))
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8]> {
        let len = self.len()?;
        self.take(len)
    }

    pub(crate) fn value(&mut self) -> Result<Value> {
        Ok(value_of(self.bytes()?))
    }

    pub(crate) fn optional(&mut self) -> Result<Option<Value>> {
        if self.byte()? == 0 { Ok(None) } else { self.value().map(Some) }
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }
}

#[cold]
fn short() -> Error {
    Error::new(Kind::Internal, "a record of a temporary file is too short; please report it")
}
