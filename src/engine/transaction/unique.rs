//! The keys that a document of a transaction has in indexes, and takes in unique ones. A value that a document has which the transaction sees is
//! a duplicate; one that only a later commit has given to a document is a conflict. The commit checks again.

use super::work::{Seen, Work};
use crate::document::RawValue;
use crate::engine::commit::conflicts::duplicate_key;
use crate::engine::format::key::Key;
use crate::engine::read::layers::own::OwnKeys;
use crate::engine::state::collection::Collection;
use crate::engine::state::index::Index;
use crate::engine::state::slab::SlotId;
use crate::error::Result;
use crate::index::{Found, KeyBytes, Purpose, cut, values_of};
use crate::storage::Lsn;

impl Work {
    /// Refuses a document that cannot be indexed, or that is a duplicate.
    pub(super) fn keys_of(
        &self,
        name: &str,
        collection: &Collection,
        key: &Key,
        seen: &Seen,
        document: RawValue<'_>,
    ) -> Result<OwnKeys> {
        let mut own = OwnKeys::default();
        if !collection.is_indexed() {
            return Ok(own);
        }
        let mut scratch = Vec::new();
        let indexes = collection.indexes();
        for index in indexes.iter() {
            // The queries of the transaction may use one that was dropped since, and not one that is newer.
            let (is_read, is_kept) = (index.is_ready(self.lsn()), index.is_kept() && !index.is_building());
            if !is_read && !is_kept {
                continue;
            }
            let number = index.number();
            scratch.clear();
            match index.plain_key(document, &mut scratch) {
                Found::Nothing => {}
                Found::Key => own.entries.push((number, KeyBytes::from_slice(cut(&scratch)))),
                // With an array there are several keys, or none can be made.
                Found::Array => {
                    let keys = index.keys(document, Purpose::Entries, &mut scratch)?;
                    own.entries.extend(keys.list.into_iter().map(|key| (number, key)));
                    own.multikey.push(number);
                }
            }
            if !index.spec().unique || !is_kept {
                continue;
            }
            let keys = index.keys(document, Purpose::Unique, &mut scratch)?;
            for value in &keys.list {
                if self.has_holder(name, collection, index, value, (key, seen.below))? {
                    let values = values_of(index.spec(), document, value);
                    return Err(duplicate_key(&self.namespace(name), index.spec(), &values));
                }
                own.unique.push((number, value.clone()));
            }
        }
        Ok(own)
    }

    /// Whether another document that the transaction sees has this key in a unique index.
    fn has_holder(
        &self,
        name: &str,
        collection: &Collection,
        index: &Index,
        value: &KeyBytes,
        (key, below): (&Key, Option<SlotId>),
    ) -> Result<bool> {
        let own = self.own(collection);
        if let Some(holder) = own.and_then(|own| own.holder(index.number(), value))
            && holder.key != *key
        {
            return Ok(true);
        }
        for slot in index.slots(value)? {
            if below == Some(slot) || own.is_some_and(|own| own.hides(slot)) {
                continue;
            }
            if self.has_key(collection, index, slot, value, self.lsn())? {
                // It is a document of the view, so its slot stands for its key.
                self.note_key(collection, key, Some(slot))?;
                return Ok(true);
            }
            if self.has_key(collection, index, slot, value, Lsn::NEWEST)? {
                return Err(self.conflict(name));
            }
        }
        Ok(false)
    }

    /// Whether the document in a slot has this key in a state.
    fn has_key(
        &self,
        collection: &Collection,
        index: &Index,
        slot: SlotId,
        value: &KeyBytes,
        lsn: Lsn,
    ) -> Result<bool> {
        let Some((_, block, span)) = self.in_slot(collection, slot, lsn)? else { return Ok(false) };
        let document = RawValue::new(span.of(&block), collection.shapes());
        Ok(index.keys(document, Purpose::Unique, &mut Vec::new())?.contains(value))
    }
}
