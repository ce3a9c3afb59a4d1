//! Documents in their stored form, on their way into a commit.

use std::sync::Arc;

use super::current_document::{CurrentDocument, Over};
use super::staged::{Commit, Halt};
use crate::document::staged::StagedShapes;
use crate::document::{RawValue, Shape, ShapeId, Value, encode_document, incoming};
use crate::engine::format::key::Key;
use crate::engine::format::record::Making;
use crate::engine::state::collection::Collection;
use crate::engine::state::rules::Checked;
use crate::error::{Error, Kind, Result};
use crate::query::{Rewrite, Update};

impl Commit<'_> {
    /// Encodes a document from the boundary; shapes that it uses first are numbered now.
    pub(crate) fn pack_incoming(&mut self, collection: &Collection, raw: RawValue<'_>) -> Result<()> {
        let mut staged = StagedShapes::new(collection.shapes());
        self.packed.clear();
        incoming::store_with(raw, &collection.translation(raw.shapes()), &mut staged, &mut self.packed)?;
        push_shapes(collection, staged)
    }

    /// Encodes a tree.
    pub(crate) fn pack_value(&mut self, collection: &Collection, value: &Value) -> Result<()> {
        let mut staged = StagedShapes::new(collection.shapes());
        self.packed.clear();
        encode_document(value, &mut staged, &mut self.packed)?;
        push_shapes(collection, staged)
    }

    /// Encodes the result of an update of a stored document, if it can be computed from its bytes.
    pub(crate) fn pack_rewritten(&mut self, update: &Update, before: RawValue<'_>) -> Rewrite {
        self.packed.clear();
        self.paths.clear();
        update.rewrite(before, self.time(), &mut self.packed, &mut self.paths)
    }

    /// Stages the document encoded last as the replacement of another, or as the update of it that changed `paths`.
    pub(crate) fn replace_packed(
        &mut self,
        collection: &Arc<Collection>,
        key: Key,
        present: &CurrentDocument,
        how: How,
    ) -> Result<u64, Halt> {
        let (packed, paths) = (std::mem::take(&mut self.packed), std::mem::take(&mut self.paths));
        let making = match how {
            How::Updated => Making::Updated(&paths),
            How::Replaced => Making::Replaced,
        };
        let version = self.put_over(collection, key, Over::from(present), Some(present), (&packed, making));
        (self.packed, self.paths) = (packed, paths);
        version
    }

    /// Stages the document encoded last.
    pub(crate) fn put_packed(
        &mut self,
        collection: &Arc<Collection>,
        key: Key,
        over: Over,
    ) -> Result<u64, Halt> {
        let packed = std::mem::take(&mut self.packed);
        let version = self.put(collection, key, over, &packed);
        self.packed = packed;
        version
    }
}

/// How a document takes the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Updated,
    Replaced,
}

/// A document in its stored form, encoded outside of the commit lock, with the shapes that it uses first.
pub(crate) struct PackedDocument {
    bytes: Vec<u8>,
    /// The paths that it has changed, if it is the result of an update.
    paths: Option<Vec<u8>>,
    /// The number of the first of the shapes.
    first: usize,
    shapes: Vec<Shape>,
    /// By which rules it has been checked.
    checked: Checked,
}

impl PackedDocument {
    /// Bytes that use only known shapes.
    pub(crate) fn settled(bytes: Vec<u8>) -> PackedDocument {
        PackedDocument { bytes, paths: None, first: 0, shapes: Vec::new(), checked: Checked::Never }
    }

    /// The result of an update that changed these paths.
    pub(crate) fn updated(self, paths: Vec<u8>) -> PackedDocument {
        PackedDocument { paths: Some(paths), ..self }
    }

    /// The same, checked by these rules.
    pub(crate) fn checked(self, checked: Checked) -> PackedDocument {
        PackedDocument { checked, ..self }
    }

    /// By which rules it has been checked.
    pub(crate) fn checks(&self) -> &Checked {
        &self.checked
    }

    /// How it takes the place of another.
    pub(crate) fn making(&self) -> Making<'_> {
        self.paths.as_deref().map_or(Making::Replaced, Making::Updated)
    }

    /// Encodes a document from the boundary.
    pub(crate) fn of_incoming(collection: &Collection, raw: RawValue<'_>) -> Result<PackedDocument> {
        let mut staged = StagedShapes::new(collection.shapes());
        let mut bytes = Vec::new();
        incoming::store_with(raw, &collection.translation(raw.shapes()), &mut staged, &mut bytes)?;
        Ok(PackedDocument {
            bytes,
            paths: None,
            first: usize::from(staged.first_id()),
            shapes: staged.into_staged(),
            checked: Checked::Never,
        })
    }

    /// Whether it uses known shapes only.
    pub(crate) fn is_settled(&self) -> bool {
        self.shapes.is_empty()
    }

    /// Encodes a tree.
    pub(crate) fn of(collection: &Collection, value: &Value) -> Result<PackedDocument> {
        let mut staged = StagedShapes::new(collection.shapes());
        let mut bytes = Vec::new();
        encode_document(value, &mut staged, &mut bytes)?;
        Ok(PackedDocument {
            bytes,
            paths: None,
            first: usize::from(staged.first_id()),
            shapes: staged.into_staged(),
            checked: Checked::Never,
        })
    }

    /// Numbers the shapes, under the commit lock. False if other documents took the numbers: the document must be encoded
    /// again.
    pub(crate) fn settle(&self, collection: &Collection) -> Result<bool> {
        let table = collection.shapes();
        for (n, shape) in self.shapes.iter().enumerate() {
            let id = ShapeId(u16::try_from(self.first + n).unwrap_or(u16::MAX));
            match table.get(id) {
                Some(known) if known.has_keys(shape.keys()) => {}
                Some(_) => return Ok(false),
                None if table.len() == self.first + n => push_shape(collection, Shape::new(shape.keys()))?,
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// The stored form.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }
}

fn push_shapes(collection: &Collection, staged: StagedShapes<'_>) -> Result<()> {
    for shape in staged.into_staged() {
        push_shape(collection, shape)?;
    }
    Ok(())
}

fn push_shape(collection: &Collection, shape: Shape) -> Result<()> {
    match collection.shapes().push(shape) {
        Some(_) => Ok(()),
        None => Err(Error::new(Kind::Internal, "a shape was numbered twice")),
    }
}
