//! Shared by the tests of the engine: a database in a temporary directory, and operations built from trees.

use std::sync::Arc;
use std::time::Duration;

use moltendb_node::document::{Shapes, Value, encode_plain};
use moltendb_node::engine::{
    Answer, Answered, Collection, Database, Document, FindOptions, Incoming, InsertOrder, InsertOutcome,
    Operation, Reach, Session, SetEntry, Upsert,
};
use moltendb_node::options::{AutoCompact, StorageMode};
use moltendb_node::storage::Host;
use moltendb_node::{OpenOptions, Result};

/// A runtime that lives as long as the tests of a file.
pub fn runtime() -> tokio::runtime::Handle {
    static RUNTIME: std::sync::OnceLock<tokio::runtime::Runtime> = std::sync::OnceLock::new();
    let build =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    RUNTIME.get_or_init(build).handle().clone()
}

/// A tree in the encoding of the boundary.
pub fn incoming(value: &Value) -> Incoming {
    let mut bytes = Vec::new();
    encode_plain(value, &mut bytes);
    Incoming { range: 0..bytes.len(), buffer: bytes.into(), shapes: Arc::new(Shapes::new()) }
}

/// `{}` with these fields.
pub fn object(fields: &[(&str, Value)]) -> Value {
    Value::Object(fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

/// An update without options.
pub fn update_of(filter: &Value, update: &Value, reach: Reach) -> Operation {
    Operation::Update {
        filter: incoming(filter),
        update: incoming(update),
        array_filters: None,
        reach,
        upsert: Upsert::No,
        new_id: incoming(&Value::Null),
        hint: None,
        sort: None,
        if_version: None,
    }
}

/// A session on a database, with calls that wait for their results.
pub struct Client {
    pub database: Arc<Database>,
    pub session: Arc<Session>,
}

impl Client {
    pub fn open(path: &str, options: OpenOptions) -> Result<Client> {
        let database = Database::open(path, options, runtime())?;
        let session = database.session();
        Ok(Client { database, session })
    }

    /// The same on a given file system.
    pub fn open_on(host: &Host, path: &str, options: OpenOptions) -> Result<Client> {
        let database = Database::open_on(host, path, options, runtime())?;
        let session = database.session();
        Ok(Client { database, session })
    }

    pub fn call(&self, name: &str, operation: Operation) -> Result<(Option<Arc<Collection>>, Answer)> {
        let Answered { collection, answer } = self.session.call(name, operation);
        answer.map(|answer| (collection, answer))
    }

    /// Inserts; returns how many were inserted and the indexes of those that failed.
    pub fn insert(&self, name: &str, documents: &[Value], order: InsertOrder) -> Result<(u64, Vec<usize>)> {
        let documents = documents.iter().map(incoming).collect();
        match self.call(name, Operation::Insert { documents, order })?.1 {
            Answer::Inserted(InsertOutcome { inserted, failures }) => {
                Ok((inserted, failures.iter().map(|failure| failure.index).collect()))
            }
            _ => panic!("an insert has another answer"),
        }
    }

    pub fn set(&self, name: &str, entries: &[(Value, Option<u64>)]) -> Result<Vec<u64>> {
        let entries = entries
            .iter()
            .map(|(document, if_version)| SetEntry { document: incoming(document), if_version: *if_version })
            .collect();
        match self.call(name, Operation::Set { entries })?.1 {
            Answer::Versions(versions) => Ok(versions),
            _ => panic!("a set has another answer"),
        }
    }

    pub fn delete_id(&self, name: &str, id: &Value) -> Result<bool> {
        match self.call(name, Operation::DeleteId { id: incoming(id), if_version: None })?.1 {
            Answer::Bool(deleted) => Ok(deleted),
            _ => panic!("a deletion has another answer"),
        }
    }

    /// Updates; returns how many matched and how many changed.
    pub fn update(&self, name: &str, filter: &Value, update: &Value, reach: Reach) -> Result<(u64, u64)> {
        let operation = update_of(filter, update, reach);
        match self.call(name, operation)?.1 {
            Answer::Updated(outcome) => Ok((outcome.matched, outcome.modified)),
            _ => panic!("an update has another answer"),
        }
    }

    pub fn delete(&self, name: &str, filter: &Value, reach: Reach) -> Result<u64> {
        match self
            .call(name, Operation::Delete { filter: incoming(filter), reach, hint: None, if_version: None })?
            .1
        {
            Answer::Count(deleted) => Ok(deleted),
            _ => panic!("a deletion has another answer"),
        }
    }

    pub fn drop_collection(&self, name: &str) -> Result<bool> {
        match self.call(name, Operation::Drop)?.1 {
            Answer::Bool(dropped) => Ok(dropped),
            _ => panic!("a drop has another answer"),
        }
    }

    pub fn get(&self, name: &str, id: &Value) -> Result<Option<Value>> {
        let (collection, answer) = self.call(name, Operation::Get { id: incoming(id), meta: false })?;
        match answer {
            Answer::Document(document) => Ok(document.map(|one| tree(collection.as_deref(), &one))),
            _ => panic!("a get has another answer"),
        }
    }

    /// A document with its version.
    pub fn version(&self, name: &str, id: &Value) -> Result<Option<u64>> {
        match self.call(name, Operation::Get { id: incoming(id), meta: true })?.1 {
            Answer::Versioned { version, .. } => Ok(Some(version)),
            Answer::Document(None) => Ok(None),
            _ => panic!("a get with meta has another answer"),
        }
    }

    /// The first batch of a find, and its cursor.
    pub fn first(&self, name: &str, filter: &Value, batch: u32) -> Result<(u64, Vec<Value>)> {
        let options = FindOptions { batch, ..FindOptions::default() };
        batch_of(self.call(name, Operation::Find { filter: incoming(filter), options })?)
    }

    /// The remaining batches of a cursor.
    pub fn rest(&self, mut cursor: u64, batch: u32) -> Result<Vec<Value>> {
        let mut documents = Vec::new();
        while cursor != 0 {
            let (next, more) = batch_of(self.call("", Operation::More { cursor, batch })?)?;
            documents.extend(more);
            cursor = next;
        }
        Ok(documents)
    }

    /// All matching documents, in natural order.
    pub fn find(&self, name: &str, filter: &Value) -> Result<Vec<Value>> {
        let (cursor, mut documents) = self.first(name, filter, 0)?;
        documents.extend(self.rest(cursor, 0)?);
        Ok(documents)
    }

    pub fn count(&self, name: &str, filter: &Value) -> Result<u64> {
        match self.call(name, Operation::Count { filter: incoming(filter), skip: 0, limit: 0, hint: None })?.1
        {
            Answer::Count(count) => Ok(count),
            _ => panic!("a count has another answer"),
        }
    }
}

/// The documents of a batch as trees, after the number of their cursor.
pub fn batch_of((collection, answer): (Option<Arc<Collection>>, Answer)) -> Result<(u64, Vec<Value>)> {
    match answer {
        Answer::Batch { cursor, documents } => {
            Ok((cursor, documents.iter().map(|one| tree(collection.as_deref(), one)).collect()))
        }
        _ => panic!("a find has another answer"),
    }
}

/// Documents returned one by one, as trees.
pub fn documents_of(
    collection: Option<Arc<Collection>>,
    documents: Vec<Option<Document>>,
) -> Vec<Option<Value>> {
    let one = |document: Option<Document>| document.map(|one| tree(collection.as_deref(), &one));
    documents.into_iter().map(one).collect()
}

fn tree(collection: Option<&Collection>, document: &Document) -> Value {
    match document {
        Document::Projected(value) => value.clone(),
        stored => stored.stored(collection.unwrap()).unwrap().to_value(),
    }
}

/// A database in a simulated file system, of small segments, that flushes and compacts only when it is told to.
pub fn reopened(host: &Host, storage: StorageMode) -> Client {
    let (segment_size, auto_compact) = (1 << 16, AutoCompact::Off);
    let flush_interval = Duration::from_secs(60);
    let options =
        OpenOptions { storage, segment_size, auto_compact, flush_interval, ..OpenOptions::default() };
    Client::open_on(host, "/db", options).unwrap()
}
