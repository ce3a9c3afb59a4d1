//! A tailable cursor: the documents of a capped collection in the order of insertions, and then each new one. Between two reads it holds a
//! position, no view.
//!
//! Slots are assigned in the order of commits, and a capped collection knows for each new state where its slots end. So what a step has not seen is
//! what is in the slots from its position on. Documents that made way before a step came to them are lost, and so is the cursor.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::engine::exec::interrupt::Interrupt;
use crate::engine::operation::input::Incoming;
use crate::engine::operation::request::FindOptions;
use crate::engine::operation::response::Document;
use crate::engine::plan::hint::Hint;
use crate::engine::read::fetch::Match;
use crate::engine::read::find::Asked;
use crate::engine::read::scan::{self, Scan};
use crate::engine::state::capped::Ends;
use crate::engine::state::collection::Collection;
use crate::engine::state::feed::Subject;
use crate::engine::state::namespace::Shown;
use crate::engine::state::views::View;
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result, codes};
use crate::options::{BATCH_BYTES, BATCH_DOCUMENTS};
use crate::query::expression::Constants;
use crate::query::{Filter, Projection};
use crate::storage::Lsn;

/// A tailable cursor.
pub(crate) struct Tail {
    store: Arc<Store>,
    collection: Arc<Collection>,
    filter: Filter,
    projection: Option<Projection>,
    skip: u64,
    /// Documents still to be returned; `None` for all.
    left: Option<u64>,
    /// The slot from which on nothing was read; `None` before the first read, which begins with the oldest document.
    next: Option<u64>,
    /// The state of the last step.
    lsn: Lsn,
    /// Whether it is woken by commits.
    is_watching: bool,
}

/// Documents, and whether there will be no more.
pub(crate) struct Tailed {
    pub(crate) documents: Vec<Document>,
    pub(crate) has_ended: bool,
}

impl Drop for Tail {
    fn drop(&mut self) {
        if self.is_watching {
            self.store.feed().unwatch();
        }
    }
}

impl Tail {
    /// `None` where there is no such collection: nothing can be awaited of it.
    pub(crate) fn open(
        store: &Arc<Store>,
        name: &str,
        filter: &Incoming,
        options: &FindOptions,
        constants: &Constants,
    ) -> Result<Option<Tail>> {
        let Asked { filter, sort, projection, hint } = Asked::parse(filter, options, constants)?;
        let refused = |message: String| Error::new(Kind::BadQuery, message).with_code(codes::BAD_VALUE);
        if sort.is_some() || hint.is_some_and(|hint| hint != Hint::Natural) {
            let message = "a tailable cursor reads in the order of insertions; leave sort and hint out, or give { $natural: 1 }";
            return Err(refused(message.to_owned()));
        }
        let Some(collection) = store.views().collection(name) else { return Ok(None) };
        if collection.capped().cap().is_none() {
            let message = format!(
                "tailable cursor requested on non capped collection '{}'; watch() follows any collection",
                Shown(name)
            );
            return Err(refused(message));
        }
        Ok(Some(Tail {
            store: store.clone(),
            collection,
            filter,
            projection,
            skip: options.skip,
            left: (options.limit > 0).then_some(options.limit),
            next: None,
            lsn: Lsn(0),
            is_watching: false,
        }))
    }

    /// The collection that it reads.
    pub(crate) fn collection(&self) -> &Arc<Collection> {
        &self.collection
    }

    /// What it waits for after a step.
    pub(crate) fn waits(&self) -> (Lsn, Subject) {
        (Lsn(self.lsn.0 + 1), Subject::Collection(Some(self.collection.number())))
    }

    /// The next documents, at most `size` (0: the default batch); none where there are none yet.
    pub(crate) fn step(&mut self, size: u32, interrupt: &Interrupt) -> Result<Tailed> {
        interrupt.take_over(self.filter.work());
        loop {
            let tailed = self.read(size, interrupt)?;
            if self.is_watching || tailed.has_ended || !tailed.documents.is_empty() {
                return Ok(tailed);
            }
            // From the next read on no commit is missed.
            self.store.feed().watch(|| self.store.views().published());
            self.is_watching = true;
        }
    }

    fn read(&mut self, size: u32, interrupt: &Interrupt) -> Result<Tailed> {
        let (view, ends) = self.state(interrupt)?;
        let mut tailed = Tailed { documents: Vec::new(), has_ended: false };
        if view.catalogue().name_of(self.collection.number()).is_none() {
            tailed.has_ended = true;
            return Ok(tailed);
        }
        self.lsn = view.lsn();
        if self.next.is_some_and(|next| ends.lost > next) {
            let message = "the cursor is lost: documents that it had not read made way for newer ones; begin again, read faster, or give the capped \
                 collection a larger size";
            return Err(Error::new(Kind::HistoryLost, message).with_code(codes::CAPPED_POSITION_LOST));
        }
        let size = if size == 0 { BATCH_DOCUMENTS } else { size as usize };
        let wanted = self.left.map_or(size, |left| size.min(usize::try_from(left).unwrap_or(usize::MAX)));
        let scan = Scan {
            collection: &self.collection,
            bounds: (self.next.unwrap_or(0), ends.end),
            view: view.lsn(),
            filter: &self.filter,
            interrupt,
            keeps: true,
            own: None,
        };
        let (mut bytes, skip, documents) = (0, &mut self.skip, &mut tailed.documents);
        let next = scan::each(&self.store, &scan, |Match { block, span, .. }| {
            if *skip > 0 {
                *skip -= 1;
                return ControlFlow::Continue(());
            }
            bytes += span.len();
            documents.push(Document::of_block(block, span));
            if documents.len() >= wanted || bytes > BATCH_BYTES {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        self.next = Some(next.max(self.next.unwrap_or(0)));
        if let Some(left) = &mut self.left {
            *left -= tailed.documents.len() as u64;
            tailed.has_ended = *left == 0;
        }
        if let Some(projection) = &self.projection {
            for document in &mut tailed.documents {
                self.filter.work().step(1)?;
                if let Some(raw) = document.stored(&self.collection) {
                    *document = Document::Projected(projection.apply(raw, &self.filter)?);
                }
            }
        }
        Ok(tailed)
    }

    /// The newest state, and where the collection begins and ends in it.
    fn state(&self, interrupt: &Interrupt) -> Result<(View, Ends)> {
        loop {
            let view = self.store.view();
            let ends = self.collection.capped().ends(view.lsn(), || self.collection.slab().end());
            if let Some(ends) = ends {
                return Ok((view, ends));
            }
            // Many commits came in between.
            interrupt.check(|| self.store.now())?;
        }
    }
}
