//! The insert of an upsert of a transaction that matched nothing.

use std::sync::Arc;

use super::by_id::pack;
use super::work::Work;
use crate::document::{RawValue, Shapes, Value, encode};
use crate::engine::commit::conflicts::duplicate_id;
use crate::engine::commit::documents::PackedDocument;
use crate::engine::format::key::key_of;
use crate::engine::operation::request::Returned;
use crate::engine::state::collection::Collection;
use crate::engine::write::find_and_modify::projected;
use crate::engine::write::modification::Modification;
use crate::engine::write::upsert::upserted;
use crate::error::Result;

/// Inserts the document of filter and change; returns its `_id`, and the document to return.
pub(super) fn insert(work: &mut Work, modification: &Modification<'_>) -> Result<(Value, Option<Value>)> {
    let Modification { name, interrupt, filter, .. } = *modification;
    let budget = work.store.work(interrupt);
    let (object, id) = upserted(modification, work.now, &budget)?;
    budget.check()?;
    let document = Value::Object(object);
    let answer = match modification.answer {
        Some((Returned::After, projection)) => projected(&document, projection, filter)?,
        _ => None,
    };
    let mut plain = Vec::new();
    encode::encode_plain(&id, &mut plain);
    let key = key_of(RawValue::new(&plain, Shapes::none()));
    let collection: Arc<Collection> = work.collection_or_begin(name)?;
    let seen = work.seen(&collection, &key)?;
    if seen.present.is_some() {
        return Err(duplicate_id(name, &id));
    }
    let packed = pack(work, &collection, || PackedDocument::of(&collection, &document))?;
    work.put(name, &collection, &key, &seen, &packed)?;
    Ok((id, answer))
}
