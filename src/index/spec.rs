//! The definition of an index: its fields and options, as createIndex takes them and as they are listed and logged.

use crate::document::collation::DATA_VERSION;
use crate::document::{Collation, Node, NodeKind, Path, Value};
use crate::error::{Details, Error, Kind, Result, codes};

/// The maximum number of fields of an index, as in MongoDB.
pub(crate) const MAX_FIELDS: usize = 32;
/// The maximum bytes of an index name.
pub(crate) const MAX_NAME: usize = 127;
/// The most seconds after which documents expire, as in MongoDB.
pub(crate) const MAX_EXPIRE_AFTER: u32 = i32::MAX as u32;
/// The operators that a partial index's filter may use, as in MongoDB.
const PARTIAL_OPERATORS: &[&str] =
    &["$and", "$or", "$eq", "$in", "$exists", "$gt", "$gte", "$lt", "$lte", "$type"];
/// The index that every collection has.
pub(crate) const ID_INDEX: &str = "_id_";

/// The order of a field's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Small values first.
    Ascending,
    /// Large values first.
    Descending,
}

impl Direction {
    /// 1 or -1.
    pub fn sign(self) -> i32 {
        match self {
            Direction::Ascending => 1,
            Direction::Descending => -1,
        }
    }

    /// The XOR mask of every byte of a component.
    pub fn mask(self) -> u8 {
        match self {
            Direction::Ascending => 0,
            Direction::Descending => 0xff,
        }
    }

    /// Whether it is descending.
    pub fn is_descending(self) -> bool {
        self == Direction::Descending
    }
}

/// One field of an index.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The path of its values.
    pub path: Path,
    /// The path as text.
    pub name: Box<str>,
    /// The order of its keys.
    pub direction: Direction,
    /// The order of its strings: by bytes for `_id`.
    pub collation: Collation,
}

/// The definition of an index.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Its name, unique in its collection.
    pub name: Box<str>,
    /// The indexed fields and their directions, most significant first.
    pub fields: Vec<Field>,
    /// Whether two documents may not have the same values.
    pub unique: bool,
    /// Whether documents without any of the fields are left out.
    pub sparse: bool,
    /// The filter that a document must match to be in the index.
    pub partial: Option<Value>,
    /// Whether queries pass it over when it is made. An index tells itself whether it is hidden now.
    pub hidden: bool,
    /// How many seconds after the time in its field a document expires (TTL), when it is made. An index tells itself what is so now.
    pub expire_after: Option<u32>,
    /// The order of strings.
    pub collation: Collation,
}

impl Spec {
    /// Reads `{ key: [[path, 1 | -1], ...], name?, unique?, sparse?, partialFilterExpression?, expireAfterSeconds?, hidden?,
    /// collation? }`.
    pub fn parse<'a>(spec: impl Node<'a>) -> Result<Spec> {
        Spec::parse_in(spec, &Collation::SIMPLE)
    }

    /// The same for a collection with this collation, which an index has that names none.
    pub(crate) fn parse_in<'a>(spec: impl Node<'a>, default: &Collation) -> Result<Spec> {
        if !matches!(spec.seen(), NodeKind::Object(())) {
            let message = "an index must be an object with a key";
            return Err(refuse("", message).with_code(codes::TYPE_MISMATCH));
        }
        let fields = parse_fields(spec.field("key").ok_or_else(no_key)?)?;
        let name = default_name(&fields).into();
        let mut parsed = Spec {
            name,
            fields,
            unique: false,
            sparse: false,
            partial: None,
            hidden: false,
            expire_after: None,
            collation: default.clone(),
        };
        for (option, value) in spec.fields() {
            match option {
                "name" => parsed.name = parse_name(value)?,
                "unique" => parsed.unique = parse_flag(option, value)?,
                "sparse" => parsed.sparse = parse_flag(option, value)?,
                "hidden" => parsed.hidden = parse_flag(option, value)?,
                "expireAfterSeconds" => parsed.expire_after = Some(parse_expire_after(value)?),
                "partialFilterExpression" => match value.seen() {
                    NodeKind::Object(()) => parsed.partial = Some(value.tree()),
                    _ => {
                        let message = "the option 'partialFilterExpression' must be a filter";
                        return Err(refuse(option, message).with_code(codes::TYPE_MISMATCH));
                    }
                },
                // `background` and `v` are ignored: every build is online, and there is only one version.
                "key" | "background" | "v" => {}
                "collation" => parsed.collation = Collation::parse(value)?,
                "weights"
                | "default_language"
                | "language_override"
                | "textIndexVersion"
                | "2dsphereIndexVersion"
                | "bits"
                | "min"
                | "max"
                | "wildcardProjection"
                | "storageEngine"
                | "clustered"
                | "prepareUnique" => {
                    let message = format!("the index option '{option}' is not supported; leave it out");
                    return Err(error(Kind::NotSupported, option, message));
                }
                _ => {
                    let message = format!("'{option}' is not an option of an index; check its spelling");
                    return Err(refuse(option, message).with_code(codes::INVALID_INDEX_SPECIFICATION_OPTION));
                }
            }
        }
        if parsed.is_id() && spec.field("collation").is_none() {
            parsed.collation = Collation::SIMPLE;
        }
        parsed.check()?;
        for field in &mut parsed.fields {
            field.collation = if field.path.is_id() { Collation::SIMPLE } else { parsed.collation.clone() };
        }
        Ok(parsed)
    }

    fn check(&self) -> Result<()> {
        if self.sparse && self.partial.is_some() {
            let message = "an index cannot be both sparse and partial; say { $exists: true } in the partialFilterExpression";
            return Err(refuse("sparse", message));
        }
        if let Some(operator) = self.partial.as_ref().and_then(forbidden) {
            let message = format!(
                "a partialFilterExpression cannot use {operator}; it may use {}",
                PARTIAL_OPERATORS.join(", ")
            );
            return Err(refuse("partialFilterExpression", message));
        }
        if self.expire_after.is_some() {
            self.check_expiry()?;
        }
        if self.is_id() && (self.sparse || self.partial.is_some()) {
            let message = "the index on _id holds every document; it cannot be sparse or partial";
            return Err(refuse("_id", message).with_code(codes::INVALID_INDEX_SPECIFICATION_OPTION));
        }
        if self.is_id() && !self.collation.is_simple() {
            let message = "the index on _id compares strings by their bytes; leave the collation out, or index another field";
            return Err(error(Kind::NotSupported, "collation", message));
        }
        if self.is_id() && self.hidden {
            return Err(refuse("hidden", "the index on _id cannot be hidden").with_code(codes::BAD_VALUE));
        }
        if !self.is_id() && &*self.name == ID_INDEX {
            let message = "the name '_id_' belongs to the index on _id; choose another";
            return Err(refuse("name", message).with_code(codes::BAD_VALUE));
        }
        if self.name.len() > MAX_NAME {
            let message = format!(
                "the index name '{}' has {} bytes, above {MAX_NAME}; give it a shorter name",
                self.name,
                self.name.len()
            );
            return Err(refuse("name", message));
        }
        Ok(())
    }

    /// Refuses a TTL index of several fields, and one on `_id`.
    fn check_expiry(&self) -> Result<()> {
        let [field] = &self.fields[..] else {
            let message = "TTL indexes are single-field indexes, compound indexes do not support TTL; leave expireAfterSeconds out, or index one field";
            return Err(refuse("expireAfterSeconds", message));
        };
        if &*field.name == "_id" {
            let message = "the field 'expireAfterSeconds' is not valid for an _id index specification; index another field";
            return Err(refuse("_id", message).with_code(codes::INVALID_INDEX_SPECIFICATION_OPTION));
        }
        Ok(())
    }

    /// Encodes the definition in the same form, for the log and for listings.
    pub fn to_value(&self) -> Value {
        let pair = |field: &Field| {
            Value::Array(vec![Value::String(field.name.to_string()), Value::Int(field.direction.sign())])
        };
        let mut object = vec![
            ("key".to_owned(), Value::Array(self.fields.iter().map(pair).collect())),
            ("name".to_owned(), Value::String(self.name.to_string())),
        ];
        for (name, on) in [("unique", self.unique), ("sparse", self.sparse)] {
            if on {
                object.push((name.to_owned(), Value::Bool(true)));
            }
        }
        if let Some(partial) = &self.partial {
            object.push(("partialFilterExpression".to_owned(), partial.clone()));
        }
        if let Some(seconds) = self.expire_after {
            object.push(("expireAfterSeconds".to_owned(), Value::number(f64::from(seconds))));
        }
        if self.hidden {
            object.push(("hidden".to_owned(), Value::Bool(true)));
        }
        if let Some(collation) = self.collation.to_value() {
            object.push(("collation".to_owned(), collation));
        }
        Value::Object(object)
    }

    /// Whether a definition that was written is of keys under another version of the collation data, which are of no use.
    pub(crate) fn is_outdated<'a>(spec: impl Node<'a>) -> bool {
        let version = spec.field("collation").map(|collation| collation.field("version").map(Node::seen));
        version.is_some_and(
            |version| !matches!(version, Some(NodeKind::String(text)) if text == DATA_VERSION.as_bytes()),
        )
    }

    /// Whether it is of the same index: all but whether it is hidden.
    pub fn is_same(&self, other: &Spec) -> bool {
        Spec { hidden: other.hidden, ..self.clone() } == *other
    }

    /// `{ path: 1, ... }`, for messages and explain.
    pub fn key_pattern(&self) -> Value {
        let entry = |field: &Field| (field.name.to_string(), Value::Int(field.direction.sign()));
        Value::Object(self.fields.iter().map(entry).collect())
    }

    /// Whether it is `{ _id: 1 }`, the index that every collection has.
    pub fn is_id(&self) -> bool {
        matches!(&self.fields[..], [field] if &*field.name == "_id" && !field.direction.is_descending())
    }
}

/// The first operator that a partial index's filter must not use.
fn forbidden(filter: &Value) -> Option<&str> {
    match filter {
        Value::Object(fields) => fields.iter().find_map(|(key, value)| {
            let unknown = key.starts_with('$') && !PARTIAL_OPERATORS.contains(&key.as_str());
            if unknown { Some(key.as_str()) } else { forbidden(value) }
        }),
        Value::Array(items) => items.iter().find_map(forbidden),
        _ => None,
    }
}

fn parse_fields<'a>(key: impl Node<'a>) -> Result<Vec<Field>> {
    let pairs = "the key of an index must be pairs of path and direction";
    if !matches!(key.seen(), NodeKind::Array(())) {
        return Err(refuse("key", pairs));
    }
    let mut fields: Vec<Field> = Vec::new();
    for pair in key.items() {
        let mut pair = pair.items();
        let (Some(NodeKind::String(path)), Some(direction)) = (pair.next().map(Node::seen), pair.next())
        else {
            return Err(refuse("key", pairs));
        };
        let name = String::from_utf8_lossy(path);
        let direction = parse_direction(&name, direction.seen())?;
        let path = Path::parse(&name);
        if path.names().any(|part| part == "$**") {
            let message = "a wildcard index ('$**') is not supported; name the paths";
            return Err(error(Kind::NotSupported, &name, message));
        }
        if path.has_empty_part() || path.names().any(|part| part.starts_with('$')) {
            let message = format!("'{name}' cannot be indexed: parts must not be empty or start with '$'");
            return Err(refuse(&name, message));
        }
        if fields.iter().any(|other| *other.name == *name) {
            return Err(refuse(&name, format!("the key of an index names '{name}' twice")));
        }
        if fields.len() == MAX_FIELDS {
            let message = format!("an index has at most {MAX_FIELDS} fields");
            return Err(refuse(&name, message).with_code(codes::TOO_MANY_KEYS));
        }
        let collation = Collation::SIMPLE;
        fields.push(Field { path, name: name.into(), direction, collation });
    }
    if fields.is_empty() { Err(refuse("key", "the key of an index names no field")) } else { Ok(fields) }
}

fn parse_direction(path: &str, direction: NodeKind<'_>) -> Result<Direction> {
    match direction {
        NodeKind::Int(1) | NodeKind::Long(1) => Ok(Direction::Ascending),
        NodeKind::Int(-1) | NodeKind::Long(-1) => Ok(Direction::Descending),
        NodeKind::String(kind) => {
            let kind = String::from_utf8_lossy(kind);
            let message = format!("the index type '{kind}' of '{path}' is not supported; use 1 or -1");
            Err(error(Kind::NotSupported, path, message))
        }
        _ => Err(refuse(path, format!("the direction of '{path}' in an index must be 1 or -1"))),
    }
}

fn parse_name<'a>(value: impl Node<'a>) -> Result<Box<str>> {
    let name = match value.seen() {
        NodeKind::String(name) => String::from_utf8_lossy(name),
        _ => {
            let message = "the name of an index must be a string";
            return Err(refuse("name", message).with_code(codes::TYPE_MISMATCH));
        }
    };
    if name.is_empty() || name == "*" || name.contains('\0') {
        let code = if name == "*" { codes::BAD_VALUE } else { codes::CANNOT_CREATE_INDEX };
        return Err(refuse("name", format!("{name:?} is not a valid index name")).with_code(code));
    }
    Ok(name.into())
}

fn parse_flag<'a>(option: &str, value: impl Node<'a>) -> Result<bool> {
    match value.seen() {
        NodeKind::Bool(flag) => Ok(flag),
        NodeKind::Int(number @ (0 | 1)) => Ok(number == 1),
        _ => {
            let message = format!("the index option '{option}' must be true or false");
            Err(refuse(option, message).with_code(codes::TYPE_MISMATCH))
        }
    }
}

/// The seconds of a TTL index. Fractions are cut off, as by MongoDB.
fn parse_expire_after<'a>(value: impl Node<'a>) -> Result<u32> {
    let what = "the TTL index option 'expireAfterSeconds'";
    let seconds = value
        .seen()
        .truncated()
        .ok_or_else(|| refuse("expireAfterSeconds", format!("{what} must be numeric")))?;
    match seconds {
        seconds if seconds.is_nan() => Err(refuse("expireAfterSeconds", format!("{what} must not be NaN"))),
        seconds if seconds < 0.0 => {
            Err(refuse("expireAfterSeconds", format!("{what} cannot be less than 0")))
        }
        seconds if seconds > f64::from(MAX_EXPIRE_AFTER) => {
            let message = format!(
                "{what} must be within an acceptable range, try a lower number than {MAX_EXPIRE_AFTER}"
            );
            Err(refuse("expireAfterSeconds", message))
        }
        seconds => Ok(seconds as u32),
    }
}

/// The default name, as in MongoDB: `city_1_age_-1`.
fn default_name(fields: &[Field]) -> String {
    let names: Vec<String> =
        fields.iter().map(|field| format!("{}_{}", field.name, field.direction.sign())).collect();
    names.join("_")
}

fn no_key() -> Error {
    refuse("", "an index needs a key").with_code(codes::FAILED_TO_PARSE)
}

fn refuse(path: &str, message: impl Into<String>) -> Error {
    error(Kind::BadQuery, path, message).with_code(codes::CANNOT_CREATE_INDEX)
}

fn error(kind: Kind, path: &str, message: impl Into<String>) -> Error {
    let path = if path.is_empty() { None } else { Some(path.to_owned()) };
    Error::new(kind, message).with_details(Details { path, ..Details::default() })
}
