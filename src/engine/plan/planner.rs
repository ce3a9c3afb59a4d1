//! How matching documents are found: by their `_id`s, by ranges of indexes, or by a full scan.
//!
//! The unit of cost is one document of a sequential scan; fetching a document by its slot costs several. Estimates count
//! keys, so they are upper bounds of the matching documents.

use std::sync::Arc;

use smallvec::SmallVec;

use super::hint::Hint;
use super::key_ranges::{Bounded, Ranges};
use crate::document::{Collation, Path, RawValue, Shapes, Value, encode_plain};
use crate::engine::format::key::{Key, key_of};
use crate::engine::state::collection::Collection;
use crate::engine::state::index::Index;
use crate::error::Result;
use crate::index::{Field, Range, ScanDirection, Spec};
use crate::query::{Bounds, Demands, Edge, Filter, Sort};
use crate::storage::Lsn;

/// The cost of fetching a document by its slot.
pub(super) const FETCH: f64 = 4.0;
/// The cost of reading an index entry, including sorting its slot.
const ENTRY: f64 = 0.5;
/// The assumed number of documents that a filter rejects per match, when nothing is known.
const UNKNOWN: u64 = 10;
/// Ranges that are estimated; the others are assumed to be similar.
const ESTIMATED: usize = 16;

/// What planning needs to know of an index.
pub(crate) trait Keys {
    /// Its definition.
    fn spec(&self) -> &Spec;
    /// Its partial filter.
    fn partial(&self) -> Option<&Filter>;
    /// A bit for each field with an array on its path in some document (multikey).
    fn multikey(&self) -> u32;
    /// Whether a key was cut.
    fn is_truncated(&self) -> bool;
    /// About how many entries a range has.
    fn estimate(&self, range: &Range) -> u64;
}

/// A query to plan.
#[derive(Clone, Copy)]
pub(crate) struct Query<'q> {
    /// The filter.
    pub filter: &'q Filter,
    /// The sort order; natural order without one.
    pub sort: Option<&'q Sort>,
    /// The maximum number of documents to read.
    pub wanted: Option<u64>,
    /// The hint.
    pub hint: Option<&'q Hint>,
    /// Whether only their number is needed.
    pub counted: bool,
    /// The path of which only the distinct values are needed.
    pub distinct: Option<(&'q Path, &'q Collation)>,
    /// Whether the bounds are needed as text.
    pub explained: bool,
}

impl<'q> Query<'q> {
    /// Whether documents are read from the last to the first; a sort overrides this.
    pub(crate) fn is_backward(&self) -> bool {
        self.sort.is_none() && self.hint == Some(&Hint::Backward)
    }

    /// All matching documents, in natural order.
    pub(crate) fn of(filter: &'q Filter) -> Query<'q> {
        Query {
            filter,
            sort: None,
            wanted: None,
            hint: None,
            counted: false,
            distinct: None,
            explained: false,
        }
    }
}

/// How documents are found.
pub(crate) enum Plan<I> {
    /// By a full scan.
    Scan,
    /// By these `_id`s.
    Ids(Vec<Key>),
    /// By ranges of one index.
    Index(Access<I>),
    /// By the union of these.
    Union(Vec<Plan<I>>),
}

/// Ranges of one index.
pub(crate) struct Access<I> {
    /// The index.
    pub index: Arc<I>,
    /// The ranges.
    pub ranges: Ranges,
    /// The sort order of their entries, if it is the requested one.
    pub order: Option<Order>,
    /// Whether each document of the index within the ranges matches, and has exactly one entry there.
    pub covers: bool,
    /// Whether the first entries of each key are enough: only the distinct values of its one field are needed.
    pub distinct: bool,
    /// The approximate number of entries.
    pub keys: u64,
    /// The bounds of each field, if needed as text.
    pub text: Vec<Vec<String>>,
}

impl Plan<Index> {
    /// Whether documents are found in the requested order.
    pub(crate) fn gives_order(&self) -> bool {
        matches!(self, Plan::Index(access) if access.order.is_some())
    }

    /// The approximate number of entries or documents to read until so many are returned after so many are skipped.
    pub(crate) fn most(&self, left: Option<u64>, skip: u64) -> u64 {
        match self {
            Plan::Scan => u64::MAX,
            Plan::Ids(keys) => keys.len() as u64,
            Plan::Index(access) if access.covers && access.order.is_some() => {
                access.keys.min(left.map_or(u64::MAX, |left| left.saturating_add(skip)))
            }
            Plan::Index(access) => access.keys,
            Plan::Union(plans) => plans.iter().fold(0, |all, plan| all.saturating_add(plan.most(None, 0))),
        }
    }
}

/// The order of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// From which end they are read.
    pub direction: ScanDirection,
    /// The number of leading components; entries with equal ones are equal in the order.
    pub fields: usize,
}

/// A plan with its cost.
pub(super) struct Priced<I> {
    pub(super) plan: Plan<I>,
    cost: f64,
    keys: u64,
}

/// The plan of a query on a collection with these indexes and about so many documents.
pub(crate) fn choose<I: Keys>(query: &Query<'_>, indexes: &[Arc<I>], documents: u64) -> Result<Plan<I>> {
    let hinted = match query.hint {
        Some(Hint::Natural | Hint::Backward) => return Ok(Plan::Scan),
        // The index on `_id` serves only lookups by `_id`; everything else is in natural order, like a scan.
        Some(hint) if hint.is_id() => None,
        Some(hint) => match indexes.iter().find(|index| hint.is_of(index.spec())) {
            Some(index) => Some(std::slice::from_ref(index)),
            None => return Err(hint.refusal()),
        },
        None => None,
    };
    if hinted.is_none()
        && let Some(id) = query.filter.id()
    {
        return Ok(Plan::Ids(vec![key_of_value(id)]));
    }
    let planner = Planner { query, indexes: hinted.unwrap_or(indexes), documents, forced: hinted.is_some() };
    if let Some(access) = query.distinct.and_then(|(path, collation)| planner.distinct(path, collation)) {
        return Ok(Plan::Index(access));
    }
    if planner.forced {
        return Ok(planner.plan());
    }
    if query.filter.is_all() && (query.sort.is_none() || indexes.is_empty()) {
        return Ok(Plan::Scan);
    }
    let indexes = if query.hint.is_some() { &[] } else { indexes };
    Ok(Planner { query, indexes, documents, forced: false }.plan())
}

/// The alternatives to this plan, the cheapest first: each usable index, and the union of several if one is possible. With a
/// hint, or an `_id`, there are none.
pub(crate) fn rejected<I: Keys>(
    query: &Query<'_>,
    indexes: &[Arc<I>],
    documents: u64,
    chosen: &Plan<I>,
) -> Vec<Plan<I>> {
    if query.hint.is_some() || query.filter.id().is_some() {
        return Vec::new();
    }
    let planner = Planner { query, indexes, documents, forced: false };
    let demands = query.filter.demands();
    let fields: Vec<&Bounded<'_>> = demands.fields.iter().collect();
    let conditions = Conditions::of(&demands, &fields, Part::Filter);
    let is_chosen =
        |index: &Arc<I>| matches!(chosen, Plan::Index(access) if Arc::ptr_eq(&access.index, index));
    let others = indexes.iter().filter(|index| !is_chosen(index));
    let mut all: Vec<Priced<I>> = others.filter_map(|index| planner.of_index(index, &conditions)).collect();
    if !matches!(chosen, Plan::Union(_)) {
        all.extend(demands.unions.iter().filter_map(|branches| planner.union(branches, &fields)));
    }
    all.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    all.into_iter().map(|one| one.plan).collect()
}

impl Keys for Index {
    fn spec(&self) -> &Spec {
        Index::spec(self)
    }

    fn partial(&self) -> Option<&Filter> {
        Index::partial(self)
    }

    fn multikey(&self) -> u32 {
        Index::multikey(self)
    }

    fn is_truncated(&self) -> bool {
        Index::is_truncated(self)
    }

    fn estimate(&self, range: &Range) -> u64 {
        Index::estimate(self, range)
    }
}

/// The plan of a query for a view at this LSN.
pub(crate) fn plan(collection: &Collection, query: &Query<'_>, view: Lsn) -> Result<Plan<Index>> {
    choose(query, &ready(collection, view), collection.count())
}

/// The alternatives to this plan.
pub(crate) fn rejected_plans(
    collection: &Collection,
    query: &Query<'_>,
    view: Lsn,
    chosen: &Plan<Index>,
) -> Vec<Plan<Index>> {
    rejected(query, &ready(collection, view), collection.count(), chosen)
}

fn ready(collection: &Collection, view: Lsn) -> SmallVec<[Arc<Index>; 4]> {
    let usable = |index: &&Arc<Index>| index.is_ready(view) && !index.is_hidden();
    collection.indexes().iter().filter(usable).cloned().collect()
}

/// The plan of a query on the newest applied state for which no view is held: it uses no index, because one may become
/// ready meanwhile. An index in a hint must exist all the same.
pub(crate) fn plan_without_view(collection: &Collection, query: &Query<'_>) -> Result<Plan<Index>> {
    let Some(id) = query.filter.id() else { return choose(query, &[], collection.count()) };
    let exists = |hint: &Hint| {
        let of = |index: &Arc<Index>| {
            index.is_ready(Lsn::NEWEST) && !index.is_hidden() && hint.is_of(index.spec())
        };
        matches!(hint, Hint::Natural | Hint::Backward) || hint.is_id() || collection.indexes().iter().any(of)
    };
    match query.hint {
        Some(hint) if !exists(hint) => Err(hint.refusal()),
        _ => Ok(Plan::Ids(vec![key_of_value(id)])),
    }
}

/// The directory key of an `_id`.
pub(crate) fn key_of_value(id: &Value) -> Key {
    let mut plain = Vec::new();
    encode_plain(id, &mut plain);
    key_of(RawValue::new(&plain, Shapes::none()))
}

/// The bounds on each field of an index, by the rules for paths that meet arrays.
pub(crate) fn bounds_of<'f, I: Keys>(index: &I, fields: &[&Bounded<'f>]) -> Vec<Bounds<'f>> {
    let of_field = |(n, field): (usize, &Field)| {
        // Strings of another order than that of the keys bound nothing.
        let of_field = |bounded: &&&Bounded<'f>| serves(field, bounded);
        let found = fields.iter().filter(of_field).map(|(_, bounds)| bounds);
        let bounds = if index.multikey() & 1 << n == 0 {
            found.fold(None, |all: Option<Bounds<'f>>, one| {
                Some(all.map_or_else(|| one.clone(), |all| all.and(one)))
            })
        } else {
            found.min_by_key(|bounds| looseness(bounds)).cloned()
        };
        bounds.unwrap_or_else(Bounds::everything)
    };
    index.spec().fields.iter().enumerate().map(of_field).collect()
}

/// Whether the keys of a field of an index have the order of the bounds on its path.
fn serves(field: &Field, (path, bounds): &Bounded<'_>) -> bool {
    **path == field.path && bounds.fits(&field.collation)
}

/// The smaller of several bounds of which only one can be used.
fn looseness(bounds: &Bounds<'_>) -> (u8, usize) {
    let open = |edge: &Edge<'_>| u8::from(matches!(edge, Edge::Class(_)));
    let width = |one: &crate::query::Interval<'_>| {
        if one.is_point() { 0 } else { 1 + open(&one.low) + open(&one.high) }
    };
    let widest = bounds.intervals.iter().map(width).max().unwrap_or(0);
    (if bounds.is_everything() { 9 } else { widest }, bounds.intervals.len())
}

/// What a plan is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The whole filter: its order may be the requested one.
    Filter,
    /// One branch of an `$or`, whose documents are merged with those of the others.
    Branch,
}

/// The conditions that an index may serve.
pub(super) struct Conditions<'c, 'f> {
    part: Part,
    fields: &'c [&'c Bounded<'f>],
    /// Whether there are no others.
    are_all: bool,
}

impl<'c, 'f> Conditions<'c, 'f> {
    pub(super) fn of(demands: &Demands<'f>, fields: &'c [&'c Bounded<'f>], part: Part) -> Conditions<'c, 'f> {
        Conditions { part, fields, are_all: !demands.more && demands.unions.is_empty() }
    }
}

pub(super) struct Planner<'p, 'q, I> {
    pub(super) query: &'p Query<'q>,
    pub(super) indexes: &'p [Arc<I>],
    pub(super) documents: u64,
    /// Only this index may be used.
    forced: bool,
}

impl<I: Keys> Planner<'_, '_, I> {
    fn plan(&self) -> Plan<I> {
        let demands = self.query.filter.demands();
        let best = self.best(&demands, &[], Part::Filter);
        let Some(best) = best else { return Plan::Scan };
        if self.forced || best.cost < self.scan(best.keys) { best.plan } else { Plan::Scan }
    }

    /// The cost of a scan that stops when it has enough matches.
    fn scan(&self, matching: u64) -> f64 {
        let all = self.documents as f64;
        match (self.query.sort, self.query.wanted) {
            (None, Some(wanted)) if wanted < matching => all * wanted as f64 / matching as f64,
            _ => all,
        }
    }

    /// The cheapest plan, also given the conditions around a branch.
    fn best<'f>(&self, demands: &Demands<'f>, around: &[&Bounded<'f>], part: Part) -> Option<Priced<I>> {
        let fields: Vec<&Bounded<'f>> = demands.fields.iter().chain(around.iter().copied()).collect();
        let conditions = Conditions::of(demands, &fields, part);
        let ids = if self.forced { None } else { ids(&fields) };
        let found = self.indexes.iter().filter_map(|index| self.of_index(index, &conditions));
        let unions = demands.unions.iter().filter_map(|branches| self.union(branches, &fields));
        ids.into_iter().chain(found).chain(unions).min_by(|a, b| a.cost.total_cmp(&b.cost))
    }

    fn union<'f>(&self, branches: &[Demands<'f>], around: &[&Bounded<'f>]) -> Option<Priced<I>> {
        let mut all = Priced { plan: Plan::Union(Vec::new()), cost: 0.0, keys: 0 };
        let mut plans = Vec::new();
        for branch in branches {
            let best = self.best(branch, around, Part::Branch)?;
            all.cost += best.cost;
            all.keys = all.keys.saturating_add(best.keys);
            plans.push(best.plan);
        }
        all.plan = Plan::Union(plans);
        Some(all)
    }

    pub(super) fn of_index(&self, index: &Arc<I>, conditions: &Conditions<'_, '_>) -> Option<Priced<I>> {
        let Conditions { fields, .. } = *conditions;
        let spec = index.spec();
        if !self.is_complete(&**index, fields) {
            return None;
        }
        let multikey = index.multikey();
        let bounds = bounds_of(&**index, fields);
        let ranges = Ranges::of(spec, &bounds);
        let order = match self.query.sort {
            Some(sort) if conditions.part == Part::Filter && !index.is_truncated() => {
                order_of(spec, &ranges, multikey, sort)
            }
            _ => None,
        };
        // All entries of an index that has not all documents may be few.
        let is_smaller = spec.sparse || index.partial().is_some();
        if ranges.used == 0 && order.is_none() && !is_smaller && !self.forced {
            return None;
        }
        let said =
            |bounded: &&Bounded<'_>| spec.fields.iter().take(ranges.used).any(|field| serves(field, bounded));
        let complete = conditions.are_all && fields.iter().all(said);
        let covers = complete && ranges.exact && multikey == 0 && !index.is_truncated();
        let keys = estimate(&**index, &ranges.list);
        let cost = self.cost(&ranges, spec, order, covers, keys);
        let text = if self.query.explained { in_words(&bounds, ranges.used) } else { Vec::new() };
        let access = Access { index: index.clone(), ranges, order, covers, distinct: false, keys, text };
        Some(Priced { plan: Plan::Index(access), cost, keys })
    }

    /// Whether every matching document has entries.
    fn is_complete(&self, index: &I, fields: &[&Bounded<'_>]) -> bool {
        let spec = index.spec();
        if spec.sparse {
            let is_bounded = |(path, bounds): &&Bounded<'_>| {
                !bounds.missing && spec.fields.iter().any(|field| field.path == **path)
            };
            return fields.iter().any(is_bounded);
        }
        index.partial().is_none_or(|partial| self.query.filter.implies(partial))
    }

    fn cost(&self, ranges: &Ranges, spec: &Spec, order: Option<Order>, covers: bool, keys: u64) -> f64 {
        let wanted = self.query.wanted.unwrap_or(u64::MAX);
        let enough = if covers { wanted } else { wanted.saturating_mul(UNKNOWN) };
        let count = keys as f64;
        if self.query.counted && covers {
            return count * ENTRY;
        }
        match (self.query.sort, order) {
            (Some(_), Some(_)) => keys.min(enough) as f64 * (FETCH + ENTRY),
            (Some(_), None) => count * (FETCH + ENTRY),
            (None, _) if ranges.is_key(spec) => keys.min(enough) as f64 * (FETCH + ENTRY),
            (None, _) => count * ENTRY + keys.min(enough) as f64 * FETCH,
        }
    }
}

/// The bounds of each field of an index, some of which are expressed by the ranges.
pub(super) fn in_words(bounds: &[Bounds<'_>], used: usize) -> Vec<Vec<String>> {
    let of_field = |(n, bounds): (usize, &Bounds<'_>)| match n < used {
        true => bounds.in_words(),
        false => vec![crate::query::Interval::everything().to_string()],
    };
    bounds.iter().enumerate().map(of_field).collect()
}

/// The `_id`s that can match, if the filter names them.
fn ids<I>(fields: &[&Bounded<'_>]) -> Option<Priced<I>> {
    let of_id = |(path, bounds): &&&Bounded<'_>| path.is_id() && bounds.is_points();
    let (_, bounds) = fields.iter().filter(of_id).min_by_key(|(_, bounds)| bounds.intervals.len())?;
    let key = |interval: &crate::query::Interval<'_>| match &interval.low {
        Edge::Value(value, _) => key_of_value(value),
        Edge::Class(_) => key_of_value(&Value::Null),
    };
    let keys: Vec<Key> = bounds.intervals.iter().map(key).collect();
    let count = keys.len() as u64;
    Some(Priced { plan: Plan::Ids(keys), cost: count as f64 * FETCH, keys: count })
}

fn estimate<I: Keys>(index: &I, ranges: &[Range]) -> u64 {
    let some: u64 = ranges.iter().take(ESTIMATED).map(|range| index.estimate(range)).sum();
    match ranges.len() {
        0..=ESTIMATED => some,
        all => some.saturating_mul(all as u64) / ESTIMATED as u64,
    }
}

/// Whether the entries of these ranges are in a sort order. A field with a single value in all of them may be in the sort or
/// not.
fn order_of(spec: &Spec, ranges: &Ranges, multikey: u32, sort: &Sort) -> Option<Order> {
    let mut next = ranges.single;
    let mut reverse = None;
    for (path, descending, collation) in sort.parts() {
        let constant = spec.fields.iter().take(ranges.single).position(|field| field.path == *path);
        if let Some(n) = constant {
            if multikey & 1 << n != 0 {
                return None;
            }
            continue;
        }
        let field = spec.fields.get(next).filter(|field| field.path == *path)?;
        if field.collation != *collation {
            return None;
        }
        let against = field.direction.is_descending() != descending;
        if multikey & 1 << next != 0 || *reverse.get_or_insert(against) != against {
            return None;
        }
        next += 1;
    }
    let direction = if reverse == Some(true) { ScanDirection::Backward } else { ScanDirection::Forward };
    Some(Order { direction, fields: next })
}
