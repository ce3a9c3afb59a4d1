//! Documents and queries, and reading a database whole.

use std::sync::{Arc, OnceLock};

use moltendb_node::Database;
use moltendb_node::document::order::{compare, compare_values};
use moltendb_node::document::{
    Leaf, Outgoing, Path, RawValue, Shape, Shapes, StagedShapes, Value, encode_plain, id, incoming,
};
use moltendb_node::engine::{Answer, FindOptions, Incoming, InsertOrder, Operation, Reach, Session, Upsert};
use moltendb_node::index::encode_key;
use moltendb_node::query::{Filter, Projection, Sort, Update, UpdateTarget};

use super::Input;

/// Bytes of input that an entry looks at, so that memory is bounded by it.
const LONGEST: usize = 64 << 10;

/// A caller's shapes: numbers 0 to 3.
fn callers() -> Shapes {
    let shapes = Shapes::new();
    for keys in [&["_id", "a"][..], &["a", "b"], &[], &["_id", "name", "tags", "at"]] {
        shapes.push(Shape::new(keys));
    }
    shapes
}

/// Everything that reads a value without having checked it.
fn walk(value: RawValue<'_>) {
    let tree = value.to_value();
    let _ = compare(value, value);
    assert!(compare_values(&tree, &tree).is_eq());
    let mut key = Vec::new();
    encode_key(value, &mut key);
    assert!(value.bytes().len() <= value.unread().len());
    let _ = id::check_id(value);
    let _ = value.get("_id").map(|id| id.kind());
    for path in ["a", "a.0.b", "tags.1", "_id.$", "a..b"] {
        let mut left = 1_000;
        Path::parse(path).walk(value, Leaf::Elements, &mut |leaf| {
            let _ = leaf.map(|leaf| leaf.kind());
            left -= 1;
            left == 0
        });
    }
}

/// Bytes as a value: through the strict pass, and through walkers that trust nothing.
pub fn document(data: &[u8]) {
    let data = &data[..data.len().min(LONGEST)];
    let shapes = callers();
    let given = RawValue::new(data, &shapes);
    walk(given);
    let table = Shapes::new();
    let mut staged = StagedShapes::new(&table);
    let mut stored = Vec::new();
    let checked = incoming::check(data, &shapes);
    let outcome = incoming::store(given, &mut staged, &mut stored);
    if let Err(error) = &outcome {
        assert!(stored.is_empty() && staged.is_empty(), "a refused value leaves nothing behind: {error}");
        let mut section = Outgoing::new();
        let _ = section.raw(given);
        return;
    }
    assert!(checked.is_ok(), "what is stored passes the check");
    for shape in staged.into_staged() {
        assert!(table.push(shape).is_some(), "a staged shape is new to its table");
    }
    let value = RawValue::new(&stored, &table);
    walk(value);
    assert!(compare(given, value).is_eq(), "the stored form is the value that was given");
    let mut again = Vec::new();
    let mut none = StagedShapes::new(&table);
    let same = incoming::store(value, &mut none, &mut again);
    assert!(same.is_ok() && none.is_empty() && again == stored, "the stored form is stored as it is");
    let mut section = Outgoing::new();
    assert!(section.raw(value).is_ok(), "the stored form can be handed out");
    assert!(section.finish(Some((1, &table)), (1, 0)).len() > 16, "a section has a head and a value");
    let mut plain = Vec::new();
    encode_plain(&value.to_value(), &mut plain);
    assert!(incoming::check(&plain, &Shapes::new()).is_ok(), "a tree is written in the one encoding");
}

const NAMES: [&str; 12] = ["_id", "a", "b", "a.b", "a.0", "tags", "at.n", "", "$", "a.$", "list.1.x", "name"];
const OPERATORS: [&str; 44] = [
    "$eq",
    "$ne",
    "$gt",
    "$gte",
    "$lt",
    "$lte",
    "$in",
    "$nin",
    "$and",
    "$or",
    "$nor",
    "$not",
    "$exists",
    "$type",
    "$size",
    "$all",
    "$elemMatch",
    "$mod",
    "$regex",
    "$options",
    "$expr",
    "$set",
    "$unset",
    "$inc",
    "$mul",
    "$min",
    "$max",
    "$rename",
    "$push",
    "$each",
    "$slice",
    "$sort",
    "$position",
    "$addToSet",
    "$pop",
    "$pull",
    "$pullAll",
    "$setOnInsert",
    "$currentDate",
    "$bit",
    "$bitsAllSet",
    "$meta",
    "$text",
    "$where",
];

/// A tree grown from bytes, with operators among its keys.
pub(super) fn grown(input: &mut Input<'_>, depth: usize) -> Value {
    let kind = input.byte();
    match kind % 12 {
        0 => Value::Null,
        1 => Value::Bool(kind > 127),
        2 => Value::Int(i32::from(input.byte()) - 5),
        3 => Value::number(f64::from_bits(u64::from_le_bytes(std::array::from_fn(|_| input.byte())))),
        4 => Value::Long(i64::from_le_bytes(std::array::from_fn(|_| input.byte()))),
        5 => {
            let len = usize::from(input.byte() % 24);
            Value::String(String::from_utf8_lossy(input.take(len)).into_owned())
        }
        6 => Value::Date(i64::from(input.short()) - 5),
        7 => Value::Binary(input.take(usize::from(kind / 12)).to_vec()),
        _ if depth == 0 => Value::Null,
        8 => Value::Array((0..input.byte() % 5).map(|_| grown(input, depth - 1)).collect()),
        _ => {
            let mut fields: Vec<(String, Value)> = Vec::new();
            for _ in 0..input.byte() % 5 {
                let n = usize::from(input.byte());
                let key = if n < 128 { NAMES[n % NAMES.len()] } else { OPERATORS[n % OPERATORS.len()] };
                if fields.iter().all(|(known, _)| known != key) {
                    fields.push((key.to_owned(), grown(input, depth - 1)));
                }
            }
            Value::Object(fields)
        }
    }
}

/// Bytes as a query of every kind, tried on documents.
pub fn filter(data: &[u8]) {
    let mut input = Input(&data[..data.len().min(LONGEST)]);
    let mut bytes = Vec::new();
    if input.byte() & 1 == 0 {
        bytes.extend_from_slice(input.0);
    } else {
        encode_plain(&grown(&mut input, 6), &mut bytes);
    }
    let shapes = Shapes::new();
    if incoming::check(&bytes, &shapes).is_err() {
        return;
    }
    let query = RawValue::new(&bytes, &shapes);
    let documents: Vec<Value> = (0..4).map(|_| grown(&mut input, 5)).chain([sample()]).collect();
    let encoded: Vec<Vec<u8>> = documents
        .iter()
        .map(|document| {
            let mut bytes = Vec::new();
            encode_plain(document, &mut bytes);
            bytes
        })
        .collect();
    let raw = || encoded.iter().map(|bytes| RawValue::new(bytes, &shapes));
    if let Ok(filter) = Filter::parse(query) {
        for document in raw() {
            assert_eq!(filter.matches(document), filter.matches(document));
        }
        let _ = filter.upsert_seed();
        let _ = filter.id();
    }
    if let Ok(Some(projection)) = Projection::parse(query) {
        for document in raw() {
            let _ = projection.apply(document, &Filter::all());
        }
    }
    if let Ok(Some(sort)) = Sort::parse(query) {
        let mut keys: Vec<_> = raw().filter_map(|document| sort.key(document).ok()).collect();
        keys.sort();
    }
    if let Ok(update) = Update::parse(query, None) {
        for document in documents {
            let Value::Object(mut object) = document else { continue };
            let _ = update.apply(&mut object, 1_700_000_000_000, UpdateTarget::Existing, Some(0));
            let _ = update.apply(&mut object, 1_700_000_000_000, UpdateTarget::Inserted, None);
        }
    }
}

fn sample() -> Value {
    let list = Value::Array((1..4).map(|n| fields(&[("x", Value::Int(n))])).collect());
    fields(&[
        ("_id", Value::Int(1)),
        ("a", fields(&[("b", Value::Array(vec![Value::Int(1), Value::Null])), ("0", Value::Long(7))])),
        ("b", Value::number(0.5)),
        ("tags", Value::Array(vec![Value::String("x".into()), Value::String("y".into())])),
        ("list", list),
        ("at", fields(&[("n", Value::Date(0))])),
        ("name", Value::String("somebody".into())),
    ])
}

fn fields(fields: &[(&str, Value)]) -> Value {
    Value::Object(fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

/// A payload that begins collection 1 with a shape and two documents.
pub fn first_payload() -> Vec<u8> {
    use moltendb_node::engine::record;
    let mut out = Vec::new();
    record::begin(&mut out, 1_000);
    record::create(&mut out, 1, "c", b"");
    record::shape(&mut out, 1, 0, &["_id", "a"]);
    for n in 1..3u8 {
        let table = Shapes::new();
        table.push(Shape::new(&["_id", "a"]));
        let mut staged = StagedShapes::new(&table);
        let mut document = Vec::new();
        let value = fields(&[("_id", Value::Int(i32::from(n))), ("a", Value::Int(5))]);
        moltendb_node::document::encode(&value, &mut staged, &mut document);
        record::write(&mut out, 1_000, (1, 1, 1_000), record::Making::Inserted, &document, &[]);
    }
    out
}

/// A runtime for the databases of this process.
pub fn runtime() -> tokio::runtime::Handle {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    let build = || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).enable_all().build().expect("a runtime starts")
    };
    RUNTIME.get_or_init(build).handle().clone()
}

pub(super) fn incoming_of(value: &Value) -> Incoming {
    let mut bytes = Vec::new();
    encode_plain(value, &mut bytes);
    Incoming { range: 0..bytes.len(), buffer: bytes.into(), shapes: Arc::new(Shapes::new()) }
}

fn everything(session: &Arc<Session>, name: &str) -> Result<Vec<Value>, String> {
    let options =
        FindOptions { sort: None, projection: None, skip: 0, limit: 0, batch: 0, hint: None, meta: false };
    let find = Operation::Find { filter: incoming_of(&fields(&[])), options };
    let mut found = Vec::new();
    let mut answered = session.call(name, find);
    loop {
        let collection = answered.collection;
        let Answer::Batch { cursor, documents } = answered.answer.map_err(|error| error.to_string())? else {
            return Err("a find has another answer".to_owned());
        };
        for document in &documents {
            let stored = collection.as_deref().and_then(|collection| document.stored(collection));
            if let Some(stored) = stored {
                let mut section = Outgoing::new();
                section.raw(stored).map_err(|error| error.to_string())?;
            }
            found.push(stored.map_or(Value::Null, |stored| stored.to_value()));
        }
        if cursor == 0 {
            return Ok(found);
        }
        answered = session.call("", Operation::More { cursor, batch: 0 });
    }
}

/// Each collection's name and documents, or why they cannot be read. On demand writes a little before.
pub fn read_whole(database: &Arc<Database>, write: bool) -> Vec<(String, Result<Vec<Value>, String>)> {
    let session = database.session();
    let listed = session.call("", Operation::ListCollections { filter: None }).answer;
    let Ok(Answer::Collections(collections)) = listed else { return Vec::new() };
    for info in collections.iter().filter(|_| write) {
        let name = info.name.as_str();
        let documents =
            vec![incoming_of(&fields(&[("_id", Value::String("new".into())), ("z", Value::Null)]))];
        let _ = session.call(name, Operation::Insert { documents, order: InsertOrder::Ordered });
        let _ = session.call(
            name,
            Operation::Update {
                filter: incoming_of(&fields(&[])),
                update: incoming_of(&fields(&[("$set", fields(&[("touched", Value::Int(1))]))])),
                reach: Reach::Many,
                upsert: Upsert::No,
                new_id: incoming_of(&Value::Null),
                array_filters: None,
                hint: None,
                sort: None,
                if_version: None,
            },
        );
        let _ = session.call(name, Operation::DeleteId { id: incoming_of(&Value::Int(1)), if_version: None });
    }
    let whole = |name: &str| {
        let found = everything(&session, name);
        for document in found.iter().flatten() {
            let Value::Object(object) = document else { continue };
            let Some((_, id)) = object.iter().find(|(key, _)| key == "_id") else { continue };
            let _ = session.call(name, Operation::Get { id: incoming_of(id), meta: true });
        }
        found
    };
    collections.iter().map(|info| (info.name.clone(), whole(&info.name))).collect()
}
