//! What flows between stages: documents as they are stored, and trees that stages made.

use std::sync::Arc;

use crate::document::{RawValue, Shapes, Value, encode_plain};
use crate::error::Result;
use crate::query::expression::{Env, Rooted, Scope};
use crate::query::{Sort, SortKey};

/// A stored document, kept readable by whoever implements this.
pub trait Stored: Send + Sync {
    /// The document.
    fn raw(&self) -> RawValue<'_>;
}

/// A document between two stages.
#[derive(Clone)]
pub enum Row {
    /// Made by a stage.
    Tree(Value),
    /// As it is stored.
    Stored(Arc<dyn Stored>),
}

/// Documents, one after the other.
pub trait Rows: Send {
    /// The next document; `None` at the end.
    fn next(&mut self) -> Result<Option<Row>>;

    /// Gathers all that are left where they are stored, faster than taking them, perhaps on several threads. Answers
    /// false, having gathered none, when they are not stored documents.
    fn gather(&mut self, gather: &dyn Gather) -> Result<bool> {
        let _ = gather;
        Ok(false)
    }
}

/// What is made of all documents of a stage, in parts that threads make on their own.
pub trait Gather: Sync {
    /// A part that has met no document.
    fn part(&self) -> Box<dyn Part + '_>;
}

/// What is made of some documents that follow one another.
pub trait Part: Send {
    /// Takes a document. Short: it may run under a lock.
    fn add(&mut self, document: RawValue<'_>) -> Result<()>;

    /// Adds the part to the whole. Called in the order of the documents, for one part at a time.
    fn finish(self: Box<Self>) -> Result<()>;
}

impl Row {
    /// Evaluates something with the document as root.
    pub(super) fn scoped<R>(&self, env: &Env, run: impl FnOnce(&Scope<'_>) -> R) -> R {
        match self {
            Row::Tree(value) => run(&Scope::new(&Rooted(value), env)),
            Row::Stored(stored) => run(&Scope::new(&Rooted(stored.raw()), env)),
        }
    }

    /// The document as a tree.
    pub fn into_value(self) -> Value {
        match self {
            Row::Tree(value) => value,
            Row::Stored(stored) => stored.raw().to_value(),
        }
    }

    /// Where it stands in a sort.
    pub(super) fn sort_key(&self, sort: &Sort) -> Result<SortKey> {
        match self {
            Row::Stored(stored) => sort.key(stored.raw()),
            Row::Tree(value) => {
                let mut bytes = Vec::new();
                encode_plain(value, &mut bytes);
                sort.key(RawValue::new(&bytes, &Shapes::new()))
            }
        }
    }
}

/// Documents that are there already.
pub(super) struct Listed(std::vec::IntoIter<Row>);

impl Listed {
    pub(super) fn boxed(rows: Vec<Row>) -> Box<dyn Rows> {
        Box::new(Listed(rows.into_iter()))
    }
}

impl Rows for Listed {
    fn next(&mut self) -> Result<Option<Row>> {
        Ok(self.0.next())
    }
}
