//! Whether another writer has changed a document since the snapshot of a transaction.

use crate::engine::format::key::Key;
use crate::engine::state::collection::Collection;
use crate::engine::state::slab::SlotId;
use crate::error::Result;
use crate::storage::Lsn;

/// Whether the document with this key is still that of the snapshot: the one in slot `below`, or none. A document that was
/// inserted since is a change, even if it is deleted again.
pub(in crate::engine::transaction) fn is_newest(
    collection: &Collection,
    key: &Key,
    below: Option<SlotId>,
    snapshot: Lsn,
) -> Result<bool> {
    let slab = collection.slab();
    if let Some(slot) = below {
        let newest = slab.newest(slot, |version| version.content.is_document() && version.lsn <= snapshot)?;
        return Ok(newest == Some(true));
    }
    let Some(slot) = collection.slot_of(key)? else { return Ok(true) };
    let newest = slab.newest(slot, |version| !version.content.is_document() && version.lsn <= snapshot)?;
    Ok(newest != Some(false))
}
