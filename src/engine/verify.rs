//! Verifying a database: every file is read, every record and every document decoded strictly; nothing is changed.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde::Serialize;

use super::database::MEMORY;
use super::index::Index;
use super::key::{Key, key_of};
use super::record::{Put, Record, Records};
use crate::document::{RawValue, Shape, Shapes, id, incoming};
use crate::error::{Error, Kind, Result};
use crate::index::Spec;
use crate::storage::{Block, FileReport, Heard, Host, inspect};

/// What verifying found.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// Whether no file is damaged.
    pub ok: bool,
    /// Each file.
    pub files: Vec<FileReport>,
    /// Documents of the newest state that could be read whole.
    pub documents: u64,
    /// The last commit that could be read.
    pub last_lsn: u64,
    /// Whether the last session closed the database.
    pub clean: bool,
}

/// Reads a database that no process writes. Damage is part of the answer; an error means that it could not be read.
pub fn verify(path: &str) -> Result<Verification> {
    verify_on(&Host::system(), path)
}

/// [`verify`] on a file system of one's own.
pub fn verify_on(host: &Host, path: &str) -> Result<Verification> {
    if path.is_empty() || path == MEMORY {
        return Err(Error::new(Kind::Argument, "path must name the directory of a database"));
    }
    let mut state = State::default();
    let found = inspect(host, Path::new(path), &mut |heard| state.commit(heard))?;
    Ok(Verification {
        ok: found.files.iter().all(|file| file.first_damage.is_none()),
        files: found.files,
        documents: state.collections.values().map(|collection| collection.documents.len() as u64).sum(),
        last_lsn: found.last_lsn.0,
        clean: found.clean,
    })
}

/// What the log has said so far.
#[derive(Default)]
struct State {
    collections: HashMap<u32, Contents>,
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
    /// It rests on something that was not there, which damage before it explains.
    Missing(String),
}

impl State {
    fn commit(&mut self, heard: &Heard) -> Option<(u64, String)> {
        let mut first = None;
        for block in &heard.commit.blocks {
            let found = self.block(block, heard);
            first = first.or(found);
        }
        first
    }

    fn block(&mut self, block: &Block, heard: &Heard) -> Option<(u64, String)> {
        let mut first = None;
        for record in Records::new(&block.bytes) {
            let (at, fault) = match record {
                Ok(record) => {
                    let at = match &record {
                        Record::Put(put) => put.document.start as u64,
                        _ => 0,
                    };
                    match self.record(record, &block.bytes, heard.from_snapshot) {
                        Ok(()) => continue,
                        Err(fault) => (at, fault),
                    }
                }
                Err(at) => (at as u64, Fault::Own("a record is malformed".to_owned())),
            };
            let what = match fault {
                Fault::Own(what) => what,
                Fault::Missing(what) if heard.gapless => what,
                Fault::Missing(_) => continue,
            };
            first.get_or_insert((block.place.offset + at, what));
        }
        first
    }

    fn record(&mut self, record: Record<'_>, payload: &[u8], from_snapshot: bool) -> Result<(), Fault> {
        match record {
            Record::Put(put) => self.put(&put, payload),
            Record::Delete { collection, id } => self.delete(collection, id),
            Record::Shape { collection, shape, keys } => {
                let contents = self.contents(collection)?;
                let due = contents.shapes.len();
                if usize::from(shape) < due {
                    return Err(Fault::Missing("a shape definition is out of order".to_owned()));
                }
                for lost in due..usize::from(shape) {
                    contents.shapes.push(lost_shape(lost));
                }
                if contents.shapes.push(Shape::new(&keys)).is_none() {
                    let what = "a shape definition repeats a key, or is one too many";
                    return Err(Fault::Own(what.to_owned()));
                }
                match usize::from(shape) == due {
                    true => Ok(()),
                    false => Err(Fault::Missing("a shape definition is out of order".to_owned())),
                }
            }
            Record::Create { collection, name, options: _ } => {
                let taken = self.collections.values().any(|contents| contents.name == name);
                // A snapshot lists collections by name.
                let given = collection < self.next_number && !from_snapshot;
                if given || taken || self.collections.contains_key(&collection) {
                    return Err(Fault::Missing("a collection begins twice".to_owned()));
                }
                self.next_number = self.next_number.max(collection.saturating_add(1));
                let contents = Contents { name: name.to_owned(), ..Contents::default() };
                self.collections.insert(collection, contents);
                Ok(())
            }
            Record::Index { collection, spec } => {
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
            Record::Unindex { collection, name } => match self.contents(collection)?.indexes.remove(name) {
                true => Ok(()),
                false => Err(Fault::Missing("a record names an index that does not exist".to_owned())),
            },
            Record::Rename { collection, name } => {
                if self.collections.values().any(|contents| contents.name == name) {
                    return Err(Fault::Missing("a collection gets a name that another has".to_owned()));
                }
                self.contents(collection)?.name = name.to_owned();
                Ok(())
            }
            Record::Next { collection } if from_snapshot => {
                self.next_number = self.next_number.max(collection);
                Ok(())
            }
            Record::Next { .. } => {
                Err(Fault::Own("a record stands where none of its kind belongs".to_owned()))
            }
            Record::Drop { collection } => match self.collections.remove(&collection) {
                Some(_) => Ok(()),
                None => Err(Fault::Missing("a record names a collection that does not exist".to_owned())),
            },
        }
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
        let document = RawValue::new(bytes, &contents.shapes);
        let checked = incoming::check(bytes, &contents.shapes);
        let unreadable = checked.is_err();
        let id = document.get("_id");
        let key = id.map(key_of);
        let fault = match (checked, id) {
            (Ok(()), Some(id)) => id::check_id(id).err().map(|error| error.message().to_owned()),
            (Ok(()), None) => Some("a document has no _id".to_owned()),
            (Err(error), _) => Some(format!("a document cannot be read: {}", error.message())),
        };
        match (fault, key) {
            (None, Some(key)) => {
                contents.documents.insert(key);
                Ok(())
            }
            (fault, key) => {
                // Its newest version is unreadable, whatever stood there before.
                if let Some(key) = key {
                    contents.documents.remove(&key);
                }
                let what = fault.unwrap_or_default();
                // Without the definitions that were lost, whole bytes may be unreadable.
                Err(if unreadable { Fault::Missing(what) } else { Fault::Own(what) })
            }
        }
    }

    fn delete(&mut self, number: u32, id: &[u8]) -> Result<(), Fault> {
        let contents = self.contents(number)?;
        if let Err(error) = incoming::check(id, &contents.shapes) {
            return Err(Fault::Own(format!("a deleted _id cannot be read: {}", error.message())));
        }
        let key = key_of(RawValue::new(id, &contents.shapes));
        match contents.documents.remove(&key) {
            true => Ok(()),
            false => Err(Fault::Missing("a deletion names a document that does not exist".to_owned())),
        }
    }
}

/// Stands for a definition that damage took: more keys than any object has values, so that what used it does not decode.
fn lost_shape(number: usize) -> Shape {
    let keys: Vec<String> = (0..4_096).map(|key| format!("{number}.{key}")).collect();
    Shape::new(&keys)
}
