//! What an operation reads: the state of the database at a view, and over it what its transaction has written.
//!
//! Every kind of read takes a source. Without a transaction there is nothing over the view, and each read goes on as if there
//! were no such layer.

use std::collections::HashMap;
use std::sync::Arc;

use super::own::OwnDocuments;
use super::read_set::ReadSet;
use crate::engine::state::collection::Collection;
use crate::engine::state::idle_readers::Ticket;
use crate::engine::state::views::View;
use crate::engine::store::Store;
use crate::error::Result;
use crate::query::Filter;
use crate::storage::Lsn;

/// What a transaction has written, by collection.
#[derive(Clone, Default)]
pub(crate) struct OwnWrites {
    /// By the collection's number.
    pub(crate) documents: HashMap<u32, Arc<OwnDocuments>>,
    /// Collections that it has begun, by name. They have no documents but those.
    pub(crate) begun: HashMap<Arc<str>, Arc<Collection>>,
}

/// What an operation reads.
pub(crate) struct Source {
    view: View,
    own: Option<Arc<OwnWrites>>,
    /// Where a serializable transaction notes what it reads.
    reads: Option<Arc<ReadSet>>,
    /// The time of the view (ms).
    now: i64,
}

impl Source {
    /// The newest published state.
    pub(crate) fn newest(store: &Store) -> Source {
        Source { view: store.view(), own: None, reads: None, now: store.statement_time() }
    }

    /// A view at this time, and what a transaction has written over it.
    pub(crate) fn within(view: View, own: Arc<OwnWrites>, reads: Option<Arc<ReadSet>>, now: i64) -> Source {
        Source { view, own: Some(own), reads, now }
    }

    /// Notes that the documents of a collection that a filter matches are read. Every read by filter is noted before it begins.
    #[inline]
    pub(crate) fn note(&self, name: &str, filter: &Filter) -> Result<()> {
        let Some(reads) = &self.reads else { return Ok(()) };
        match self.view.catalogue().get(name) {
            Some(collection) => reads.filter(name, collection, filter),
            None => {
                reads.absent(name);
                Ok(())
            }
        }
    }

    /// Notes that a name has this collection.
    pub(crate) fn note_collection(&self, name: &str) -> Result<()> {
        match (&self.reads, self.view.catalogue().get(name)) {
            (Some(reads), Some(collection)) => reads.collection(name, collection),
            _ => Ok(()),
        }
    }

    /// The LSN of the view.
    pub(crate) fn lsn(&self) -> Lsn {
        self.view.lsn()
    }

    /// What identifies the view.
    pub(crate) fn ticket(&self) -> Ticket {
        self.view.ticket()
    }

    /// The time of the view (ms).
    pub(crate) fn now(&self) -> i64 {
        self.now
    }

    /// The collection of this name.
    pub(crate) fn collection(&self, name: &str) -> Option<&Arc<Collection>> {
        let begun = || self.own.as_ref().and_then(|own| own.begun.get(name));
        self.view.catalogue().get(name).or_else(begun)
    }

    /// What was written to a collection; `None` where that is nothing.
    pub(crate) fn own(&self, collection: &Collection) -> Option<Arc<OwnDocuments>> {
        let own = self.own.as_ref()?.documents.get(&collection.number())?;
        (!own.is_empty()).then(|| own.clone())
    }
}
