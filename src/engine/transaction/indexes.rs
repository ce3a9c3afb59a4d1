//! Indexes of collections that a transaction has begun, as long as they are empty. All others are made outside of transactions.

use super::errors;
use super::work::Work;
use crate::engine::index_build::create::{check, own_name, wanted};
use crate::error::Result;
use crate::index::Spec;
use crate::storage::Lsn;

/// Creates indexes; returns their names.
pub(crate) fn create(work: &mut Work, name: &str, specs: &[Spec]) -> Result<Vec<String>> {
    specs.iter().try_for_each(|spec| check(name, spec))?;
    let collection = work.collection_or_begin(name)?;
    let fresh = wanted(&collection, specs)?;
    if !fresh.is_empty() {
        if !work.is_begun_and_empty(name) {
            return Err(errors::refused("an index of a collection that is there already cannot be created"));
        }
        // A savepoint may go back to the collection without them.
        let next = work.begin_again(name, &collection.options());
        for index in collection.indexes().iter().chain(&fresh) {
            index.set_ready(Lsn(0));
            next.add_index(index.clone());
        }
    }
    Ok(specs.iter().map(|spec| own_name(spec).to_owned()).collect())
}
