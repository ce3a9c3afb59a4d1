//! Documents in an order that no index gives: the thread that reads a range of slots extracts the sort keys, and with a
//! limit keeps only the first documents; then they are sorted.

use std::collections::BinaryHeap;
use std::ops::ControlFlow;

use super::fetch::{Found, Match};
use super::scan::{self, Scan};
use crate::document::RawValue;
use crate::engine::store::Store;
use crate::error::{Error, Result};
use crate::query::{Ranker, Sort, SortKey};

/// The minimum number of documents that are collected before surplus ones are dropped.
const MANY: usize = 1_024;

/// A document and its position.
struct Ranked {
    key: SortKey,
    found: Found,
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    /// Equal keys keep the natural order.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key).then_with(|| self.found.slot.cmp(&other.found.slot))
    }
}

/// The first documents in an order, of documents that come in natural order; or all.
pub(crate) struct TopK<'s> {
    ranker: Ranker<'s>,
    keep: usize,
    /// With a limit: a heap with the last of them on top.
    best: BinaryHeap<Ranked>,
    all: Vec<Ranked>,
    /// The error of a document that cannot be sorted.
    refused: Option<Error>,
}

impl<'s> TopK<'s> {
    /// The first `keep`; `usize::MAX` for all.
    pub(crate) fn new(sort: &'s Sort, keep: usize) -> TopK<'s> {
        TopK { ranker: Ranker::new(sort), keep, best: BinaryHeap::new(), all: Vec::new(), refused: None }
    }

    pub(crate) fn add(&mut self, document: RawValue<'_>, found: impl FnOnce() -> Found) -> Result<()> {
        if self.keep == usize::MAX {
            self.all.push(Ranked { key: self.ranker.key(document)?, found: found() });
            return Ok(());
        }
        let full = self.best.len() >= self.keep;
        // Later documents with an equal key come after.
        if let Some(worst) = self.best.peek().filter(|_| full)
            && !self.ranker.is_before(document, &worst.key)?
        {
            return Ok(());
        }
        if full {
            self.best.pop();
        }
        self.best.push(Ranked { key: self.ranker.key(document)?, found: found() });
        Ok(())
    }

    /// The documents, sorted.
    pub(crate) fn into_found(mut self) -> Vec<Found> {
        self.all.extend(self.best);
        in_order(&self.all, self.keep)
    }
}

/// The first `keep` of them. Heads and indexes take little memory: they are sorted instead, and keys are compared only where
/// heads are equal.
fn in_order(ranked: &[Ranked], keep: usize) -> Vec<Found> {
    let mut order: Vec<(u64, usize)> =
        ranked.iter().enumerate().map(|(number, one)| (one.key.head(), number)).collect();
    order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| ranked.get(a.1).cmp(&ranked.get(b.1))));
    let found = |(_, number): (u64, usize)| ranked.get(number).map(|one| one.found.clone());
    order.into_iter().take(keep).filter_map(found).collect()
}

/// The first `keep` documents in this order; `usize::MAX` for all.
pub(crate) fn sorted(store: &Store, scan: &Scan<'_>, sort: &Sort, keep: usize) -> Result<Vec<Found>> {
    let shapes = scan.collection.shapes();
    let start = || TopK::new(sort, keep);
    let visit = |part: &mut TopK<'_>, one: Match<'_>| match part
        .add(RawValue::new(one.span.of(one.block), shapes), || one.to_found())
    {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            part.refused = Some(error);
            ControlFlow::Break(())
        }
    };
    let mut ranked: Vec<Ranked> = Vec::new();
    scan::fold(store, scan, start, visit, |part| {
        if let Some(error) = part.refused {
            return Err(error);
        }
        ranked.extend(part.best);
        ranked.extend(part.all);
        if keep != usize::MAX && ranked.len() >= keep.saturating_mul(2).max(MANY) {
            ranked.sort_unstable();
            ranked.truncate(keep);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(in_order(&ranked, keep))
}
