//! Hints: the index that a query must use.

use crate::document::{Node, NodeKind, RawValue, incoming};
use crate::engine::operation::input::Incoming;
use crate::error::{Error, Kind, Result};
use crate::index::{ID_INDEX, Spec};

/// The access that a hint demands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Hint {
    /// The index of this name.
    Name(String),
    /// The index of these fields and directions.
    Keys(Vec<(String, i32)>),
    /// No index.
    Natural,
    /// No index, from the last document to the first.
    Backward,
}

impl Hint {
    /// Decodes a name, or `[[path, 1 | -1], ...]`; `[["$natural", 1]]` means no index, -1 no index and reading from the last
    /// document to the first.
    pub(crate) fn parse(hint: RawValue<'_>) -> Result<Hint> {
        if let NodeKind::String(name) = hint.seen() {
            return Ok(Hint::Name(String::from_utf8_lossy(name).into_owned()));
        }
        let mut keys = Vec::new();
        for pair in hint.items() {
            let mut entry = pair.items();
            let (Some(NodeKind::String(path)), Some(direction)) =
                (entry.next().map(Node::seen), entry.next())
            else {
                return Err(malformed());
            };
            let sign = match direction.seen() {
                NodeKind::Int(sign) => sign,
                NodeKind::Long(sign) => i32::try_from(sign).unwrap_or(0),
                _ => return Err(malformed()),
            };
            keys.push((String::from_utf8_lossy(path).into_owned(), sign));
        }
        match keys.as_slice() {
            [(name, 1)] if name == "$natural" => Ok(Hint::Natural),
            [(name, -1)] if name == "$natural" => Ok(Hint::Backward),
            [(name, _)] if name == "$natural" => Err(malformed()),
            [] => Err(malformed()),
            _ => Ok(Hint::Keys(keys)),
        }
    }

    /// Validates and decodes a hint from the boundary.
    pub(crate) fn of(hint: Option<&Incoming>) -> Result<Option<Hint>> {
        let Some(hint) = hint else { return Ok(None) };
        incoming::check(hint.bytes(), &hint.shapes)?;
        Hint::parse(hint.raw()).map(Some)
    }

    /// Whether it names the index on `_id`.
    pub(crate) fn is_id(&self) -> bool {
        match self {
            Hint::Name(name) => name == ID_INDEX,
            Hint::Keys(keys) => matches!(keys.as_slice(), [(path, 1)] if path == "_id"),
            Hint::Natural | Hint::Backward => false,
        }
    }

    /// Whether it names this index.
    pub(crate) fn is_of(&self, spec: &Spec) -> bool {
        match self {
            Hint::Name(name) => **name == *spec.name,
            Hint::Keys(keys) => {
                let own = spec.fields.iter().map(|field| (&*field.name, field.direction.sign()));
                keys.iter().map(|(path, sign)| (path.as_str(), *sign)).eq(own)
            }
            Hint::Natural | Hint::Backward => false,
        }
    }

    /// The error when there is no such index.
    pub(crate) fn refusal(&self) -> Error {
        let message =
            "hint provided does not correspond to an existing index; list the indexes, or leave the hint out";
        Error::new(Kind::BadQuery, message)
    }
}

fn malformed() -> Error {
    Error::new(Kind::BadQuery, "a hint must be the name of an index, or its fields with 1 or -1")
}
