//! The documents between stages: stored ones, and trees that stages computed.

use std::sync::Arc;

use crate::document::{RawValue, Shapes, Value, encode_plain, encode_plain_part};
use crate::error::Result;
use crate::query::expression::{Env, Rooted, Scope};
use crate::query::made::check_depth;
use crate::query::{Sort, SortKey};
use crate::work::Work;

/// A stored document, kept readable by the implementation.
pub(crate) trait Stored: Send + Sync {
    /// The document.
    fn raw(&self) -> RawValue<'_>;

    /// Bytes of memory that only this row keeps.
    fn owned(&self) -> usize {
        0
    }

    /// What makes such rows of bytes; without it a row that was written to disk comes back as a tree.
    fn home(&self) -> Option<Arc<dyn Home>> {
        None
    }
}

/// A collection, to which the bytes of stored documents belong.
pub(crate) trait Home: Send + Sync {
    /// Equal for the same collection only.
    fn number(&self) -> u64;
    /// The row of a document of the collection.
    fn row(&self, document: Vec<u8>) -> Arc<dyn Stored>;
}

/// A document between two stages.
#[derive(Clone)]
pub(crate) enum Row {
    /// Computed by a stage.
    Tree(Value),
    /// As it is stored.
    Stored(Arc<dyn Stored>),
}

/// A stream of documents.
pub(crate) trait Rows: Send {
    /// The next document; `None` at the end.
    fn next(&mut self) -> Result<Option<Row>>;

    /// Feeds all remaining documents to `gather` in their stored form, possibly on several threads, which is faster
    /// than `next`. Returns false, without having read any, if they are not stored documents.
    fn gather(&mut self, gather: &dyn Gather) -> Result<bool> {
        let _ = gather;
        Ok(false)
    }
}

/// A computation over all documents of a stage, in parts that threads compute independently.
pub(crate) trait Gather: Sync {
    /// An empty part.
    fn part(&self) -> Box<dyn Part + '_>;
}

/// The computation over a range of documents.
pub(crate) trait Part: Send {
    /// Adds a document. It must be short, because it may run under a lock.
    fn add(&mut self, document: RawValue<'_>) -> Result<()>;

    /// Whether [`Part::relieve`] is due before more is added.
    fn is_full(&self) -> bool {
        false
    }

    /// Writes to disk what there is no room for in memory. Not called under a lock.
    fn relieve(&mut self) -> Result<()> {
        Ok(())
    }

    /// Merges the part into the whole. Called in the order of the documents, for one part at a time.
    fn finish(self: Box<Self>) -> Result<()>;
}

impl Row {
    /// Evaluates something of a stage with the document as root.
    pub(super) fn scoped<R>(&self, stage: &'static str, env: &Env, run: impl FnOnce(&Scope<'_>) -> R) -> R {
        match self {
            Row::Tree(value) => run(&Scope::new(&Rooted(value), env).of(stage)),
            Row::Stored(stored) => run(&Scope::new(&Rooted(stored.raw()), env).of(stage)),
        }
    }

    /// The document as a tree.
    pub(crate) fn into_value(self) -> Value {
        match self {
            Row::Tree(value) => value,
            Row::Stored(stored) => stored.raw().to_value(),
        }
    }

    /// Its sort key.
    pub(super) fn sort_key(&self, sort: &Sort) -> Result<SortKey> {
        match self {
            Row::Stored(stored) => sort.key(stored.raw()),
            Row::Tree(value) => {
                let mut bytes = Vec::new();
                match value {
                    Value::Object(fields) => {
                        encode_plain_part(fields, |key| sort.begins_with(key), &mut bytes);
                    }
                    other => encode_plain(other, &mut bytes),
                }
                sort.key(RawValue::new(&bytes, Shapes::none()))
            }
        }
    }
}

/// Documents in memory.
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

/// Documents that several pipelines read; each is copied when it is read.
pub(super) struct Shared<T> {
    all: Arc<Vec<T>>,
    next: usize,
    row: fn(&T) -> Row,
}

impl<T: Send + Sync + 'static> Shared<T> {
    pub(super) fn boxed(all: Arc<Vec<T>>, row: fn(&T) -> Row) -> Box<dyn Rows> {
        Box::new(Shared { all, next: 0, row })
    }
}

impl<T: Send + Sync> Rows for Shared<T> {
    fn next(&mut self) -> Result<Option<Row>> {
        let row = self.all.get(self.next).map(self.row);
        self.next += 1;
        Ok(row)
    }
}

/// Counts the output of a stage. Every stage is wrapped in it, so that none can run without bound or compute
/// documents that are too deep, whatever it counts itself.
pub(super) struct Counted {
    input: Box<dyn Rows>,
    work: Work,
    /// The stage, if it computes documents.
    makes: Option<&'static str>,
}

impl Counted {
    pub(super) fn boxed(input: Box<dyn Rows>, work: &Work, makes: Option<&'static str>) -> Box<dyn Rows> {
        Box::new(Counted { input, work: work.clone(), makes })
    }
}

impl Rows for Counted {
    fn next(&mut self) -> Result<Option<Row>> {
        self.work.step(1)?;
        let row = self.input.next()?;
        if let (Some(stage), Some(Row::Tree(made))) = (self.makes, &row) {
            check_depth(stage, made)?;
        }
        Ok(row)
    }

    fn gather(&mut self, gather: &dyn Gather) -> Result<bool> {
        self.input.gather(gather)
    }
}
