//! A write by filter, as it is requested, and the documents that it has found.

use crate::engine::commit::conflicts::conflict;
use crate::engine::commit::read_ahead::ReadAhead;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::locks::LongMutex;
use crate::engine::operation::input::Incoming;
use crate::engine::operation::request::{Reach, Returned, Upsert};
use crate::engine::plan::hint::Hint;
use crate::engine::state::slab::{SlotId, Stamp};
use crate::error::Result;
use crate::query::{Filter, Projection, Sort, Update};

/// What a write does to a matching document.
pub(crate) enum Change<'a> {
    /// Applies operators.
    Update(&'a Update),
    /// Replaces it.
    Replace(&'a Incoming),
    /// Deletes it.
    Delete,
}

/// A write by filter.
pub(crate) struct Modification<'a> {
    /// The collection's name.
    pub name: &'a str,
    /// The filter.
    pub filter: &'a Filter,
    /// One or many.
    pub reach: Reach,
    /// The change.
    pub change: Change<'a>,
    /// What to do when none matches; the `_id` is for a document that gets none from filter and change.
    pub upsert: (Upsert, Option<&'a Incoming>),
    /// For a single document: the sort order that chooses it.
    pub sort: Option<&'a Sort>,
    /// The hint.
    pub hint: Option<&'a Hint>,
    /// For a single document: the version that it must have; 0 for none.
    pub if_version: Option<u64>,
    /// The document to return, and its projection.
    pub answer: Option<(Returned, Option<&'a Projection>)>,
    /// When to stop.
    pub interrupt: &'a Interrupt,
    /// What was read ahead, if the filter names an `_id`.
    pub ahead: Option<&'a LongMutex<ReadAhead>>,
}

/// A version that matched outside of the lock.
pub(crate) struct Candidate {
    pub(crate) slot: SlotId,
    pub(crate) stamp: Stamp,
    pub(crate) bytes: usize,
}

impl Modification<'_> {
    /// Refuses a document that does not have the expected version; 0 stands for none.
    pub(crate) fn check_version(&self, found: u64) -> Result<()> {
        match self.if_version {
            Some(wanted) if wanted != found => Err(conflict(self.name, Some(wanted), found)),
            _ => Ok(()),
        }
    }

    /// Whether an upsert must know what changed since its search. If the filter names the `_id` of the document that would
    /// be inserted, that key alone decides.
    pub(crate) fn is_tracked(&self) -> bool {
        let names_another = |replacement: &Incoming| replacement.raw().get("_id").is_some();
        self.upsert.0 == Upsert::Yes
            && (self.filter.id().is_none()
                || matches!(self.change, Change::Replace(one) if names_another(one)))
    }
}
