//! Requests for indexes: from the boundary to the store.

use super::create;
use crate::document::{Collation, incoming};
use crate::engine::commit::Committed;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::operation::input::Incoming;
use crate::engine::operation::response::Answer;
use crate::engine::plan::hint::Hint;
use crate::engine::state::namespace::Shown;
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result, codes};
use crate::index::{ID_INDEX, Spec};
use crate::storage::Lsn;

/// Creates indexes; returns their names.
pub(crate) fn create_indexes(
    store: &Store,
    name: &str,
    specs: &[Incoming],
    interrupt: &Interrupt,
) -> Committed<Answer> {
    let default =
        store.applied_collection(name).map_or(Collation::SIMPLE, |collection| collection.collation());
    let parsed = specs.iter().map(|spec| parse_spec(spec, &default)).collect::<Result<Vec<_>>>();
    match parsed {
        Ok(specs) => create::run_with(store, name, &specs, interrupt, |_| {}).map(Answer::Names),
        Err(error) => Committed::failed(error),
    }
}

/// Drops an index by name or key, or all; returns how many there were, including the one on `_id`.
pub(crate) fn drop_index(store: &Store, name: &str, index: &Incoming) -> Committed<Answer> {
    if let Err(error) = store.check_stores(name) {
        return Committed::failed(error);
    }
    let collection = store.applied_collection(name);
    let known: Vec<_> =
        collection.iter().flat_map(|collection| collection.ready_indexes(Lsn::NEWEST)).collect();
    let named = parse_hint(index).and_then(|hint| match hint {
        hint if hint.is_id() => Ok(ID_INDEX.to_owned()),
        Hint::Name(index) => Ok(index),
        hint => match known.iter().find(|index| hint.is_of(index.spec())) {
            Some(index) => Ok(index.spec().name.to_string()),
            None => Err(no_such_key(name, &hint)),
        },
    });
    match named {
        Ok(index) => create::drop_index(store, name, &index).map(|()| Answer::Count(known.len() as u64 + 1)),
        Err(error) => Committed::failed(error),
    }
}

/// The definition of an index of a collection with this collation.
pub(crate) fn parse_spec(spec: &Incoming, default: &Collation) -> Result<Spec> {
    incoming::check(spec.bytes(), &spec.shapes)?;
    Spec::parse_in(spec.raw(), default)
}

fn parse_hint(index: &Incoming) -> Result<Hint> {
    incoming::check(index.bytes(), &index.shapes)?;
    Hint::parse(index.raw())
}

fn no_such_key(name: &str, hint: &Hint) -> Error {
    let Hint::Keys(keys) = hint else { return hint.refusal() };
    let fields: Vec<_> = keys.iter().map(|(path, sign)| format!("{path}: {sign}")).collect();
    let message = format!(
        "can't find index with key: {{ {} }} in the collection '{}'; list its indexes",
        fields.join(", "),
        Shown(name)
    );
    Error::new(Kind::BadQuery, message).with_code(codes::INDEX_NOT_FOUND)
}
