//! Types as `$type` and `bsonType` name them.

use super::number::as_integer;
use super::refusal::bad_query;
use crate::document::kind::Class;
use crate::document::{Node, NodeKind};
use crate::error::{Result, codes};

/// A set of types, one bit each.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Types(u16);

/// Types by number and name; those that no document can contain match nothing.
const TYPES: [(i64, &str, u16); 19] = [
    (1, "double", 1 << 1),
    (2, "string", 1 << 2),
    (3, "object", 1 << 3),
    (4, "array", 1 << 4),
    (5, "binData", 1 << 5),
    (6, "undefined", 0),
    (7, "objectId", 1 << 7),
    (8, "bool", 1 << 8),
    (9, "date", 1 << 9),
    (10, "null", 1 << 10),
    (11, "regex", 0),
    (12, "dbPointer", 0),
    (13, "javascript", 0),
    (14, "symbol", 0),
    (16, "int", 1 << 11),
    (17, "timestamp", 0),
    (18, "long", 1 << 12),
    (19, "decimal", 0),
    (127, "maxKey", 0),
];
const NUMBER: u16 = 1 << 1 | 1 << 11 | 1 << 12;

impl Types {
    /// The type of this name; `number` is three types.
    pub(super) fn named(name: &str) -> Option<Types> {
        match name {
            "number" => Some(Types(NUMBER)),
            "minKey" => Some(Types(0)),
            _ => TYPES.iter().find(|(_, known, _)| *known == name).map(|(.., bit)| Types(*bit)),
        }
    }

    /// The union of both.
    pub(super) fn and(self, other: Types) -> Types {
        Types(self.0 | other.0)
    }

    pub(super) fn parse<'a>(name: &str, operand: impl Node<'a>) -> Result<Types> {
        if !matches!(operand.seen(), NodeKind::Array(())) {
            return Types::parse_one(name, operand);
        }
        let mut types = Types(0);
        let mut empty = true;
        for item in operand.items() {
            types.0 |= Types::parse_one(name, item)?.0;
            empty = false;
        }
        if empty {
            let message = format!("$type at '{name}' needs at least one type");
            return Err(bad_query(name, message).with_code(codes::FAILED_TO_PARSE));
        }
        Ok(types)
    }

    fn parse_one<'a>(name: &str, operand: impl Node<'a>) -> Result<Types> {
        let found = match operand.seen() {
            NodeKind::String(text) => std::str::from_utf8(text).ok().and_then(Types::named),
            _ => match as_integer(&operand.tree()) {
                Some(-1) => Some(Types(0)),
                Some(code) => TYPES.iter().find(|(known, ..)| *known == code).map(|(.., bit)| Types(*bit)),
                None => None,
            },
        };
        found.ok_or_else(|| {
            bad_query(
                name,
                format!("$type at '{name}' needs the name or number of a type, such as 'string' or 2"),
            )
        })
    }

    /// The classes of its values, in order, and whether all values of these classes have its types.
    pub(super) fn classes(self) -> (Vec<Class>, bool) {
        const CLASSES: [(u16, Class); 9] = [
            (1 << 10, Class::Null),
            (NUMBER, Class::Number),
            (1 << 2, Class::String),
            (1 << 3, Class::Object),
            (1 << 4, Class::Array),
            (1 << 5, Class::Binary),
            (1 << 7, Class::ObjectId),
            (1 << 8, Class::Bool),
            (1 << 9, Class::Date),
        ];
        let found: Vec<_> = CLASSES.iter().filter(|(bits, _)| self.0 & bits != 0).collect();
        // A missing value has the key of null and has no type.
        let exact = found.iter().all(|(bits, class)| self.0 & bits == *bits && *class != Class::Null);
        (found.into_iter().map(|(_, class)| *class).collect(), exact)
    }

    #[inline]
    pub(super) fn contains(self, seen: NodeKind<'_>) -> bool {
        let bit = match seen {
            NodeKind::Double(_) => 1,
            NodeKind::String(_) => 2,
            NodeKind::Object(()) => 3,
            NodeKind::Array(()) => 4,
            NodeKind::Binary(_) => 5,
            NodeKind::ObjectId(_) => 7,
            NodeKind::Bool(_) => 8,
            NodeKind::Date(_) => 9,
            NodeKind::Null => 10,
            NodeKind::Int(_) => 11,
            NodeKind::Long(_) => 12,
        };
        self.0 & 1 << bit != 0
    }
}
