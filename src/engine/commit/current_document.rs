//! Documents as a commit finds them, and what may replace them.

use std::sync::Arc;

use crate::document::{RawValue, Shapes};
use crate::engine::format::record::Put;
use crate::engine::state::slab::{SlotId, Span};
use crate::error::{Error, Kind, Result};
use crate::storage::Block;

/// What a document replaces.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// Nothing: a new slot. The document may have existed earlier in another slot.
    New(Option<SlotId>),
    /// The newest version in this slot.
    Slot(SlotId),
    /// The document of this step of the same commit.
    Step(usize),
    /// Nothing: this step of the same commit deleted the document.
    After(usize),
}

impl Target {
    /// The slot, if any.
    pub(crate) fn slot(&self) -> Option<SlotId> {
        match self {
            Target::Slot(slot) => Some(*slot),
            Target::New(_) | Target::Step(_) | Target::After(_) => None,
        }
    }
}

/// A document in the newest applied state, including the commit's own steps.
pub(crate) struct CurrentDocument {
    /// What a new version of it replaces.
    pub target: Target,
    /// Its version.
    pub version: u64,
    /// When it was inserted (ms).
    pub created_at: i64,
    document: Bytes,
}

enum Bytes {
    Block(Arc<Block>, Span),
    Own(Vec<u8>),
}

impl CurrentDocument {
    /// The document.
    pub(crate) fn document<'a>(&'a self, shapes: &'a Shapes) -> RawValue<'a> {
        let bytes = match &self.document {
            Bytes::Block(block, span) => span.of(block),
            Bytes::Own(bytes) => bytes,
        };
        RawValue::new(bytes, shapes)
    }

    /// The bytes of the document, which are known without reading it.
    pub(crate) fn size(&self) -> usize {
        match &self.document {
            Bytes::Block(_, span) => span.len(),
            Bytes::Own(bytes) => bytes.len(),
        }
    }

    /// The document of a record in a block.
    pub(crate) fn of_block(target: Target, block: &Arc<Block>, span: Span) -> Result<CurrentDocument> {
        let put = span
            .record(block)
            .ok_or_else(|| Error::new(Kind::Internal, "a slot names no document record of its block"))?;
        let document = Bytes::Block(block.clone(), span);
        Ok(CurrentDocument { target, version: put.version, created_at: put.created_at, document })
    }

    /// A document from a step of the same commit.
    pub(crate) fn of_step(step: usize, put: &Put, payload: &[u8]) -> CurrentDocument {
        let document = Bytes::Own(payload.get(put.document.clone()).unwrap_or_default().to_vec());
        CurrentDocument {
            target: Target::Step(step),
            version: put.version,
            created_at: put.created_at,
            document,
        }
    }
}

/// The newest applied state of a key.
pub(crate) enum Current {
    /// No document; an insert uses this target.
    Absent(Target),
    /// This document.
    Present(CurrentDocument),
}

/// What a staged document replaces.
#[derive(Clone, Copy)]
pub(crate) enum Over {
    /// No document: version 1.
    Nothing(Target),
    /// A document of this version, inserted at this time (ms).
    Present(Target, u64, i64),
}

impl From<&CurrentDocument> for Over {
    fn from(present: &CurrentDocument) -> Over {
        Over::Present(present.target, present.version, present.created_at)
    }
}
