//! The distinct values of a field: each range of slots collects its own, which are merged in order; or `by_index`, from the keys
//! of its index.

mod by_index;

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::fetch::{Examined, Match, ReadContext};
use super::layers::source::Source;
use super::missing_indexes;
use super::results::QueryResults;
use super::scan::{self, Scan};
use crate::document::{Columns, Leaf, MAX_DOCUMENT, Path, RawValue, Value};
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::nonblocking::would_block;
use crate::engine::format::key::{Key, key_of};
use crate::engine::plan::hint::Hint;
use crate::engine::plan::planner::{self, Plan, Query};
use crate::engine::state::index::Index;
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result, codes};
use crate::query::Filter;

/// The largest result of `distinct`, in encoded bytes.
const MAX_DISTINCT: usize = MAX_DOCUMENT;

/// The distinct values of a path in the matching documents of a source, in the order of their first occurrence: elements
/// of arrays, and nothing where the path is missing.
pub(crate) fn values(
    store: &Store,
    (source, name): (&Source, &str),
    path: &Path,
    filter: &Filter,
    hint: Option<&Hint>,
    interrupt: &Interrupt,
) -> Result<Vec<Value>> {
    source.note(name, filter)?;
    let Some(collection) = source.collection(name) else { return Ok(Vec::new()) };
    let query = Query { hint, distinct: Some(path), ..Query::of(filter) };
    let plan = planner::plan(collection, &query, source.lsn())?;
    let own = source.own(collection);
    let reading = ReadContext::new(store, collection, source.lsn(), filter, interrupt).over(own.as_deref());
    by_plan(&reading, &query, &plan, path).map(|(values, _)| values)
}

/// The distinct values of a path in the documents of a plan.
pub(crate) fn by_plan(
    reading: &ReadContext<'_>,
    query: &Query<'_>,
    plan: &Plan<Index>,
    path: &Path,
) -> Result<(Vec<Value>, Examined)> {
    let mut examined = Examined::default();
    if let Plan::Index(access) = plan
        && access.distinct
    {
        if let Some(values) = by_index::values(reading, access, path, &mut examined)? {
            return Ok((values, examined));
        }
        would_block(|| true)?;
        let plan = planner::plan(reading.collection, &Query { distinct: None, ..*query }, reading.view)?;
        let (values, more) = by_plan(reading, query, &plan, path)?;
        examined.keys += more.keys;
        examined.documents += more.documents;
        return Ok((values, examined));
    }
    if matches!(plan, Plan::Scan) && reading.own.is_none() {
        would_block(|| true)?;
        let end = reading.collection.slab().end();
        let values = of_scan(reading.store, &Scan::of(reading, end), path)?;
        missing_indexes::note_scan(reading.store, reading, None, end, values.len() as u64);
        return Ok((values, Examined { keys: 0, documents: end }));
    }
    let shapes = reading.collection.shapes();
    let mut found = Distinct::default();
    let mut results = QueryResults::open(reading, query, plan)?;
    results.run(reading, None, &mut |Match { block, span, .. }| {
        found.add_all(path, RawValue::new(span.of(block), shapes));
        found.flow()
    })?;
    Ok((found.into_values(path)?, results.examined()))
}

/// The distinct values of a path in the documents of a scan, in the order of their first occurrence: elements of arrays,
/// and nothing where the path is missing.
fn of_scan(store: &Store, scan: &Scan<'_>, path: &Path) -> Result<Vec<Value>> {
    let shapes = scan.collection.shapes();
    let mut found = Distinct::default();
    let visit = |part: &mut Distinct, one: Match<'_>| {
        part.add_all(path, RawValue::new(one.span.of(one.block), shapes));
        part.flow()
    };
    scan::fold(store, scan, Distinct::default, visit, |part| {
        found.absorb(part);
        Ok(found.flow())
    })?;
    found.into_values(path)
}

/// Values that are distinct in the order of values: 1 and 1n are equal.
#[derive(Default)]
pub(crate) struct Distinct {
    columns: Columns,
    known: HashSet<Key, foldhash::fast::RandomState>,
    /// With the lengths of their bytes.
    values: Vec<(Key, usize, Value)>,
    bytes: usize,
}

impl Distinct {
    /// Whether there is room for more.
    pub(crate) fn flow(&self) -> ControlFlow<()> {
        if self.bytes > MAX_DISTINCT { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// The values of the path, in the order in which they were found.
    pub(crate) fn into_values(self, path: &Path) -> Result<Vec<Value>> {
        if self.bytes > MAX_DISTINCT {
            let message = format!(
                "the different values of '{path}' take more than {MAX_DISTINCT} bytes; narrow the filter, or use find"
            );
            return Err(Error::new(Kind::Limit, message).with_code(codes::DISTINCT_TOO_LARGE));
        }
        Ok(self.values.into_iter().map(|(_, _, value)| value).collect())
    }

    /// Adds the values of the path.
    pub(crate) fn add_all(&mut self, path: &Path, document: RawValue<'_>) {
        let column = path.parts().first().and_then(|part| self.columns.column(&part.name));
        let first = match (self.columns.of(document), column) {
            (Some(mut fields), Some(column)) => match fields.get(column) {
                Some(first) => Some(first),
                None => return,
            },
            _ => None,
        };
        let mut visit = |value: Option<RawValue<'_>>| {
            match value.map(|value| (value, value.as_array())) {
                Some((_, Some(items))) => items.iter().for_each(|item| self.add(item)),
                Some((value, None)) => self.add(value),
                None => {}
            }
            false
        };
        match first {
            Some(first) => path.walk_below(first, Leaf::Whole, &mut visit),
            None => path.walk(document, Leaf::Whole, &mut visit),
        };
    }

    fn add(&mut self, value: RawValue<'_>) {
        let key = key_of(value);
        if !self.known.contains(&key) {
            let len = value.bytes().len();
            self.bytes += len;
            self.values.push((key.clone(), len, value.to_value()));
            self.known.insert(key);
        }
    }

    /// Adds the values of later documents.
    fn absorb(&mut self, other: Distinct) {
        for (key, len, value) in other.values {
            if self.known.insert(key.clone()) {
                self.bytes += len;
                self.values.push((key, len, value));
            }
        }
    }
}
