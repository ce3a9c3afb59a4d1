//! Writes that wait to be committed together: of each document the last one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::source::Place;
use crate::document::{Shapes, Value, encode_plain};
use crate::engine::exec::interrupt::Limits;
use crate::engine::operation::input::Incoming;
use crate::engine::operation::request::{Operation, Reach, SetEntry};
use crate::engine::operation::response::Answer;
use crate::engine::session::Session;
use crate::error::{Error, Kind, Result};
use crate::options::PART_BYTES;

/// Documents in a commit.
const BATCH: usize = 1_000;

/// A write that was refused for its document.
pub(super) type Refusal = (Place, Error);

#[derive(Default)]
struct Writes {
    /// The last write of each key, by its number.
    places: HashMap<String, usize>,
    writes: Vec<(String, Option<Vec<u8>>, Place)>,
}

/// Writes by collection.
pub(super) struct Pending {
    session: Arc<Session>,
    limits: Limits,
    shapes: Arc<Shapes>,
    collections: BTreeMap<String, Writes>,
    count: usize,
    bytes: usize,
}

impl Pending {
    /// Nothing, to be written through this session.
    pub(super) fn new(session: Arc<Session>, limits: Limits) -> Pending {
        let (shapes, collections) = (Arc::new(Shapes::new()), BTreeMap::new());
        Pending { session, limits, shapes, collections, count: 0, bytes: 0 }
    }

    /// Sets a document, or deletes it. Returns what of the writes until now was refused, if they were committed.
    pub(super) fn write(
        &mut self,
        collection: String,
        key: String,
        document: Option<&Value>,
        place: Place,
    ) -> Result<Vec<Refusal>> {
        let bytes = document.map(|document| {
            let mut bytes = Vec::new();
            encode_plain(document, &mut bytes);
            bytes
        });
        self.bytes += bytes.as_ref().map_or(0, Vec::len) + key.len();
        let writes = self.collections.entry(collection).or_default();
        match writes.places.get(&key).and_then(|at| writes.writes.get_mut(*at)) {
            Some(write) => (write.1, write.2) = (bytes, place),
            None => {
                writes.places.insert(key.clone(), writes.writes.len());
                writes.writes.push((key, bytes, place));
                self.count += 1;
            }
        }
        if self.count >= BATCH || self.bytes >= PART_BYTES { self.flush() } else { Ok(Vec::new()) }
    }

    /// Drops a collection, with what waits for it.
    pub(super) fn drop_collection(&mut self, collection: &str) -> Result<()> {
        if let Some(writes) = self.collections.remove(collection) {
            self.count -= writes.writes.len();
        }
        self.call(collection, Operation::Drop).map(drop)
    }

    /// Commits what waits.
    pub(super) fn flush(&mut self) -> Result<Vec<Refusal>> {
        let mut refused = Vec::new();
        (self.count, self.bytes) = (0, 0);
        for (name, Writes { writes, .. }) in std::mem::take(&mut self.collections) {
            let (mut entries, mut places, mut deleted) = (Vec::new(), Vec::new(), Vec::new());
            for (key, bytes, place) in writes {
                match bytes {
                    Some(bytes) => {
                        let range = 0..bytes.len();
                        let document = Incoming { buffer: bytes.into(), range, shapes: self.shapes.clone() };
                        entries.push(SetEntry { document, if_version: None });
                        places.push(place);
                    }
                    None => deleted.push(Value::String(key)),
                }
            }
            if !deleted.is_empty() {
                let condition = Value::Object(vec![("$in".to_owned(), Value::Array(deleted))]);
                let filter = incoming(&Value::Object(vec![("_id".to_owned(), condition)]));
                self.call(
                    &name,
                    Operation::Delete { filter, reach: Reach::Many, hint: None, if_version: None },
                )?;
            }
            self.set(&name, &entries, &places, &mut refused)?;
        }
        Ok(refused)
    }

    /// Sets documents; those that are refused by themselves are left out.
    fn set(
        &self,
        name: &str,
        entries: &[SetEntry],
        places: &[Place],
        refused: &mut Vec<Refusal>,
    ) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let error = match self.call(name, Operation::Set { entries: entries.to_vec() }) {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        let by_document = matches!(error.kind(), Kind::BadDocument | Kind::BadQuery | Kind::Limit);
        match places {
            _ if !by_document => Err(error),
            [place] => {
                refused.push((*place, error));
                Ok(())
            }
            _ => {
                let (first, second) = entries.split_at(entries.len() / 2);
                let (before, behind) = places.split_at(first.len());
                self.set(name, first, before, refused)?;
                self.set(name, second, behind, refused)
            }
        }
    }

    /// Runs another operation.
    pub(super) fn call(&self, collection: &str, operation: Operation) -> Result<Answer> {
        self.session.call_within(collection, operation, &self.limits).answer
    }
}

/// A value for the core.
pub(super) fn incoming(value: &Value) -> Incoming {
    let mut bytes = Vec::new();
    encode_plain(value, &mut bytes);
    let range = 0..bytes.len();
    Incoming { buffer: bytes.into(), range, shapes: Arc::new(Shapes::new()) }
}
