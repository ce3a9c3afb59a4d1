//! What a restore brings back of a collection, and copies of a collection for another database.

use std::sync::Arc;

use crate::document::{Shape, ShapeId};
use crate::engine::format::key::Key;
use crate::engine::state::collection::Collection;
use crate::engine::state::slab::SlotId;
use crate::error::Result;
use crate::storage::Lsn;

impl Collection {
    /// A restore has brought the document of this key back into this slot.
    pub(crate) fn enter_again(&self, key: Key, slot: SlotId) {
        if let Some(other) = self.find_or_enter(key.clone(), slot)
            && other != slot
        {
            // In this order: who finds the slot finds the other lives.
            self.slab().note_life(slot, other);
            self.begin_lives();
            self.enter(key, slot);
        }
    }

    /// A copy with the documents and indexes of the newest state; documents are shared, and never changed. No commit may happen meanwhile,
    /// and there is no checkpoint below.
    pub(crate) fn copied(&self) -> Result<Collection> {
        let mut copy = Collection::new(self.number());
        for number in 0..self.shapes().len() {
            let id = ShapeId(u16::try_from(number).unwrap_or(u16::MAX));
            copy.shapes().push(Shape::new(self.shapes().get(id).map(Shape::keys).unwrap_or_default()));
        }
        copy.set_logged_shapes(self.logged_shapes());
        copy.set_options(self.options());
        let tally = self.tally().now();
        copy.begin_copied(self.slab().copied(), self, tally);
        for index in self.indexes().iter().filter(|index| index.is_ready(Lsn::NEWEST)) {
            copy.number_after(index.number());
            copy.add_index(Arc::new(index.copied()?));
        }
        Ok(copy)
    }
}
