//! Explains an operation in MongoDB's terms; nothing is changed.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::document::{Collation, Object, Path, RawKind, Value, incoming};
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::operation::input::{Incoming, check_part, parse_filter_with};
use crate::engine::operation::request::{Operation, Reach, Verbosity};
use crate::engine::plan::hint::Hint;
use crate::engine::plan::planner::{self, Access, Plan, Query};
use crate::engine::read::fetch::{Examined, ReadContext};
use crate::engine::read::find;
use crate::engine::read::layers::defined_views;
use crate::engine::read::layers::source::Source;
use crate::engine::read::missing_indexes;
use crate::engine::read::results::QueryResults;
use crate::engine::read::{count, distinct};
use crate::engine::state::index::Index;
use crate::engine::state::namespace::{parts, within};
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result};
use crate::index::{ID_INDEX, ScanDirection};
use crate::options::AutoIndex;
use crate::query::expression::Constants;
use crate::query::{Filter, Pipeline, Sort};

/// An explained operation: what it reads, and what it does with that.
struct Explained {
    filter: Filter,
    /// The filter as it was given.
    given: Value,
    sort: Option<Sort>,
    skip: u64,
    limit: u64,
    hint: Option<Hint>,
    end: End,
}

enum End {
    Documents(Option<Value>),
    Count,
    Distinct(Path, Collation),
    Update(Reach),
    Delete(Reach),
}

/// Fields of a description.
macro_rules! fields {
    ($($name:literal: $value:expr),* $(,)?) => {
        vec![$(($name.to_owned(), $value)),*]
    };
}

/// Describes how an operation would be executed, and the alternatives; depending on the verbosity also the execution
/// statistics of its read, for the winning plan or for all of them.
pub(crate) fn explain(
    store: &Arc<Store>,
    name: &str,
    operation: &Operation,
    hint: Option<&Incoming>,
    verbosity: Verbosity,
    interrupt: &Interrupt,
) -> Result<Value> {
    let (operation, variables) = operation.with_variables();
    let view = store.view();
    let collection = view.catalogue().get(name).map(|collection| &**collection);
    let constants = find::constants(store, variables, store.statement_time(), interrupt, collection)?;
    let full;
    let (name, explained) = match below_view(store, name, operation, &constants)? {
        None => (name, Explained::of(operation, hint, &constants)?),
        Some((below, explained)) => {
            full = below;
            (full.as_str(), explained)
        }
    };
    let mut parts = fields! { "explainVersion": text("1") };
    let mut planner = fields! { "namespace": text(&store.databases().namespace(name)), "parsedQuery": explained.given.clone() };
    let Some(collection) = view.catalogue().get(name) else {
        planner.extend(fields! {
            "winningPlan": Value::Object(fields! { "stage": text("EOF") }),
            "rejectedPlans": Value::Array(Vec::new()),
        });
        parts.push(("queryPlanner".into(), Value::Object(planner)));
        if verbosity != Verbosity::Planner {
            let nothing = counters(0, 0, Examined::default());
            parts.push(("executionStats".into(), executed(nothing, Vec::new(), verbosity)));
        }
        parts.push(("ok".into(), Value::Int(1)));
        return Ok(Value::Object(parts));
    };
    let query = explained.query();
    let plan = planner::plan(collection, &query, view.lsn())?;
    let rejected = planner::rejected_plans(collection, &query, view.lsn(), &plan);
    let described = rejected.iter().map(|plan| Value::Object(explained.describe(plan))).collect();
    planner.extend(fields! {
        "winningPlan": Value::Object(explained.describe(&plan)),
        "rejectedPlans": Value::Array(described),
    });
    parts.push(("queryPlanner".into(), Value::Object(planner)));
    if verbosity != Verbosity::Planner {
        let reading = ReadContext::new(store, collection, view.lsn(), &explained.filter, interrupt);
        let stats = explained.statistics(&reading, &query, (&plan, &rejected), verbosity)?;
        parts.push(("executionStats".into(), stats));
    }
    if store.options().auto_index != AutoIndex::Off {
        parts.push(("suggestedIndexes".into(), missing_indexes::suggested_indexes(collection)));
    }
    parts.push(("ok".into(), Value::Int(1)));
    Ok(Value::Object(parts))
}

/// A read of a view, as a read of the collection below it, with that one's full name; `None` if there is no such view.
fn below_view(
    store: &Store,
    name: &str,
    operation: &Operation,
    constants: &Constants,
) -> Result<Option<(String, Explained)>> {
    let source = Source::newest(store);
    let Some(collection) = source.collection(name).filter(|collection| collection.is_view()) else {
        return Ok(None);
    };
    let Some((pipeline, hint)) = defined_views::as_pipeline(operation)? else {
        return collection.check_stores(name).map(|()| None);
    };
    let (database, plain) = parts(name);
    let (below, view) =
        defined_views::below(&source, database, plain, constants.collation(), constants.work())?;
    incoming::check(pipeline.bytes(), &pipeline.shapes)?;
    let given = defined_views::conditions(&source, database, plain, &pipeline);
    let whole = Pipeline::parse_with(pipeline.raw(), constants)?.after(&view);
    let explained = Explained::of_stages(&whole, given, Hint::of(hint.as_ref())?, constants);
    Ok(Some((within(database, &below)?, explained)))
}

fn sort_of(sort: Option<&Incoming>, constants: &Constants) -> Result<Option<Sort>> {
    check_part(sort)?;
    Ok(sort.map(|sort| Sort::parse_with(sort.raw(), constants)).transpose()?.flatten())
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn number(count: u64) -> Value {
    Value::number(count as f64)
}

/// The execution statistics of a plan.
fn counters(returned: u64, took: u64, examined: Examined) -> Object {
    fields! {
        "nReturned": number(returned),
        "executionTimeMillis": number(took),
        "totalKeysExamined": number(examined.keys),
        "totalDocsExamined": number(examined.documents),
    }
}

/// The counters of the winning plan, and those of all plans if requested; none where there is no alternative.
fn executed(winning: Object, all: Vec<Value>, verbosity: Verbosity) -> Value {
    let mut stats = fields! { "executionSuccess": Value::Bool(true) };
    stats.extend(winning);
    if verbosity == Verbosity::AllPlans {
        stats.push(("allPlansExecution".into(), Value::Array(all)));
    }
    Value::Object(stats)
}

impl Explained {
    fn of(operation: &Operation, hint: Option<&Incoming>, constants: &Constants) -> Result<Explained> {
        let hint = Hint::of(hint)?;
        let of = |filter: &Incoming, end: End| -> Result<Explained> {
            let given = parse_filter_with(filter, constants).map(|parsed| (parsed, filter.raw().to_value()));
            let (filter, given) = given?;
            Ok(Explained { filter, given, sort: None, skip: 0, limit: 0, hint: hint.clone(), end })
        };
        match operation {
            Operation::Find { filter, options } => {
                check_part(options.projection.as_ref())?;
                let projection = options.projection.as_ref().map(|one| one.raw().to_value());
                let projection =
                    projection.filter(|one| matches!(one, Value::Object(all) if !all.is_empty()));
                let mut explained = of(filter, End::Documents(projection))?;
                explained.sort = sort_of(options.sort.as_ref(), constants)?;
                (explained.skip, explained.limit) = (options.skip, options.limit);
                Ok(explained)
            }
            Operation::Count { filter, skip, limit, .. } => {
                let mut explained = of(filter, End::Count)?;
                (explained.skip, explained.limit) = (*skip, *limit);
                Ok(explained)
            }
            Operation::Distinct { key, filter, .. } => {
                incoming::check(key.bytes(), &key.shapes)?;
                let path = match key.raw().kind() {
                    RawKind::String(path) => Path::parse(&String::from_utf8_lossy(path)),
                    _ => return Err(unexplained()),
                };
                let is_id = path.is_id();
                let collation = if is_id { Collation::SIMPLE } else { constants.collation().clone() };
                of(filter, End::Distinct(path, collation))
            }
            Operation::Update { filter, reach, sort, .. } => {
                let mut explained = of(filter, End::Update(*reach))?;
                explained.sort = sort_of(sort.as_ref(), constants)?;
                Ok(explained)
            }
            Operation::Replace { filter, sort, .. } => {
                let mut explained = of(filter, End::Update(Reach::One))?;
                explained.sort = sort_of(sort.as_ref(), constants)?;
                Ok(explained)
            }
            Operation::Delete { filter, reach, .. } => of(filter, End::Delete(*reach)),
            Operation::FindOneAnd { write, sort, .. } => {
                let (filter, end) = match &**write {
                    Operation::Update { filter, .. } | Operation::Replace { filter, .. } => {
                        (filter, End::Update(Reach::One))
                    }
                    Operation::Delete { filter, .. } => (filter, End::Delete(Reach::One)),
                    _ => return Err(unexplained()),
                };
                let mut explained = of(filter, end)?;
                explained.sort = sort_of(sort.as_ref(), constants)?;
                Ok(explained)
            }
            Operation::Aggregate { pipeline, .. } => Explained::of_pipeline(pipeline, hint, constants),
            _ => Err(unexplained()),
        }
    }

    /// The read at the start of a pipeline.
    fn of_pipeline(pipeline: &Incoming, hint: Option<Hint>, constants: &Constants) -> Result<Explained> {
        incoming::check(pipeline.bytes(), &pipeline.shapes)?;
        let parsed = Pipeline::parse_with(pipeline.raw(), constants)?;
        let given = match pipeline.raw().as_array().and_then(|stages| stages.get(0)) {
            Some(stage) if !parsed.asks(constants.collation()).0.is_all() => {
                stage.get("$match").map(|filter| filter.to_value())
            }
            _ => None,
        };
        let given = given.unwrap_or_else(|| Value::Object(Vec::new()));
        Ok(Explained::of_stages(&parsed, given, hint, constants))
    }

    fn of_stages(parsed: &Pipeline, given: Value, hint: Option<Hint>, constants: &Constants) -> Explained {
        let (filter, order) = parsed.asks(constants.collation());
        Explained {
            filter: filter.within(constants.work()),
            given,
            sort: order.map(|(sort, _)| sort.clone()),
            skip: 0,
            limit: order.and_then(|(_, keep)| keep).unwrap_or(0),
            hint,
            end: End::Documents(None),
        }
    }

    /// Executes the read by the winning plan, and by the rejected ones if all are requested.
    fn statistics(
        &self,
        reading: &ReadContext<'_>,
        query: &Query<'_>,
        (plan, rejected): (&Plan<Index>, &[Plan<Index>]),
        verbosity: Verbosity,
    ) -> Result<Value> {
        let store = reading.store;
        let run = |plan: &Plan<Index>| -> Result<Object> {
            let (before, spilled) = (store.elapsed(), self.filter.work().spilled());
            let (returned, examined) = self.run(reading, query, plan)?;
            let took = store.elapsed().saturating_sub(before).as_millis();
            let mut counters = counters(returned, u64::try_from(took).unwrap_or(u64::MAX), examined);
            if self.sort.is_some() && !plan.gives_order() {
                let now = self.filter.work().spilled();
                let spills = now.spills - spilled.spills;
                counters.extend(fields! {
                    "usedDisk": Value::Bool(spills > 0),
                    "spills": number(spills),
                    "spilledBytes": number(now.bytes - spilled.bytes),
                });
            }
            Ok(counters)
        };
        let winning = run(plan)?;
        let mut all = Vec::new();
        if verbosity == Verbosity::AllPlans && !rejected.is_empty() {
            let with_stages = |plan: &Plan<Index>, mut counters: Object| {
                counters.push(("executionStages".into(), Value::Object(self.describe(plan))));
                Value::Object(counters)
            };
            all.push(with_stages(plan, winning.clone()));
            for plan in rejected {
                all.push(with_stages(plan, run(plan)?));
            }
        }
        Ok(executed(winning, all, verbosity))
    }

    fn query(&self) -> Query<'_> {
        let one = matches!(self.end, End::Update(Reach::One) | End::Delete(Reach::One));
        let wanted = match self.limit {
            0 if one => Some(1),
            0 => None,
            limit => Some(limit.saturating_add(self.skip)),
        };
        Query {
            sort: self.sort.as_ref(),
            wanted,
            hint: self.hint.as_ref(),
            counted: matches!(self.end, End::Count),
            distinct: match &self.end {
                End::Distinct(path, collation) => Some((path, collation)),
                _ => None,
            },
            explained: true,
            ..Query::of(&self.filter)
        }
    }

    fn run(
        &self,
        reading: &ReadContext<'_>,
        query: &Query<'_>,
        plan: &Plan<Index>,
    ) -> Result<(u64, Examined)> {
        let enough = query.wanted.unwrap_or(u64::MAX);
        match &self.end {
            End::Count => {
                let (count, examined) = count::by_plan(reading, query, plan, enough)?;
                Ok((count.saturating_sub(self.skip), examined))
            }
            End::Distinct(path, collation) => {
                let (values, examined) = distinct::by_plan(reading, query, plan, (path, collation))?;
                Ok((values.len() as u64, examined))
            }
            _ => {
                let mut count = 0;
                let mut results = QueryResults::open(reading, query, plan)?;
                results.run(reading, query.sort, &mut |_| {
                    count += 1;
                    if count == enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                })?;
                Ok((u64::saturating_sub(count, self.skip), results.examined()))
            }
        }
    }

    fn describe(&self, plan: &Plan<Index>) -> Object {
        if let (End::Count, Plan::Index(access)) = (&self.end, plan)
            && access.covers
        {
            let mut scan = entries(access);
            if let Some((_, stage)) = scan.first_mut() {
                *stage = text("COUNT_SCAN");
            }
            return over("COUNT", Vec::new(), scan);
        }
        let mut stage = match plan {
            Plan::Scan => {
                let mut scan = fields! { "stage": text("COLLSCAN") };
                self.add_filter(&mut scan);
                scan.push(("direction".into(), text("forward")));
                scan
            }
            Plan::Ids(keys) if keys.len() == 1 && self.filter.id().is_some() => {
                fields! { "stage": text("IDHACK") }
            }
            plan => {
                let mut fetch = fields! { "stage": text("FETCH") };
                if !matches!(plan, Plan::Index(access) if access.covers) {
                    self.add_filter(&mut fetch);
                }
                fetch.push(("inputStage".into(), Value::Object(source(plan))));
                fetch
            }
        };
        if let Some(sort) = &self.sort
            && !plan.gives_order()
        {
            let pattern = |(path, down, _): (&Path, bool, &Collation)| {
                (path.to_string(), Value::Int(if down { -1 } else { 1 }))
            };
            let mut own = fields! { "sortPattern": Value::Object(sort.parts().map(pattern).collect()) };
            if self.limit > 0 {
                own.push(("limitAmount".into(), number(self.limit.saturating_add(self.skip))));
            }
            stage = over("SORT", own, stage);
        }
        if self.skip > 0 {
            stage = over("SKIP", fields! { "skipAmount": number(self.skip) }, stage);
        }
        if self.limit > 0 {
            stage = over("LIMIT", fields! { "limitAmount": number(self.limit) }, stage);
        }
        match &self.end {
            End::Documents(None) | End::Distinct(..) => stage,
            End::Documents(Some(projection)) => {
                over("PROJECTION_DEFAULT", fields! { "transformBy": projection.clone() }, stage)
            }
            End::Count => over("COUNT", Vec::new(), stage),
            End::Update(_) => over("UPDATE", Vec::new(), stage),
            End::Delete(_) => over("DELETE", Vec::new(), stage),
        }
    }

    fn add_filter(&self, stage: &mut Object) {
        if !self.filter.is_all() {
            stage.push(("filter".into(), self.given.clone()));
        }
    }
}

fn over(stage: &str, own: Object, input: Object) -> Object {
    let mut all = fields! { "stage": text(stage) };
    all.extend(own);
    all.push(("inputStage".into(), Value::Object(input)));
    all
}

/// The source of slots.
fn source(plan: &Plan<Index>) -> Object {
    match plan {
        Plan::Scan => fields! { "stage": text("COLLSCAN"), "direction": text("forward") },
        Plan::Index(access) => entries(access),
        Plan::Ids(keys) => {
            let bounds = vec![Value::String(format!("{} values", keys.len()))];
            fields! {
                "stage": text("IXSCAN"),
                "keyPattern": Value::Object(fields! { "_id": Value::Int(1) }),
                "indexName": text(ID_INDEX),
                "isMultiKey": Value::Bool(false),
                "isUnique": Value::Bool(true),
                "isSparse": Value::Bool(false),
                "isPartial": Value::Bool(false),
                "direction": text("forward"),
                "indexBounds": Value::Object(fields! { "_id": Value::Array(bounds) }),
            }
        }
        Plan::Union(plans) => {
            let stages = plans.iter().map(|plan| Value::Object(source(plan))).collect();
            fields! { "stage": text("OR"), "inputStages": Value::Array(stages) }
        }
    }
}

fn entries(access: &Access<Index>) -> Object {
    let (index, spec) = (&access.index, access.index.spec());
    let pattern =
        spec.fields.iter().map(|field| (field.name.to_string(), Value::Int(field.direction.sign())));
    let bounds = spec.fields.iter().zip(&access.text).map(|(field, bounds)| {
        let list = bounds.iter().map(|one| text(one)).collect();
        (field.name.to_string(), Value::Array(list))
    });
    let backward = access.order.is_some_and(|order| order.direction == ScanDirection::Backward);
    fields! {
        "stage": text(if access.distinct { "DISTINCT_SCAN" } else { "IXSCAN" }),
        "keyPattern": Value::Object(pattern.collect()),
        "indexName": text(&spec.name),
        "isMultiKey": Value::Bool(index.multikey() != 0),
        "isUnique": Value::Bool(spec.unique),
        "isSparse": Value::Bool(spec.sparse),
        "isPartial": Value::Bool(spec.partial.is_some()),
        "direction": text(if backward { "backward" } else { "forward" }),
        "indexBounds": Value::Object(bounds.collect()),
    }
}

fn unexplained() -> Error {
    let message =
        "this operation has no plan to explain; find, count, distinct, aggregate, update and delete have";
    Error::new(Kind::BadQuery, message)
}
