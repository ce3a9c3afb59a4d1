//! Information about a collection: its indexes and statistics.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::document::{Collation, Value};
use crate::engine::operation::response::matches;
use crate::engine::read::missing_indexes;
use crate::engine::state::collection::Collection;
use crate::engine::state::index::Index;
use crate::engine::state::namespace::parts;
use crate::engine::store::Store;
use crate::index::ID_INDEX;
use crate::query::Filter;

/// The indexes of the newest published state, the one on `_id` first; none if the collection does not exist.
pub(crate) fn list_indexes(store: &Store, name: &str) -> Vec<Value> {
    let Some(collection) = store.views().collection(name) else { return Vec::new() };
    let id = Value::Object(vec![("_id".into(), Value::Int(1))]);
    let first = row(vec![("key".into(), id), ("name".into(), Value::String(ID_INDEX.into()))]);
    let others = collection.ready_indexes(store.views().published()).map(|index| shown(&index));
    std::iter::once(first).chain(others).collect()
}

/// The databases that have collections, by name, as the server lists them; the size is that of their documents.
pub(crate) fn list_databases(store: &Store, filter: &Filter) -> Vec<Value> {
    let catalogue = store.views().catalogue();
    let mut sizes = BTreeMap::<&str, u64>::new();
    for (name, collection) in catalogue.iter() {
        *sizes.entry(store.databases().name_of(parts(name).0)).or_default() += collection.live_bytes();
    }
    let rows = sizes.into_iter().map(|(name, bytes)| {
        Value::Object(vec![
            ("name".to_owned(), Value::String(name.to_owned())),
            ("sizeOnDisk".to_owned(), number(bytes)),
            ("empty".to_owned(), Value::Bool(false)),
        ])
    });
    rows.filter(|row| filter.is_all() || matches(row, filter)).collect()
}

/// Statistics of a collection; zeros if it does not exist.
pub(crate) fn collection_stats(store: &Store, name: &str) -> Value {
    let collection = store.views().collection(name);
    let indexes: Vec<_> = collection
        .iter()
        .flat_map(|collection| collection.ready_indexes(store.views().published()))
        .map(|index| (index.spec().name.to_string(), index.bytes(), index.uses()))
        .collect();
    let (count, size) =
        collection.as_ref().map_or((0, 0), |collection| (collection.count(), collection.live_bytes()));
    let suggested = collection.as_ref().map_or_else(
        || Value::Array(Vec::new()),
        |collection| missing_indexes::suggested_indexes(collection),
    );
    let of_id = usize::from(collection.is_some());
    let by_name = |figure: fn(&(String, u64, u64)) -> u64| {
        Value::Object(indexes.iter().map(|index| (index.0.clone(), number(figure(index)))).collect())
    };
    let mut stats = vec![("count".to_owned(), number(count)), ("size".to_owned(), number(size))];
    if count > 0 {
        stats.push(("avgObjSize".to_owned(), Value::number(size as f64 / count as f64)));
    }
    if let Some(collection) = &collection {
        let cap = collection.capped().cap();
        stats.push(("capped".to_owned(), Value::Bool(cap.is_some())));
        stats.extend(cap.and_then(|cap| cap.max).map(|max| ("max".to_owned(), number(max))));
        stats.extend(cap.map(|cap| ("maxSize".to_owned(), number(cap.size))));
    }
    stats.extend([
        ("nindexes".to_owned(), number((indexes.len() + of_id) as u64)),
        ("indexSizes".to_owned(), by_name(|index| index.1)),
        ("totalIndexSize".to_owned(), number(indexes.iter().map(|index| index.1).sum())),
        ("indexUses".to_owned(), by_name(|index| index.2)),
        ("suggestedIndexes".to_owned(), suggested),
    ]);
    Value::Object(stats)
}

/// A suggested index, as the statistics of a database list it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SuggestedIndex {
    /// Its collection.
    pub collection: String,
    /// Its fields.
    pub key: BTreeMap<String, i32>,
    /// Its name.
    pub name: String,
    /// The number of costly scans that need it.
    pub scans: u32,
}

/// The suggested indexes of a collection.
pub(crate) fn suggested<'c>(
    name: &'c str,
    collection: &Collection,
) -> impl Iterator<Item = SuggestedIndex> + use<'c> {
    missing_indexes::suggested(collection).into_iter().map(move |(path, scans)| {
        let field = missing_indexes::field_of(path, &Collation::SIMPLE);
        SuggestedIndex {
            collection: parts(name).1.to_owned(),
            name: missing_indexes::name_of(&field),
            key: BTreeMap::from([(field.name.to_string(), field.direction.sign())]),
            scans,
        }
    })
}

/// An index as the driver lists it.
fn shown(index: &Index) -> Value {
    let Value::Object(mut fields) = index.definition().to_value() else { return Value::Null };
    if let Some((_, key)) = fields.iter_mut().find(|(name, _)| name == "key") {
        *key = index.spec().key_pattern();
    }
    row(fields)
}

fn row(fields: Vec<(String, Value)>) -> Value {
    Value::Object([("v".to_owned(), Value::Int(2))].into_iter().chain(fields).collect())
}

fn number(count: u64) -> Value {
    Value::number(count as f64)
}
