//! Documents in their stored form, on their way into a commit.

use std::sync::Arc;

use super::collection::Collection;
use super::commit::{Commit, Halt, Over, Present};
use super::key::Key;
use crate::document::staged::StagedShapes;
use crate::document::{RawValue, Value, encode_document, incoming};
use crate::error::{Error, Kind, Result};
use crate::query::{Rewrite, Update};

impl Commit<'_> {
    /// Packs a document that came over the boundary; shapes it is the first to use are numbered now.
    pub fn pack_incoming(&mut self, collection: &Collection, raw: RawValue<'_>) -> Result<()> {
        let mut staged = StagedShapes::new(collection.shapes());
        self.packed.clear();
        incoming::store_with(raw, &collection.translation(raw.shapes()), &mut staged, &mut self.packed)?;
        push_shapes(collection, staged)
    }

    /// Packs a tree.
    pub fn pack_value(&mut self, collection: &Collection, value: &Value) -> Result<()> {
        let mut staged = StagedShapes::new(collection.shapes());
        self.packed.clear();
        encode_document(value, &mut staged, &mut self.packed)?;
        push_shapes(collection, staged)
    }

    /// Packs what an update makes of a stored document, if that can be told from its bytes.
    pub fn pack_rewritten(&mut self, update: &Update, before: RawValue<'_>) -> Rewrite {
        self.packed.clear();
        update.rewrite(before, self.time(), &mut self.packed)
    }

    /// Stages what was packed last in the place of a document.
    pub fn replace_packed(
        &mut self,
        collection: &Arc<Collection>,
        key: Key,
        present: &Present,
    ) -> Result<u64, Halt> {
        let packed = std::mem::take(&mut self.packed);
        let version = self.put_over(collection, key, Over::from(present), Some(present), &packed);
        self.packed = packed;
        version
    }

    /// Stages what was packed last.
    pub fn put_packed(&mut self, collection: &Arc<Collection>, key: Key, over: Over) -> Result<u64, Halt> {
        let packed = std::mem::take(&mut self.packed);
        let version = self.put(collection, key, over, &packed);
        self.packed = packed;
        version
    }
}

fn push_shapes(collection: &Collection, staged: StagedShapes<'_>) -> Result<()> {
    for shape in staged.into_staged() {
        if collection.shapes().push(shape).is_none() {
            return Err(Error::new(Kind::Internal, "a shape was numbered twice"));
        }
    }
    Ok(())
}
