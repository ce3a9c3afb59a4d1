//! Which plan is chosen, as explain shows it.

use std::sync::Arc;

use crate::document::{Shapes, Value, encode_plain};
use crate::engine::database::Database;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::explain::subject;
use crate::engine::operation::input::Incoming;
use crate::engine::operation::request::{FindOptions, InsertOrder, Operation, Reach, Verbosity};
use crate::error::{Kind, Result};
use crate::index::Spec;
use crate::options::{AutoIndex, OpenOptions};

const DOCUMENTS: i32 = 3_000;

fn int(value: i32) -> Value {
    Value::Int(value)
}

fn text(value: &str) -> Value {
    Value::String(value.to_owned())
}

fn object(fields: &[(&str, Value)]) -> Value {
    Value::Object(fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

fn pairs(fields: &[(&str, i32)]) -> Value {
    Value::Array(fields.iter().map(|(path, sign)| Value::Array(vec![text(path), int(*sign)])).collect())
}

fn incoming(value: &Value) -> Incoming {
    let mut bytes = Vec::new();
    encode_plain(value, &mut bytes);
    Incoming { range: 0..bytes.len(), buffer: bytes.into(), shapes: Arc::new(Shapes::new()) }
}

struct Subject {
    runtime: tokio::runtime::Runtime,
    database: Arc<Database>,
}

fn subject(auto_index: AutoIndex, indexes: &[Value]) -> Subject {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let options = OpenOptions { auto_index, ..OpenOptions::default() };
    let database = Database::open(":memory:", options, runtime.handle().clone()).unwrap();
    let document = |n: i32| {
        let mut fields = vec![
            ("_id", int(n)),
            ("n", int(n)),
            ("city", text(&format!("city {}", n % 100))),
            ("half", int(n % 2)),
            ("tags", Value::Array(vec![int(n % 50), int(n % 70)])),
        ];
        if n % 10 == 0 {
            fields.push(("rare", int(n)));
        }
        incoming(&object(&fields))
    };
    let documents = (0..DOCUMENTS).map(document).collect();
    database
        .session()
        .call("c", Operation::Insert { documents, order: InsertOrder::Ordered })
        .answer
        .unwrap();
    let specs: Vec<Spec> = indexes.iter().map(|one| Spec::parse(one).unwrap()).collect();
    database.create_indexes("c", &specs).unwrap();
    Subject { runtime, database }
}

fn find(filter: &Value, sort: Option<Value>, limit: u64) -> Operation {
    let options = FindOptions { sort: sort.as_ref().map(incoming), limit, ..FindOptions::default() };
    Operation::Find { filter: incoming(filter), options }
}

impl Subject {
    fn explain(&self, operation: &Operation, hint: Option<Value>) -> Result<Explained> {
        let hint = hint.as_ref().map(incoming);
        let told = subject::explain(
            self.database.store(),
            "c",
            operation,
            hint.as_ref(),
            Verbosity::Execution,
            &Interrupt::default(),
        )?;
        Ok(Explained(told))
    }

    fn find(&self, filter: &Value, sort: Option<Value>, limit: u64) -> Explained {
        self.explain(&find(filter, sort, limit), None).unwrap()
    }
}

struct Explained(Value);

impl Explained {
    fn at(&self, path: &str) -> Option<Value> {
        let mut at = &self.0;
        for part in path.split('.') {
            let Value::Object(fields) = at else { return None };
            at = fields.iter().find(|(key, _)| key == part).map(|(_, value)| value)?;
        }
        Some(at.clone())
    }

    /// The stages from the outermost inwards.
    fn stages(&self) -> String {
        let mut path = "queryPlanner.winningPlan".to_owned();
        let mut stages = Vec::new();
        while let Some(Value::String(stage)) = self.at(&format!("{path}.stage")) {
            stages.push(stage);
            path.push_str(".inputStage");
        }
        stages.join(" ")
    }

    fn input(&self, field: &str) -> Option<Value> {
        self.at(&format!("queryPlanner.winningPlan.inputStage.{field}"))
    }

    fn numbers(&self) -> (u64, u64, u64) {
        let number = |name: &str| match self.at(&format!("executionStats.{name}")) {
            Some(Value::Int(number)) => number as u64,
            other => panic!("{name} is {other:?}"),
        };
        (number("nReturned"), number("totalKeysExamined"), number("totalDocsExamined"))
    }
}

fn key(fields: &[(&str, i32)]) -> Value {
    object(&[("key", pairs(fields))])
}

#[test]
fn an_index_is_used_where_it_finds_few() {
    let subject =
        subject(AutoIndex::Suggest, &[key(&[("city", 1), ("n", -1)]), key(&[("n", 1)]), key(&[("half", 1)])]);
    let by_city = subject.find(&object(&[("city", text("city 7"))]), None, 0);
    assert_eq!((by_city.stages().as_str(), by_city.numbers()), ("FETCH IXSCAN", (30, 30, 30)));
    assert_eq!(by_city.input("indexName"), Some(text("city_1_n_-1")));
    let bounds = Value::Array(vec![text("[\"city 7\", \"city 7\"]")]);
    assert_eq!(by_city.input("indexBounds.city"), Some(bounds));
    assert_eq!(by_city.input("indexBounds.n"), Some(Value::Array(vec![text("[MinKey, MaxKey]")])));
    let half = subject.find(&object(&[("half", int(1))]), None, 0);
    assert_eq!((half.stages().as_str(), half.numbers().0), ("COLLSCAN", 1_500));
    let both = object(&[("city", text("city 7")), ("n", object(&[("$gte", int(2_000))]))]);
    assert_eq!(subject.find(&both, None, 0).numbers(), (10, 10, 10));
    let either =
        object(&[("$or", Value::Array(vec![object(&[("city", text("city 7"))]), object(&[("n", int(8))])]))]);
    let either = subject.find(&either, None, 0);
    assert_eq!((either.stages().as_str(), either.numbers()), ("FETCH OR", (31, 31, 31)));
    let ids = object(&[("_id", object(&[("$in", Value::Array(vec![int(1), int(2), int(-1)]))]))]);
    assert_eq!(subject.find(&ids, None, 0).numbers(), (2, 0, 2));
    assert_eq!(subject.find(&object(&[("_id", int(5))]), None, 0).stages(), "IDHACK");
}

#[test]
fn an_index_gives_the_order_and_stops_at_the_limit() {
    let subject = subject(AutoIndex::Suggest, &[key(&[("city", 1), ("n", -1)]), key(&[("n", 1)])]);
    let all = object(&[]);
    let newest = subject.find(&all, Some(pairs(&[("n", -1)])), 20);
    assert_eq!(newest.stages(), "LIMIT FETCH IXSCAN");
    assert_eq!(newest.input("inputStage.direction"), Some(text("backward")));
    assert!(newest.numbers().2 < 30, "{:?}", newest.numbers());
    let city = object(&[("city", text("city 7"))]);
    let of_city = subject.find(&city, Some(pairs(&[("n", -1)])), 5);
    assert_eq!((of_city.stages().as_str(), of_city.numbers().0), ("LIMIT FETCH IXSCAN", 5));
    let range = object(&[("n", object(&[("$gte", int(100))]))]);
    let of_range = subject.find(&range, Some(pairs(&[("n", 1)])), 20);
    assert!(of_range.numbers().2 < 60, "{:?}", of_range.numbers());
    let other = subject.find(&city, Some(pairs(&[("half", 1)])), 5);
    assert_eq!(other.stages(), "LIMIT SORT FETCH IXSCAN");
}

#[test]
fn a_walk_in_order_that_finds_too_little_is_given_up() {
    let subject = subject(AutoIndex::Suggest, &[key(&[("n", 1)])]);
    let last = object(&[("tags", int(49)), ("half", int(1)), ("n", object(&[("$gte", int(0))]))]);
    let filter = object(&[("half", int(7))]);
    let none = subject.find(&filter, Some(pairs(&[("n", 1)])), 3);
    assert_eq!(none.numbers().0, 0);
    assert!(none.numbers().2 < 2 * DOCUMENTS as u64, "{:?}", none.numbers());
    assert_eq!(subject.find(&last, Some(pairs(&[("n", -1)])), 2).numbers().0, 2);
}

#[test]
fn a_count_within_an_index_looks_at_no_document() {
    let subject = subject(AutoIndex::Suggest, &[key(&[("n", 1)]), key(&[("tags", 1)])]);
    let count = |filter: &Value| {
        let operation = Operation::Count { filter: incoming(filter), skip: 0, limit: 0, hint: None };
        subject.explain(&operation, None).unwrap()
    };
    let between = count(&object(&[("n", object(&[("$gt", int(10)), ("$lte", int(1_000))]))]));
    assert_eq!((between.stages().as_str(), between.numbers()), ("COUNT COUNT_SCAN", (990, 990, 0)));
    let tagged = count(&object(&[("tags", int(7))]));
    assert_eq!((tagged.stages().as_str(), tagged.numbers().0), ("COUNT FETCH IXSCAN", 94));
}

#[test]
fn an_index_that_lacks_documents_is_used_only_where_none_is_missed() {
    let sparse =
        object(&[("key", pairs(&[("rare", 1)])), ("sparse", Value::Bool(true)), ("name", text("sparse"))]);
    let only = object(&[("n", object(&[("$lt", int(100))]))]);
    let partial = object(&[
        ("key", pairs(&[("city", 1)])),
        ("name", text("partial")),
        ("partialFilterExpression", only),
    ]);
    let subject = subject(AutoIndex::Suggest, &[sparse, partial]);
    let rare = object(&[("rare", object(&[("$lt", int(50))]))]);
    assert_eq!(subject.find(&rare, None, 0).numbers(), (5, 5, 5));
    let none = find(&object(&[("rare", Value::Null)]), None, 0);
    let hinted = subject.explain(&none, Some(text("sparse"))).unwrap();
    assert_eq!((hinted.stages().as_str(), hinted.numbers().0), ("COLLSCAN", 2_700));
    let ordered = subject.explain(&find(&object(&[]), Some(pairs(&[("rare", 1)])), 0), Some(text("sparse")));
    assert_eq!(ordered.unwrap().numbers().0, DOCUMENTS as u64);
    let city = ("city", text("city 7"));
    let few = subject.find(&object(&[city.clone(), ("n", object(&[("$lt", int(90))]))]), None, 0);
    assert_eq!((few.stages().as_str(), few.numbers().0), ("FETCH IXSCAN", 1));
    assert_eq!(few.input("isPartial"), Some(Value::Bool(true)));
    assert_eq!(subject.find(&object(&[city]), None, 0).stages(), "COLLSCAN");
}

#[test]
fn a_hint_is_followed_and_an_unknown_one_refused() {
    let subject = subject(AutoIndex::Suggest, &[key(&[("half", 1)]), key(&[("n", 1)])]);
    let operation = find(&object(&[("half", int(1)), ("n", int(7))]), None, 0);
    let stages = |hint: Value| {
        subject.explain(&operation, Some(hint)).map(|one| (one.stages(), one.input("indexName")))
    };
    assert_eq!(stages(text("half_1")).unwrap().1, Some(text("half_1")));
    assert_eq!(stages(pairs(&[("n", 1)])).unwrap().1, Some(text("n_1")));
    assert_eq!(stages(pairs(&[("$natural", 1)])).unwrap().0, "COLLSCAN");
    assert_eq!(stages(text("_id_")).unwrap().0, "COLLSCAN");
    for unknown in [text("n"), pairs(&[("n", -1)])] {
        let error = stages(unknown).unwrap_err();
        assert_eq!(error.kind(), Kind::BadQuery);
        assert!(error.message().starts_with("hint provided does not correspond to an existing index"));
    }
    assert_eq!(stages(pairs(&[("$natural", -1)])).unwrap().0, "COLLSCAN");
    assert_eq!(stages(pairs(&[("$natural", 2)])).unwrap_err().kind(), Kind::BadQuery);
}

#[test]
fn writes_and_pipelines_are_explained_and_change_nothing() {
    let subject = subject(AutoIndex::Suggest, &[key(&[("city", 1)])]);
    let delete = Operation::Delete {
        filter: incoming(&object(&[("city", text("city 7"))])),
        reach: Reach::Many,
        hint: None,
        if_version: None,
    };
    assert_eq!(subject.explain(&delete, None).unwrap().stages(), "DELETE FETCH IXSCAN");
    let stages = Value::Array(vec![
        object(&[("$match", object(&[("city", text("city 7"))]))]),
        object(&[("$sort", object(&[("city", int(1))]))]),
        object(&[("$limit", int(3))]),
    ]);
    let pipeline = Operation::Aggregate { pipeline: incoming(&stages), batch: 0, hint: None };
    let told = subject.explain(&pipeline, None).unwrap();
    assert_eq!((told.stages().as_str(), told.numbers().0), ("LIMIT FETCH IXSCAN", 3));
    assert_eq!(subject.find(&object(&[("city", text("city 7"))]), None, 0).numbers().0, 30);
    let refused = subject.explain(&Operation::Drop, None).map(|_| ()).unwrap_err();
    assert_eq!(refused.kind(), Kind::BadQuery);
}

#[test]
fn costly_scans_suggest_an_index_and_make_it_when_told_to() {
    for (auto, makes) in [(AutoIndex::Suggest, false), (AutoIndex::On, true), (AutoIndex::Off, false)] {
        let subject = subject(auto, &[]);
        let session = subject.database.session();
        let filter = object(&[("city", text("city 7"))]);
        for _ in 0..3 {
            session.call("c", find(&filter, None, 0)).answer.unwrap();
        }
        // This one is the fourth.
        let suggested = subject.find(&filter, None, 0).at("suggestedIndexes");
        let wanted = object(&[("key", object(&[("city", int(1))])), ("scans", int(4))]);
        match auto {
            AutoIndex::Off => assert_eq!(suggested, None),
            AutoIndex::Suggest => assert_eq!(suggested, Some(Value::Array(vec![wanted]))),
            AutoIndex::On => {}
        }
        let mut waits = 0;
        while makes && subject.find(&filter, None, 0).stages() != "FETCH IXSCAN" {
            waits += 1;
            assert!(waits < 1_000, "the index was not made");
            let pause = std::time::Duration::from_millis(10);
            subject.runtime.block_on(async { tokio::time::sleep(pause).await });
        }
        let collection = subject.database.store().views().collection("c").unwrap();
        assert_eq!(collection.indexes().len(), usize::from(makes));
        drop(session);
        subject.database.close().unwrap();
    }
}
