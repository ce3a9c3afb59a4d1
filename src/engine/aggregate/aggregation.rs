//! Aggregation: pipelines over a view, returned in batches, and the writes of their last stage.
//!
//! The whole pipeline reads one view, including the collections of `$lookup` and `$unionWith`. The writes of `$out` and
//! `$merge` go through the one commit path; the result waits until the last of them is published.

use crate::query::made::check_size;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::source::Pipe;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::locks::Mutex;
use crate::engine::operation::input::Incoming;
use crate::engine::operation::response::Document;
use crate::engine::plan::hint::Hint;
use crate::engine::read::layers::source::Source;
use crate::engine::state::idle_readers::Ticket;
use crate::engine::state::namespace::parts;
use crate::engine::store::Store;

use crate::document::{MAX_DOCUMENT, RawValue, Shapes, encode_plain, incoming, weight};
use crate::error::Result;
use crate::options::{BATCH_BYTES, BATCH_DOCUMENTS};
use crate::query::Pipeline;
use crate::query::aggregate::{Access, Row, Rows};
use crate::query::expression::{Constants, Env};
use crate::storage::Lsn;
use crate::work::Work;

/// A pipeline in progress.
pub(crate) struct Aggregation {
    rows: Box<dyn Rows>,
    reading: Arc<Pipe>,
    work: Work,
    done: bool,
}

impl Aggregation {
    /// A pipeline on a source.
    pub(crate) fn open(
        store: &Arc<Store>,
        source: Source,
        name: &str,
        (pipeline, constants): (&Incoming, &Constants),
        hint: Option<&Incoming>,
        interrupt: &Interrupt,
    ) -> Result<Aggregation> {
        incoming::check(pipeline.bytes(), &pipeline.shapes)?;
        let pipeline = Pipeline::parse_with(pipeline.raw(), constants)?;
        let (database, collection) = parts(name);
        if let Some(name) = pipeline.destination().and_then(|into| into.database.as_deref()) {
            store.databases().find(name)?;
        }
        let now = source.now();
        let env = Env::new(now, store.seed()).within(constants.work().clone());
        let env = Arc::new(env.under(constants.collation().clone()));
        let reading = Arc::new(Pipe {
            store: store.clone(),
            source,
            database: database.to_owned(),
            interrupt: interrupt.clone(),
            hint: Mutex::new(Hint::of(hint)?),
            written: AtomicU64::new(0),
            work: constants.work().clone(),
            views: Mutex::default(),
            collation: constants.collation().clone(),
        });
        let access: Arc<dyn Access> = reading.clone();
        let rows = pipeline.open(collection, &env, &access)?;
        Ok(Aggregation { rows, reading, work: constants.work().clone(), done: false })
    }

    /// What identifies its view.
    pub(crate) fn view(&self) -> Ticket {
        self.reading.source.ticket()
    }

    /// Whether everything was returned.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// The newest commit that the pipeline made, or depends on.
    pub(crate) fn written(&self) -> Lsn {
        Lsn(self.reading.written.load(Ordering::Acquire))
    }

    /// Hands the documents that are left to a function, until that has enough.
    pub(crate) fn each(
        &mut self,
        interrupt: &Interrupt,
        mut visit: impl FnMut(RawValue<'_>) -> ControlFlow<()>,
    ) -> Result<()> {
        interrupt.clone().no_later_than(&self.reading.interrupt).take_over(&self.work);
        let (mut bytes, shapes) = (Vec::new(), Shapes::new());
        while let Some(row) = self.rows.next()? {
            let flow = match &row {
                Row::Stored(stored) => visit(stored.raw()),
                Row::Tree(value) => {
                    bytes.clear();
                    encode_plain(value, &mut bytes);
                    visit(RawValue::new(&bytes, &shapes))
                }
            };
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// How many documents are left.
    pub(crate) fn count(&mut self, interrupt: &Interrupt) -> Result<u64> {
        interrupt.clone().no_later_than(&self.reading.interrupt).take_over(&self.work);
        let mut count = 0;
        while self.rows.next()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    /// The next documents, at most `size` (0: the default batch).
    pub(crate) fn next_batch(&mut self, size: u32, interrupt: &Interrupt) -> Result<Vec<Document>> {
        self.reading.interrupt.check(|| self.reading.store.now())?;
        interrupt.clone().no_later_than(&self.reading.interrupt).take_over(&self.work);
        let size = if size == 0 { BATCH_DOCUMENTS } else { size as usize };
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < size && bytes < BATCH_BYTES {
            match self.rows.next() {
                Ok(Some(row)) => {
                    let value = row.into_value();
                    let weight = weight(&value);
                    // At least half of the document's encoded size.
                    if weight > MAX_DOCUMENT / 2 {
                        check_size("the pipeline", &value)?;
                    }
                    bytes += weight;
                    batch.push(Document::Projected(value));
                }
                Ok(None) => {
                    self.done = true;
                    break;
                }
                Err(error) => {
                    self.done = true;
                    return Err(error);
                }
            }
        }
        Ok(batch)
    }
}
