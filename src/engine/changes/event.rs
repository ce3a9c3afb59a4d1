//! The event of a record, in the form in which MongoDB's server tells it.

use super::description::description;
use super::names::{Known, Names};
use super::options::{BeforeImage, Scope, WatchOptions};
use crate::document::{RawValue, Shapes, Value};
use crate::engine::format::record::{Made, Put, Record};
use crate::engine::state::collection_options::CollectionOptions;
use crate::engine::state::namespace::{Shown, parts, whole};
use crate::error::{Error, Kind, Result, codes};
use crate::index::{ID_INDEX, Spec};
use crate::storage::{Block, Lsn};

/// What a record has come to, without the parts that each event has.
pub(super) struct Told {
    kind: &'static str,
    /// Fields before `ns` and after it.
    before: Vec<(String, Value)>,
    /// The whole name of the collection.
    name: std::sync::Arc<str>,
    after: Vec<(String, Value)>,
    /// Whether the stream ends with it.
    pub(super) ends: bool,
}

/// The commit of an event.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub(super) lsn: Lsn,
    /// Milliseconds since 1970.
    pub(super) time: i64,
    /// The session of its transaction, and its number in that.
    pub(super) transaction: Option<([u8; 16], u64)>,
}

impl Scope {
    fn has(&self, name: &str) -> bool {
        match self {
            Scope::Collection(own) => own == name,
            Scope::Database(database) => parts(name).0 == database,
            Scope::Everything => true,
        }
    }
}

/// What a record of a commit tells a stream with these options; nothing where it does not concern it.
pub(super) fn told(
    options: &WatchOptions,
    names: &mut Names<'_>,
    block: &Block,
    record: &Record<'_>,
) -> Result<Option<Told>> {
    let told = match record {
        Record::Put(put) => {
            let known = names.of(put.collection)?;
            if !concerns(options, &known.name) {
                return Ok(None);
            }
            return document(options, &known, block, put).map(Some);
        }
        Record::Delete { collection, id, before } => {
            let known = names.of(*collection)?;
            if !concerns(options, &known.name) {
                return Ok(None);
            }
            let id = RawValue::new(id, &known.shapes).to_value();
            let after = vec![key(id)];
            return image(options, &known, before, told_of("delete", &known, Vec::new(), after)).map(Some);
        }
        Record::Create { collection, name, options: given } => {
            let known = names.named(*collection, name)?;
            let given = CollectionOptions::decode(given).ok_or_else(broken)?;
            if given.view().is_some() {
                let of_view = ("nsType".to_owned(), Value::String("view".to_owned()));
                let after = vec![operation(given.to_value()), of_view];
                return Ok(expanded(options, told_of("create", &known, Vec::new(), after)));
            }
            let key = Value::Object(vec![("_id".to_owned(), Value::Int(1))]);
            let index = index_row(vec![
                ("key".to_owned(), key),
                ("name".to_owned(), Value::String(ID_INDEX.to_owned())),
            ]);
            let description = Value::Object(vec![("idIndex".to_owned(), index)]);
            expanded(options, told_of("create", &known, Vec::new(), vec![operation(description)]))
        }
        Record::Index { collection, spec } => {
            let known = names.of(*collection)?;
            let spec = Spec::parse(RawValue::new(spec, Shapes::none()))?;
            let Value::Object(mut fields) = spec.to_value() else { return Ok(None) };
            if let Some((_, key)) = fields.iter_mut().find(|(name, _)| name == "key") {
                *key = spec.key_pattern();
            }
            expanded(options, indexes("createIndexes", &known, fields))
        }
        Record::Unindex { collection, name } => {
            let known = names.of(*collection)?;
            let fields = vec![("name".to_owned(), Value::String((*name).to_owned()))];
            expanded(options, indexes("dropIndexes", &known, fields))
        }
        Record::CollMod { collection, options: now, before } => {
            let known = names.of(*collection)?;
            let read = |bytes: &[u8]| CollectionOptions::decode(bytes).ok_or_else(broken);
            let (now, before) = (read(now)?, read(before)?);
            let mut state = vec![("collectionOptions".to_owned(), before.to_value())];
            if let Some(index) = now.changed_index(&before) {
                state.push(("indexOptions".to_owned(), index.before()));
            }
            let state = Value::Object(state);
            let state = ("stateBeforeChange".to_owned(), state);
            let after = vec![operation(Value::Object(now.changes_since(&before))), state];
            expanded(options, told_of("modify", &known, Vec::new(), after))
        }
        Record::Drop { collection } => {
            let known = names.of(*collection)?;
            let mut told = told_of("drop", &known, Vec::new(), Vec::new());
            told.ends = matches!(options.scope, Scope::Collection(_));
            Some(told)
        }
        Record::Rename { collection, name } => {
            let before = names.of(*collection)?;
            let after = names.named(*collection, name)?;
            let to = namespace(options, &after.name);
            let mut fields = vec![("to".to_owned(), to.clone())];
            if options.expanded {
                fields.push(operation(Value::Object(vec![("to".to_owned(), to)])));
            }
            let mut told = told_of("rename", &before, Vec::new(), fields);
            told.ends = matches!(options.scope, Scope::Collection(_));
            // One that watches the new name is told as well.
            let concerns = concerns(options, &before.name) || concerns(options, &after.name);
            return Ok(concerns.then_some(told));
        }
        Record::DropDatabase { name } => {
            let (before, after) = (Vec::new(), Vec::new());
            let ends = matches!(options.scope, Scope::Database(_));
            let told = Told { kind: "dropDatabase", before, name: whole(name).into(), after, ends };
            return Ok((!matches!(options.scope, Scope::Collection(_)) && options.scope.has(&told.name))
                .then_some(told));
        }
        Record::Shape { .. }
        | Record::Next { .. }
        | Record::Transaction { .. }
        | Record::Past { .. }
        | Record::PastShape { .. } => None,
    };
    Ok(told.filter(|told| concerns(options, &told.name)))
}

fn concerns(options: &WatchOptions, name: &str) -> bool {
    options.scope.has(name) && parts(name).1 != HIDDEN
}

/// The collection of the places of named readers, whose own changes are not told: each acknowledgement would be an event.
const HIDDEN: &str = "system.consumers";

fn expanded(options: &WatchOptions, told: Told) -> Option<Told> {
    options.expanded.then_some(told)
}

fn told_of(
    kind: &'static str,
    known: &Known,
    before: Vec<(String, Value)>,
    after: Vec<(String, Value)>,
) -> Told {
    Told { kind, before, name: known.name.clone(), after, ends: false }
}

fn key(id: Value) -> (String, Value) {
    ("documentKey".to_owned(), Value::Object(vec![("_id".to_owned(), id)]))
}

fn operation(description: Value) -> (String, Value) {
    ("operationDescription".to_owned(), description)
}

fn index_row(fields: Vec<(String, Value)>) -> Value {
    Value::Object([("v".to_owned(), Value::Int(2))].into_iter().chain(fields).collect())
}

fn indexes(kind: &'static str, known: &Known, fields: Vec<(String, Value)>) -> Told {
    let all = Value::Array(vec![index_row(fields)]);
    let description = Value::Object(vec![("indexes".to_owned(), all)]);
    told_of(kind, known, Vec::new(), vec![operation(description)])
}

/// `{ db, coll }`; of a database as a whole `{ db }`.
fn namespace(options: &WatchOptions, name: &str) -> Value {
    let (database, collection) = parts(name);
    let database = if database.is_empty() { &options.database } else { database };
    let mut fields = vec![("db".to_owned(), Value::String(database.to_owned()))];
    if !collection.is_empty() {
        fields.push(("coll".to_owned(), Value::String(collection.to_owned())));
    }
    Value::Object(fields)
}

/// A document that was inserted, updated or replaced.
fn document(options: &WatchOptions, known: &Known, block: &Block, put: &Put) -> Result<Told> {
    let part = |range: &std::ops::Range<usize>| block.bytes.get(range.clone()).ok_or_else(broken);
    let document = RawValue::new(part(&put.document)?, &known.shapes);
    let id = document.get("_id").ok_or_else(broken)?.to_value();
    let full = || ("fullDocument".to_owned(), document.to_value());
    let mut after = vec![key(id)];
    match &put.made {
        Made::Inserted => Ok(told_of("insert", known, vec![full()], after)),
        // A log of version 1 does not tell how a document came to be.
        Made::Kept if put.version == 1 => Ok(told_of("insert", known, vec![full()], after)),
        Made::Kept => Ok(told_of("replace", known, vec![full()], after)),
        Made::Replaced { before } => {
            image(options, known, part(before)?, told_of("replace", known, vec![full()], after))
        }
        Made::Updated { changes, before } => {
            let told = description(document, part(changes)?, options.expanded).ok_or_else(broken)?;
            after.push(("updateDescription".to_owned(), told));
            let full = if options.full { vec![full()] } else { Vec::new() };
            image(options, known, part(before)?, told_of("update", known, full, after))
        }
    }
}

/// Adds the document as it was before.
fn image(options: &WatchOptions, known: &Known, before: &[u8], mut told: Told) -> Result<Told> {
    let value = match (options.before, before) {
        (BeforeImage::Off, _) => return Ok(told),
        (BeforeImage::Required, []) => {
            let message = format!(
                "the {} of a document in '{}' has no image of the document before; create the collection with \
                 changeStreamPreAndPostImages: {{ enabled: true }}, or ask for fullDocumentBeforeChange: 'whenAvailable'",
                told.kind,
                Shown(&known.name)
            );
            return Err(Error::new(Kind::BadQuery, message).with_code(codes::NO_MATCHING_DOCUMENT));
        }
        (BeforeImage::WhenAvailable, []) => Value::Null,
        (_, before) => RawValue::new(before, &known.shapes).to_value(),
    };
    told.after.push(("fullDocumentBeforeChange".to_owned(), value));
    Ok(told)
}

fn broken() -> Error {
    Error::new(Kind::Corrupt, "a commit in the log holds a record that does not fit its document")
}

impl Told {
    /// The whole event.
    pub(super) fn event(self, options: &WatchOptions, token: String, origin: Origin, last: bool) -> Value {
        let ns = namespace(options, &self.name);
        let rest = self.before.into_iter().chain([("ns".to_owned(), ns)]).chain(self.after);
        let commit = Value::Object(vec![
            ("lsn".to_owned(), Value::number(origin.lsn.0 as f64)),
            ("last".to_owned(), Value::Bool(last)),
        ]);
        let mut fields = head(token, self.kind, origin);
        fields.extend(rest);
        fields.push(("commit".to_owned(), commit));
        Value::Object(fields)
    }
}

/// The event after which a stream ends.
pub(super) fn invalidate(token: String, origin: Origin) -> Value {
    Value::Object(head(token, "invalidate", origin))
}

fn head(token: String, kind: &str, Origin { lsn, time, transaction }: Origin) -> Vec<(String, Value)> {
    let cluster = Value::Object(vec![
        ("t".to_owned(), Value::number(time.div_euclid(1_000) as f64)),
        ("i".to_owned(), Value::number(f64::from(lsn.0 as u32))),
    ]);
    let mut fields = vec![
        ("_id".to_owned(), Value::Object(vec![("_data".to_owned(), Value::String(token))])),
        ("operationType".to_owned(), Value::String(kind.to_owned())),
        ("clusterTime".to_owned(), cluster),
        ("wallTime".to_owned(), Value::Date(time)),
    ];
    if let Some((session, number)) = transaction {
        let id = Value::Object(vec![("id".to_owned(), Value::Binary(session.to_vec()))]);
        fields.push(("txnNumber".to_owned(), Value::number(number as f64)));
        fields.push(("lsid".to_owned(), id));
    }
    fields
}
