//! Names and shapes of collections at the time of a commit, which may be long ago.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::document::Shapes;
use crate::engine::state::catalogue::Catalogue;
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result};
use crate::storage::Lsn;

/// A collection in a commit.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) number: u32,
    /// Its whole name, with that of its database.
    pub(super) name: Arc<str>,
    pub(super) shapes: Arc<Shapes>,
}

/// The collections that a commit names. The records of the commit are passed in order, as it may create and rename them.
pub(super) struct Names<'s> {
    store: &'s Store,
    lsn: Lsn,
    /// A published state that has the commit, from before the past names are asked: what has changed since is among those.
    catalogue: Arc<Catalogue>,
    known: SmallVec<[Known; 2]>,
}

impl<'s> Names<'s> {
    pub(super) fn at(store: &'s Store, lsn: Lsn) -> Names<'s> {
        Names { store, lsn, catalogue: store.views().catalogue(), known: SmallVec::new() }
    }

    /// The collection with this number.
    pub(super) fn of(&mut self, number: u32) -> Result<Known> {
        if let Some(known) = self.known.iter().find(|known| known.number == number) {
            return Ok(known.clone());
        }
        let past = self.store.past_names().before(number, self.lsn);
        let name = past.or_else(|| self.catalogue.name_of(number).cloned());
        let name = name.ok_or_else(|| self.lost())?;
        self.add(number, name)
    }

    /// A collection that the commit has created or renamed.
    pub(super) fn named(&mut self, number: u32, name: &str) -> Result<Known> {
        self.known.retain(|known| known.number != number);
        self.add(number, name.into())
    }

    fn add(&mut self, number: u32, name: Arc<str>) -> Result<Known> {
        let live = self.store.collections().get(&number).map(|collection| collection.shared_shapes());
        let shapes = live.or_else(|| self.store.past_names().shapes(number)).ok_or_else(|| self.lost())?;
        let known = Known { number, name, shapes };
        self.known.push(known.clone());
        Ok(known)
    }

    fn lost(&self) -> Error {
        let message = format!(
            "the commit {} changed a collection that was dropped before the database was watched for the first time, so its \
             events cannot be told; begin with a later event",
            self.lsn.0
        );
        Error::new(Kind::HistoryLost, message)
    }
}
