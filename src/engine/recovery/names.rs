//! Collections as a whole, while a snapshot and the log after it are loaded: begun, renamed, dropped, and what they were called before.

use std::sync::Arc;

use super::replay::{Fault, Replay};
use crate::document::{Shape, Shapes};
use crate::engine::state::collection::Collection;
use crate::engine::state::collection_options::CollectionOptions;
use crate::engine::state::feed::past_names::PastName;
use crate::engine::state::namespace::{is_database, is_name};
use crate::storage::Lsn;

/// What is wrong with options that are no options.
const UNREADABLE: &str = "a collection has options that cannot be read";

impl Replay<'_> {
    /// A collection is created in the log: its number is higher than all before.
    pub(super) fn create(&mut self, number: u32, name: &str, options: &[u8]) -> Result<(), Fault> {
        if number < self.recovered.next_number {
            return Err("a collection number is given twice".into());
        }
        self.add(number, name, options)
    }

    pub(super) fn add(&mut self, number: u32, name: &str, options: &[u8]) -> Result<(), Fault> {
        if !is_name(name) {
            return Err("a collection has a name that none can have".into());
        }
        if self.recovered.collections.contains_key(&number) || self.recovered.catalogue.get(name).is_some() {
            return Err("a collection begins twice".into());
        }
        let options = CollectionOptions::decode(options).ok_or(UNREADABLE)?;
        let next = number.checked_add(1).ok_or("a collection number is out of range")?;
        let collection = Arc::new(Collection::new(number));
        collection.set_options(Arc::new(options));
        self.recovered.next_number = self.recovered.next_number.max(next);
        self.recovered.catalogue.insert(name, collection.clone());
        self.recovered.collections.insert(number, collection);
        Ok(())
    }

    /// The options of a collection are changed.
    pub(super) fn coll_mod(&self, number: u32, options: &[u8], before: &[u8]) -> Result<(), Fault> {
        let collection = self.collection(number)?;
        let read = |bytes: &[u8]| CollectionOptions::decode(bytes).ok_or(UNREADABLE);
        let (options, before) = (read(options)?, read(before)?);
        if before != *collection.options() {
            return Err("a collection had other options than the change of them says".into());
        }
        collection.set_options(Arc::new(options));
        Ok(())
    }

    pub(super) fn drop_collection(&mut self, lsn: Lsn, number: u32) -> Result<(), Fault> {
        let collection = self.collection(number)?;
        self.leave(lsn, number, Some(collection.shared_shapes()));
        self.recovered.catalogue.remove(number);
        self.recovered.collections.remove(&number);
        Ok(())
    }

    pub(super) fn drop_database(&self, name: &str) -> Result<(), Fault> {
        if !is_database(name) {
            return Err("a database has a name that none can have".into());
        }
        if self.recovered.catalogue.of(name).next().is_some() {
            return Err("a database is dropped that has collections".into());
        }
        Ok(())
    }

    pub(super) fn rename(&mut self, lsn: Lsn, number: u32, name: &str) -> Result<(), Fault> {
        let collection = self.collection(number)?;
        if self.recovered.catalogue.get(name).is_some() {
            return Err("a collection takes the name of another".into());
        }
        if !is_name(name) {
            return Err("a collection takes a name that none can have".into());
        }
        self.leave(lsn, number, None);
        self.recovered.catalogue.remove(number);
        self.recovered.catalogue.insert(name, collection);
        Ok(())
    }

    /// A commit ends the name of a collection.
    fn leave(&mut self, until: Lsn, number: u32, shapes: Option<Arc<Shapes>>) {
        if let Some(name) = self.recovered.catalogue.name_of(number).cloned() {
            self.recovered.past.entry(number).or_default().push(PastName { until, name, shapes });
        }
    }

    /// The snapshot tells a name that a collection had.
    pub(super) fn past(
        &mut self,
        number: u32,
        until: Lsn,
        is_dropped: bool,
        name: &str,
    ) -> Result<(), Fault> {
        if !is_name(name) {
            return Err("a collection had a name that none can have".into());
        }
        let past = self.recovered.past.entry(number).or_default();
        if past.last().is_some_and(|last| last.until >= until || last.shapes.is_some()) {
            return Err("the earlier names of a collection are out of order".into());
        }
        let shapes = is_dropped.then(Arc::default);
        past.push(PastName { until, name: name.into(), shapes });
        Ok(())
    }

    /// The next shape of a dropped collection.
    pub(super) fn past_shape(&mut self, number: u32, keys: &[&str]) -> Result<(), Fault> {
        let past = self.recovered.past.get(&number).and_then(|past| past.last());
        let shapes = past.and_then(|past| past.shapes.as_ref());
        let pushed = shapes.and_then(|shapes| shapes.push(Shape::new(keys)));
        pushed.map(drop).ok_or_else(|| "a shape of a dropped collection is out of place".into())
    }
}
