//! What can be wrong with a value, and where.
//!
//! A path is built only while a refusal unwinds, so that a value that is right pays nothing for it.

use std::fmt;

use crate::document::{MAX_DEPTH, MAX_DOCUMENT};
use crate::error::codes::{self, Code};
use crate::error::{Details, Error, Kind};

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    EndsEarly,
    LeftOver(usize),
    TooDeep,
    TooLarge(usize),
    NotUtf8,
    NotSmallest(u8),
    NotNumber,
    BadDate,
    Extension(u8),
    Token(u8),
    UnknownShape(u16),
    KeyNotString,
    RepeatedKey,
}

impl Fault {
    /// MongoDB's number of it in a caller's value.
    fn code(&self) -> Code {
        match self {
            Fault::TooDeep => codes::OVERFLOW,
            Fault::TooLarge(_) => codes::BSON_OBJECT_TOO_LARGE,
            _ => codes::BAD_VALUE,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::EndsEarly => f.write_str("the bytes end inside a value"),
            Fault::LeftOver(count) => write!(f, "{count} bytes follow the value"),
            Fault::TooDeep => {
                write!(f, "nested deeper than {MAX_DEPTH} levels; flatten it or split it into documents")
            }
            Fault::TooLarge(len) => write!(
                f,
                "{len} bytes encoded, more than the {} of the limit; split it into documents",
                MAX_DOCUMENT
            ),
            Fault::NotUtf8 => f.write_str("a string that is not UTF-8; store other bytes as binary"),
            Fault::NotSmallest(lead) => write!(f, "token 0x{lead:02x} where a shorter one holds the value"),
            Fault::NotNumber => f.write_str("a float64 that has another encoding (an int32, or another NaN)"),
            Fault::BadDate => f.write_str("a date outside of the range of JavaScript's Date"),
            Fault::Extension(kind) => write!(f, "extension {kind}, which is neither a date nor an ObjectId"),
            Fault::Token(lead) => write!(f, "token 0x{lead:02x}, which no value starts with"),
            Fault::UnknownShape(id) => write!(f, "shape {id}, which was never defined"),
            Fault::KeyNotString => f.write_str("a key that is not a string"),
            Fault::RepeatedKey => f.write_str("the key stands twice in its object"),
        }
    }
}

/// A fault and its place.
#[derive(Debug)]
pub(crate) struct Refusal {
    fault: Fault,
    /// Offset of the token to blame.
    at: usize,
    /// Keys and indexes from the inside out.
    steps: Vec<String>,
}

impl Refusal {
    pub(crate) fn new(fault: Fault, at: usize) -> Box<Refusal> {
        Box::new(Refusal { fault, at, steps: Vec::new() })
    }

    #[cold]
    pub(crate) fn inside(mut self: Box<Self>, step: impl fmt::Display) -> Box<Refusal> {
        self.steps.push(step.to_string());
        self
    }

    /// The dotted path; empty at the top.
    fn path(&self) -> String {
        let steps: Vec<&str> = self.steps.iter().rev().map(String::as_str).collect();
        steps.join(".")
    }

    /// The error of a caller's value.
    #[cold]
    pub(crate) fn bad_document(&self) -> Error {
        let path = self.path();
        if path.is_empty() {
            let message = format!("the value is refused: {}", self.fault);
            return Error::new(Kind::BadDocument, message).with_code(self.fault.code());
        }
        let message = format!("field `{path}` is refused: {}", self.fault);
        Error::new(Kind::BadDocument, message)
            .with_details(Details { path: Some(path), ..Details::default() })
            .with_code(self.fault.code())
    }

    /// The error of stored bytes.
    #[cold]
    pub(crate) fn corrupt(&self) -> Error {
        let path = self.path();
        let place = if path.is_empty() { String::new() } else { format!(" in field `{path}`") };
        let message = format!(
            "a stored document is damaged at its byte {}{place}: {}; verify the database and restore it from a backup",
            self.at, self.fault
        );
        let path = (!path.is_empty()).then_some(path);
        Error::new(Kind::Corrupt, message).with_details(Details { path, ..Details::default() })
    }
}

/// Result of a step of the pass.
pub(crate) type Step<T = ()> = Result<T, Box<Refusal>>;

/// Refuses what is larger than a document may be.
pub(crate) fn small_enough(len: usize) -> Step {
    if len > MAX_DOCUMENT { Err(Refusal::new(Fault::TooLarge(len), 0)) } else { Ok(()) }
}
