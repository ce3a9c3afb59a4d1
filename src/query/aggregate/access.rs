//! What a pipeline needs of the engine.

use std::sync::Arc;

use super::operands::Destination;
use super::pipeline::Pipeline;
use super::row::{Row, Rows};
use crate::document::Value;
use crate::error::Result;
use crate::query::{Filter, Sort};

/// Decides about a document of `$merge`, given the stored document with its `_id`: the document to store, or `None`
/// to change nothing.
pub(crate) type Merged<'a> = &'a dyn Fn(Option<&Value>, &Value) -> Result<Option<Value>>;

/// The database for a pipeline: every scan of one pipeline reads the same state.
pub(crate) trait Access: Send + Sync {
    /// Where this is the name of a view: the name of the collection below it, and the pipeline that leads from there to its
    /// documents.
    fn view(&self, name: &str) -> Result<Option<(String, Arc<Pipeline>)>> {
        let _ = name;
        Ok(None)
    }
    /// The documents of a collection that match, in natural order; none when there is no such collection.
    fn scan(&self, collection: &str, filter: Filter) -> Result<Box<dyn Rows>>;
    /// The same, where an index finds them; `None` where they would be looked for among all.
    fn find(&self, collection: &str, filter: Filter) -> Result<Option<Vec<Row>>> {
        let _ = (collection, filter);
        Ok(None)
    }
    /// About how many documents a collection has.
    fn count(&self, collection: &str) -> Result<u64> {
        let _ = collection;
        Ok(0)
    }
    /// The documents of [`Access::scan`] in this order, of which the caller reads at most the first `keep`; `None` if no index gives the
    /// order, so that the caller must sort.
    fn scan_sorted(
        &self,
        collection: &str,
        filter: &Filter,
        sort: &Sort,
        keep: usize,
    ) -> Result<Option<Box<dyn Rows>>> {
        let _ = (collection, filter, sort, keep);
        Ok(None)
    }
    /// An `_id` for a document that has none.
    fn new_id(&self) -> Value;
    /// Replaces the whole content of a collection, in one commit.
    fn replace_all(&self, into: &Destination, documents: Vec<Value>) -> Result<()>;
    /// Stores documents in order; for each `merged` decides, given the stored document at that time.
    fn merge(&self, into: &Destination, documents: Vec<Value>, merged: Merged<'_>) -> Result<()>;
}
