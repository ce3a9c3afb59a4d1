//! Reads on after damage: what the records of a damaged database still contain, and what is wrong with them. Opening
//! returns nothing that depends on damage; this reports how much of the rest is valid.

use std::collections::{HashMap, HashSet};

use crate::document::shape::MAX_SHAPES;
use crate::document::stored::{check_deleted, check_document};
use crate::document::{RawValue, Shape, Shapes, incoming};
use crate::engine::format::key::{Key, key_of};
use crate::engine::format::record::{Made, Put, Record, Records};
use crate::engine::state::collection_options::CollectionOptions;
use crate::engine::state::index::Index;
use crate::engine::state::namespace::{is_database, parts};
use crate::index::Spec;
use crate::storage::{Block, InspectedCommit};

/// The state of the log so far.
#[derive(Default)]
pub(crate) struct State {
    collections: HashMap<u32, Contents>,
    names: HashSet<String>,
    next_number: u32,
}

#[derive(Default)]
struct Contents {
    name: String,
    shapes: Shapes,
    documents: HashSet<Key, foldhash::fast::RandomState>,
    indexes: HashSet<String>,
}

/// What is wrong with a record.
enum Fault {
    /// The record itself.
    Own(String),
    /// It depends on something missing, which earlier damage explains.
    Missing(String),
}

impl State {
    /// Documents of the newest state that could be read completely.
    pub(crate) fn documents(&self) -> u64 {
        self.collections.values().map(|collection| collection.documents.len() as u64).sum()
    }

    /// Takes a commit; returns the first thing that is wrong with it.
    pub(crate) fn commit(&mut self, inspected: &InspectedCommit) -> Option<(u64, String)> {
        let mut first = None;
        for block in &inspected.commit.blocks {
            let found = self.block(block, inspected);
            first = first.or(found);
        }
        first
    }

    fn block(&mut self, block: &Block, inspected: &InspectedCommit) -> Option<(u64, String)> {
        let mut first = None;
        for record in Records::new(&block.bytes) {
            let (at, fault) = match record {
                Ok(record) => {
                    let at = match &record {
                        Record::Put(put) => put.document.start as u64,
                        _ => 0,
                    };
                    match self.record(record, &block.bytes, inspected.from_snapshot) {
                        Ok(()) => continue,
                        Err(fault) => (at, fault),
                    }
                }
                Err(at) => (at as u64, Fault::Own("a record is malformed".to_owned())),
            };
            let what = match fault {
                Fault::Own(what) => what,
                Fault::Missing(what) if inspected.gapless => what,
                Fault::Missing(_) => continue,
            };
            first.get_or_insert((block.place.offset + at, what));
        }
        first
    }

    fn record(&mut self, record: Record<'_>, payload: &[u8], from_snapshot: bool) -> Result<(), Fault> {
        match record {
            Record::Put(put) => self.put(&put, payload),
            Record::Delete { collection, id, .. } => self.delete(collection, id),
            Record::Shape { collection, shape, keys } => self.shape(collection, usize::from(shape), &keys),
            // A snapshot lists collections by name.
            Record::Create { options, .. } if CollectionOptions::decode(options).is_none() => {
                Err(Fault::Own("a collection has options that cannot be read".to_owned()))
            }
            Record::Create { collection, name, options: _ } => {
                self.create(collection, name, collection < self.next_number && !from_snapshot)
            }
            Record::CollMod { .. } if from_snapshot => {
                Err(Fault::Own("a record stands where none of its kind belongs".to_owned()))
            }
            Record::CollMod { collection, options, before } => {
                self.contents(collection)?;
                match [options, before].iter().all(|bytes| CollectionOptions::decode(bytes).is_some()) {
                    true => Ok(()),
                    false => Err(Fault::Own("a collection has options that cannot be read".to_owned())),
                }
            }
            Record::Index { collection, spec } => self.index(collection, spec),
            Record::Unindex { collection, name } => match self.contents(collection)?.indexes.remove(name) {
                true => Ok(()),
                false => Err(Fault::Missing("a record names an index that does not exist".to_owned())),
            },
            Record::Rename { collection, name } => self.rename(collection, name),
            Record::Next { collection } if from_snapshot => {
                self.next_number = self.next_number.max(collection);
                Ok(())
            }
            Record::Transaction { .. } if !from_snapshot => Ok(()),
            Record::Past { .. } | Record::PastShape { .. } if from_snapshot => Ok(()),
            Record::Next { .. }
            | Record::Transaction { .. }
            | Record::Past { .. }
            | Record::PastShape { .. } => {
                Err(Fault::Own("a record stands where none of its kind belongs".to_owned()))
            }
            Record::Drop { collection } => match self.collections.remove(&collection) {
                Some(contents) => {
                    self.names.remove(&contents.name);
                    Ok(())
                }
                None => Err(Fault::Missing("a record names a collection that does not exist".to_owned())),
            },
            Record::DropDatabase { .. } if from_snapshot => {
                Err(Fault::Own("a record stands where none of its kind belongs".to_owned()))
            }
            Record::DropDatabase { name } => self.drop_database(name),
        }
    }

    fn shape(&mut self, collection: u32, shape: usize, keys: &[&str]) -> Result<(), Fault> {
        let contents = self.contents(collection)?;
        let due = contents.shapes.len();
        if shape < due {
            return Err(Fault::Missing("a shape definition is out of order".to_owned()));
        }
        for lost in due..shape.min(MAX_SHAPES) {
            contents.shapes.push(lost_shape(lost));
        }
        if contents.shapes.push(Shape::new(keys)).is_none() {
            let what = "a shape definition repeats a key, or is one too many";
            return Err(Fault::Own(what.to_owned()));
        }
        match shape == due {
            true => Ok(()),
            false => Err(Fault::Missing("a shape definition is out of order".to_owned())),
        }
    }

    /// `is_used`: the number was used before.
    fn create(&mut self, number: u32, name: &str, is_used: bool) -> Result<(), Fault> {
        if is_used || self.names.contains(name) || self.collections.contains_key(&number) {
            return Err(Fault::Missing("a collection begins twice".to_owned()));
        }
        self.next_number = self.next_number.max(number.saturating_add(1));
        self.names.insert(name.to_owned());
        let contents = Contents { name: name.to_owned(), ..Contents::default() };
        self.collections.insert(number, contents);
        Ok(())
    }

    fn index(&mut self, collection: u32, spec: &[u8]) -> Result<(), Fault> {
        let contents = self.contents(collection)?;
        let parsed = incoming::check(spec, &Shapes::new())
            .and_then(|()| Spec::parse(RawValue::new(spec, &Shapes::new())))
            .and_then(|spec| Index::new(0, spec));
        match parsed {
            Err(error) => {
                let what = format!("the definition of an index cannot be read: {}", error.message());
                Err(Fault::Own(what))
            }
            Ok(index) if contents.indexes.insert(index.spec().name.to_string()) => Ok(()),
            Ok(_) => Err(Fault::Missing("an index begins twice".to_owned())),
        }
    }

    fn rename(&mut self, collection: u32, name: &str) -> Result<(), Fault> {
        if self.names.contains(name) {
            return Err(Fault::Missing("a collection gets a name that another has".to_owned()));
        }
        let before = std::mem::replace(&mut self.contents(collection)?.name, name.to_owned());
        self.names.remove(&before);
        self.names.insert(name.to_owned());
        Ok(())
    }

    fn drop_database(&self, name: &str) -> Result<(), Fault> {
        if !is_database(name) {
            return Err(Fault::Own("a database has a name that none can have".to_owned()));
        }
        if self.names.iter().any(|full| parts(full).0 == name) {
            return Err(Fault::Missing("a database is dropped that has collections".to_owned()));
        }
        Ok(())
    }

    fn contents(&mut self, number: u32) -> Result<&mut Contents, Fault> {
        self.collections
            .get_mut(&number)
            .ok_or_else(|| Fault::Missing("a record names a collection that does not exist".to_owned()))
    }

    fn put(&mut self, put: &Put, payload: &[u8]) -> Result<(), Fault> {
        let contents = self.contents(put.collection)?;
        let bytes = payload.get(put.document.clone());
        let bytes = bytes.ok_or_else(|| Fault::Own("a document ends outside its block".to_owned()))?;
        match check_document(bytes, &contents.shapes) {
            Ok(id) => {
                let is_new = contents.documents.insert(key_of(id));
                match put.made {
                    Made::Inserted if !is_new => Err(Fault::Missing(INSERTED_TWICE.to_owned())),
                    Made::Updated { .. } | Made::Replaced { .. } if is_new => {
                        Err(Fault::Missing(CHANGES_NOTHING.to_owned()))
                    }
                    _ => Ok(()),
                }
            }
            Err(error) => {
                // Its newest version is unreadable, whatever there was before.
                let id = RawValue::new(bytes, &contents.shapes).get("_id").map(|id| id.bytes());
                if let Some(id) = id.and_then(|id| check_deleted(id, &contents.shapes).ok()) {
                    contents.documents.remove(&key_of(id));
                }
                let what = format!("a document cannot be read: {}", error.message());
                // Without the lost definitions, undamaged bytes may be unreadable.
                Err(Fault::Missing(what))
            }
        }
    }

    fn delete(&mut self, number: u32, id: &[u8]) -> Result<(), Fault> {
        let contents = self.contents(number)?;
        let key = match check_deleted(id, &contents.shapes) {
            Ok(id) => key_of(id),
            Err(error) => {
                return Err(Fault::Own(format!("a deleted _id cannot be read: {}", error.message())));
            }
        };
        match contents.documents.remove(&key) {
            true => Ok(()),
            false => Err(Fault::Missing("a deletion names a document that does not exist".to_owned())),
        }
    }
}

/// What is wrong with an INSERT of a document that there is.
pub(super) const INSERTED_TWICE: &str = "a document is inserted that exists already";
/// What is wrong with an UPDATE or REPLACE of a document that there is not.
pub(super) const CHANGES_NOTHING: &str = "a record changes a document that does not exist";

/// A placeholder for a lost definition: it has more keys than any object has values, so that documents that use it do not
/// decode.
fn lost_shape(number: usize) -> Shape {
    let keys: Vec<String> = (0..4_096).map(|key| format!("{number}.{key}")).collect();
    Shape::new(&keys)
}
