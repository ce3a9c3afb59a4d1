//! Scans: the documents that a view sees and a filter matches, in natural order, on the free cores.
//!
//! Documents in memory are matched in place, under the lock of their page; a document on disk is read without it. Large
//! collections are split into ranges of slots, which `parallel` distributes over threads and takes back in order: the caller
//! sees the same results as with one thread.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::fetch::{Found, Last, Match, ReadContext};
use super::layers::own::OwnDocuments;
use crate::document::RawValue;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::nonblocking::would_block;
use crate::engine::exec::parallel::{Workers, in_order};
use crate::engine::state::collection::Collection;
use crate::engine::state::slab::{Content, Version};
use crate::engine::store::Store;
use crate::error::Result;
use crate::query::{Filter, Matcher};
use crate::storage::Lsn;

/// Slots that a scan passes between two checks of its limits.
const PAGE: u64 = 1_024;
/// Slots of one range. The result of a fold may depend on it: sums are rounded range by range.
pub(crate) const RANGE: u64 = 8_192;
/// Fewer ranges are not worth another thread.
const LEAST: u64 = 4;

/// The approximate bytes of blocks that a range may hold until it is taken: blocks from disk are in memory only for it. The
/// rest of the range is read when it is taken.
const MOST_HELD: usize = 4 << 20;

/// The context of a scan.
#[derive(Clone, Copy)]
pub(crate) struct Scan<'a> {
    /// Where.
    pub collection: &'a Collection,
    /// From this slot on, below that one.
    pub bounds: (u64, u64),
    /// The view.
    pub view: Lsn,
    /// The filter.
    pub filter: &'a Filter,
    /// The limits.
    pub interrupt: &'a Interrupt,
    /// Whether documents that are read from disk may stay in memory: they are likely to be read again.
    pub keeps: bool,
    /// Documents that the transaction of the scan has replaced or deleted are passed over.
    pub own: Option<&'a OwnDocuments>,
}

impl<'a> Scan<'a> {
    /// Everything before this slot.
    pub(crate) fn of(reading: &ReadContext<'a>, end: u64) -> Scan<'a> {
        let ReadContext { collection, view, filter, interrupt, own, .. } = *reading;
        Scan { collection, bounds: (0, end), view, filter, interrupt, keeps: true, own }
    }
}

/// Calls a function with each document within the bounds that the view sees and the filter matches, in natural order, until
/// it stops; returns the slot to continue at. The function may run under the lock of a page: it may only
/// clone.
pub(crate) fn each(
    store: &Store,
    scan: &Scan<'_>,
    mut visit: impl FnMut(Match<'_>) -> ControlFlow<()>,
) -> Result<u64> {
    would_block(|| true)?;
    let filter = scan.filter;
    let (from, end) = scan.bounds;
    // If every document matches, the work is not worth sharing: the first range is often enough for a batch.
    let alone = if filter.is_all() { end } else { end.min(from.saturating_add(RANGE)) };
    let mut matcher = filter.matcher();
    let (start, stopped) = pages(store, scan, (from, alone), &mut matcher, None, &mut visit)?;
    if stopped || start >= end {
        return Ok(start);
    }
    let count = (end - start).div_ceil(RANGE);
    let workers = Workers::reserve(if count < LEAST { 0 } else { count - 1 });
    if workers.is_empty() {
        return Ok(pages(store, scan, (start, end), &mut matcher, None, &mut visit)?.0);
    }
    let mut next = start;
    let work = |number: u64, over: &AtomicBool| {
        let from = start + number * RANGE;
        let to = end.min(from + RANGE);
        let (mut found, mut held, mut last) = (Vec::<Found>::new(), 0, None);
        let gather = &mut |one: Match<'_>| {
            if last.replace(Arc::as_ptr(one.block)) != Some(Arc::as_ptr(one.block)) {
                held += one.block.bytes.len();
            }
            found.push(one.to_found());
            if held > MOST_HELD { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let (reached, _) = pages(store, scan, (from, to), &mut filter.matcher(), Some(over), gather)?;
        Ok((reached, to, found))
    };
    in_order(&workers, count, work, |(reached, to, found)| {
        for one in found {
            next = one.slot.0 + 1;
            if visit(one.as_match()).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        let (at, stopped) = pages(store, scan, (reached, to), &mut matcher, None, &mut visit)?;
        next = at;
        Ok(if stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(next)
}

/// Collects matches range by range, each range into its own part, and takes the parts in order until the caller stops. A
/// visitor that stops ends only its own range. The ranges do not depend on the number of threads, so the same documents
/// in the same slots make the same parts.
pub(crate) fn fold<T: Send>(
    store: &Store,
    scan: &Scan<'_>,
    start: impl Fn() -> T + Sync,
    visit: impl Fn(&mut T, Match<'_>) -> ControlFlow<()> + Sync,
    take: impl FnMut(T) -> Result<ControlFlow<()>>,
) -> Result<()> {
    fold_with(store, scan, start, visit, |_| Ok(ControlFlow::Break(())), take)
}

/// The same, where a visitor that has stopped is continued after that document if `relieve`, which is not called under a
/// lock, says so.
pub(crate) fn fold_with<T: Send>(
    store: &Store,
    scan: &Scan<'_>,
    start: impl Fn() -> T + Sync,
    visit: impl Fn(&mut T, Match<'_>) -> ControlFlow<()> + Sync,
    relieve: impl Fn(&mut T) -> Result<ControlFlow<()>> + Sync,
    take: impl FnMut(T) -> Result<ControlFlow<()>>,
) -> Result<()> {
    would_block(|| true)?;
    let (from, end) = scan.bounds;
    let count = end.saturating_sub(from).div_ceil(RANGE);
    let workers = Workers::reserve(if count < LEAST { 0 } else { count - 1 });
    let work = |number: u64, over: &AtomicBool| {
        let from = from + number * RANGE;
        let mut part = start();
        let (mut next, to, mut matcher) = (from, end.min(from + RANGE), scan.filter.matcher());
        loop {
            let (at, stopped) =
                pages(store, scan, (next, to), &mut matcher, Some(over), &mut |one| visit(&mut part, one))?;
            if !stopped || over.load(Ordering::Relaxed) || relieve(&mut part)?.is_break() {
                return Ok(part);
            }
            next = at;
        }
    };
    in_order(&workers, count, work, take)
}

/// The number of matching documents, at most `enough`.
pub(crate) fn count(store: &Store, scan: &Scan<'_>, enough: u64) -> Result<u64> {
    let reached =
        |count: u64| if count >= enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let mut count = 0_u64;
    let visit = |part: &mut u64, _: Match<'_>| {
        *part += 1;
        reached(*part)
    };
    fold(
        store,
        scan,
        || 0,
        visit,
        |part| {
            count += part;
            Ok(reached(count))
        },
    )?;
    Ok(count.min(enough))
}

/// The share of one thread: returns the slot to continue at, and whether the visitor stopped.
fn pages(
    store: &Store,
    scan: &Scan<'_>,
    (mut from, end): (u64, u64),
    matcher: &mut Matcher<'_>,
    over: Option<&AtomicBool>,
    visit: &mut impl FnMut(Match<'_>) -> ControlFlow<()>,
) -> Result<(u64, bool)> {
    let shapes = scan.collection.shapes();
    let mut last = if scan.keeps { Last::default() } else { Last::passing() };
    while from < end {
        scan.interrupt.check(|| store.now())?;
        if over.is_some_and(|over| over.load(Ordering::Relaxed)) {
            return Ok((from, true));
        }
        let to = end.min(from.saturating_add(PAGE));
        let mut met_cold = None;
        let mut stopped = false;
        let hides = |slot| scan.own.is_some_and(|own| own.hides(slot));
        let page = |slot, version: &Version| match &version.content {
            _ if hides(slot) => ControlFlow::Continue(()),
            Content::Hot(block, span) => {
                if matcher.matches(RawValue::new(span.of(block), shapes))
                    && visit(Match { slot, lsn: version.lsn, block, span: *span }).is_break()
                {
                    stopped = true;
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            }
            Content::Cold(..) => {
                met_cold = version.on_disk().map(|disk| (slot, disk));
                ControlFlow::Break(())
            }
            Content::Vacant | Content::Tombstone => ControlFlow::Continue(()),
        };
        from = scan.collection.slab().scan(from, to, scan.view, page)?;
        scan.filter.work().believe(())?;
        if stopped {
            return Ok((from, true));
        }
        let Some((slot, disk)) = met_cold else { continue };
        let block = last.read(store, scan.collection, slot, &disk)?;
        if matcher.matches(RawValue::new(disk.span().of(&block), shapes))
            && visit(Match { slot, lsn: disk.lsn(), block: &block, span: disk.span() }).is_break()
        {
            return Ok((from, true));
        }
        scan.filter.work().believe(())?;
    }
    Ok((from, false))
}
