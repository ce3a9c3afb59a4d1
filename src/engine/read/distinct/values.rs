//! Distinct values by a plan: of a scan each range of slots collects its own, which are merged in order.

use super::by_index;
use super::found::Distinct;
use crate::document::{Collation, Path, RawValue, Value};
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::nonblocking::would_block;
use crate::engine::plan::hint::Hint;
use crate::engine::plan::planner::{self, Plan, Query};
use crate::engine::read::fetch::{Examined, Match, ReadContext};
use crate::engine::read::layers::source::Source;
use crate::engine::read::missing_indexes;
use crate::engine::read::results::QueryResults;
use crate::engine::read::scan::{self, Scan};
use crate::engine::state::index::Index;
use crate::engine::store::Store;
use crate::error::Result;
use crate::query::Filter;

/// The distinct values of a path in the matching documents of a source, in the order of their first occurrence: elements
/// of arrays, and nothing where the path is missing.
pub(crate) fn values(
    store: &Store,
    (source, name): (&Source, &str),
    (path, collation): (&Path, &Collation),
    filter: &Filter,
    hint: Option<&Hint>,
    interrupt: &Interrupt,
) -> Result<Vec<Value>> {
    source.note(name, filter)?;
    let Some(collection) = source.collection(name) else { return Ok(Vec::new()) };
    let query = Query { hint, distinct: Some((path, collation)), ..Query::of(filter) };
    let plan = planner::plan(collection, &query, source.lsn())?;
    let own = source.own(collection);
    let reading = ReadContext::new(store, collection, source.lsn(), filter, interrupt).over(own.as_deref());
    by_plan(&reading, &query, &plan, (path, collation)).map(|(values, _)| values)
}

/// The distinct values of a path in the documents of a plan.
pub(crate) fn by_plan(
    reading: &ReadContext<'_>,
    query: &Query<'_>,
    plan: &Plan<Index>,
    (path, collation): (&Path, &Collation),
) -> Result<(Vec<Value>, Examined)> {
    let mut examined = Examined::default();
    if let Plan::Index(access) = plan
        && access.distinct
    {
        if let Some(values) = by_index::values(reading, access, (path, collation), &mut examined)? {
            return Ok((values, examined));
        }
        would_block(|| true)?;
        let plan = planner::plan(reading.collection, &Query { distinct: None, ..*query }, reading.view)?;
        let (values, more) = by_plan(reading, query, &plan, (path, collation))?;
        examined.keys += more.keys;
        examined.documents += more.documents;
        return Ok((values, examined));
    }
    if matches!(plan, Plan::Scan) && reading.own.is_none() {
        would_block(|| true)?;
        let end = reading.collection.slab().end();
        let values = of_scan(reading.store, &Scan::of(reading, end), (path, collation))?;
        missing_indexes::note_scan(reading.store, reading, None, end, values.len() as u64);
        return Ok((values, Examined { keys: 0, documents: end }));
    }
    let shapes = reading.collection.shapes();
    let mut found = Distinct::under(collation);
    let mut results = QueryResults::open(reading, query, plan)?;
    results.run(reading, None, &mut |Match { block, span, .. }| {
        found.add_all(path, RawValue::new(span.of(block), shapes));
        found.flow()
    })?;
    Ok((found.into_values(path)?, results.examined()))
}

/// The distinct values of a path in the documents of a scan, in the order of their first occurrence: elements of arrays,
/// and nothing where the path is missing.
fn of_scan(store: &Store, scan: &Scan<'_>, (path, collation): (&Path, &Collation)) -> Result<Vec<Value>> {
    let shapes = scan.collection.shapes();
    let mut found = Distinct::under(collation);
    let visit = |part: &mut Distinct, one: Match<'_>| {
        part.add_all(path, RawValue::new(one.span.of(one.block), shapes));
        part.flow()
    };
    scan::fold(
        store,
        scan,
        || Distinct::under(collation),
        visit,
        |part| {
            found.absorb(part);
            Ok(found.flow())
        },
    )?;
    found.into_values(path)
}
