//! The insert of an upsert of a transaction that matched nothing.

use std::sync::Arc;

use super::by_id::{bypassed, pack};
use super::work::Work;
use crate::document::Value;
use crate::engine::commit::conflicts::duplicate_id;
use crate::engine::commit::documents::PackedDocument;
use crate::engine::state::collection::Collection;
use crate::engine::write::modification::Modification;
use crate::engine::write::upsert::{NewDocument, new_document};
use crate::error::Result;

/// Inserts the document of filter and change; returns its `_id`, and the document to return.
pub(super) fn insert(work: &mut Work, modification: &Modification<'_>) -> Result<(Value, Option<Value>)> {
    let Modification { name, interrupt, .. } = *modification;
    let budget = work.store.work(interrupt);
    let NewDocument { document, id, key, answer } = new_document(modification, work.now, &budget)?;
    let collection: Arc<Collection> = work.collection_or_begin(name)?;
    let seen = work.seen(&collection, &key)?;
    if seen.present.is_some() {
        return Err(duplicate_id(&work.namespace(name), &id));
    }
    let packed = pack(work, &collection, || PackedDocument::of(&collection, &document))?;
    let packed = packed.checked(bypassed(interrupt));
    work.put(name, &collection, &key, &seen, &packed)?;
    Ok((id, answer))
}
