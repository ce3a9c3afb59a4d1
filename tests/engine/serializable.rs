//! Serializable transactions: what they have read is checked by their commit, so that those which write are serial in the order of
//! their commits. `SERIALIZABLE_RUNS` sets the number of random runs, `SEED` the first seed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};

use crate::indexes::spec;
use crate::sim::Sim;
use crate::support::{Client, batch_of, incoming, object, update_of};
use crate::transactions::{Txn, is_transient};
use moltendb_node::document::Value;
use moltendb_node::engine::{
    Answer, FindOptions, InsertOrder, Isolation, Operation, Reach, Returned, SetEntry, Step, Upsert,
};
use moltendb_node::error::Kind;
use moltendb_node::options::{AutoCompact, StorageMode};
use moltendb_node::{OpenOptions, Result};

fn int(value: i32) -> Value {
    Value::Int(value)
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn of(name: &str, value: Value) -> Value {
    object(&[(name, value)])
}

fn id(value: i32) -> Value {
    of("_id", int(value))
}

fn document(id: i32, n: i32) -> Value {
    object(&[("_id", int(id)), ("n", int(n))])
}

fn set(name: &str, value: i32) -> Value {
    of("$set", of(name, int(value)))
}

fn count_of(filter: &Value) -> Operation {
    Operation::Count { filter: incoming(filter), skip: 0, limit: 0, hint: None }
}

fn find_of(filter: &Value, batch: u32) -> Operation {
    Operation::Find { filter: incoming(filter), options: FindOptions { batch, ..FindOptions::default() } }
}

fn get_of(id: i32) -> Operation {
    Operation::Get { id: incoming(&int(id)), meta: false }
}

fn delete_of(filter: &Value) -> Operation {
    Operation::Delete { filter: incoming(filter), reach: Reach::Many, hint: None, if_version: None }
}

fn aggregate_of(pipeline: Vec<Value>) -> Operation {
    Operation::Aggregate { pipeline: incoming(&Value::Array(pipeline)), batch: 100, hint: None }
}

fn insert_of(document: &Value) -> Operation {
    Operation::Insert { documents: vec![incoming(document)], order: InsertOrder::Ordered }
}

/// A filter that cannot be compared under the lock: `n` is so much, by an expression.
fn computed(n: i32) -> Value {
    of("$expr", of("$eq", Value::Array(vec![text("$n"), int(n)])))
}

fn update(client: &Client, name: &str, filter: &Value, change: &Value) {
    assert_eq!(client.update(name, filter, change, Reach::One).unwrap(), (1, 1));
}

fn delete(client: &Client, id: i32) {
    assert!(client.delete_id("c", &int(id)).unwrap());
}

type Reads<'r> = &'r dyn Fn(&Txn<'_>);
type Writes<'w> = &'w dyn Fn(&Client);

/// The documents of `c` are 1 to 9 with `n` from 1 to 9, and `u` ten times that; those of `other` 1 and 2.
fn prepared(options: OpenOptions) -> (Sim, Client) {
    let sim = Sim::new(7);
    let options = OpenOptions { segment_size: 1 << 16, auto_compact: AutoCompact::Off, ..options };
    let client = Client::open_on(&sim.process(), "db", options).unwrap();
    let unique = [("unique", Value::Bool(true)), ("sparse", Value::Bool(true))];
    client.database.create_indexes("c", &[spec(&[("n", 1)], &[]), spec(&[("u", 1)], &unique)]).unwrap();
    let all: Vec<Value> =
        (1..10).map(|n| object(&[("_id", int(n)), ("n", int(n)), ("u", int(10 * n))])).collect();
    client.insert("c", &all, InsertOrder::Ordered).unwrap();
    client.insert("other", &[document(1, 1), document(2, 2)], InsertOrder::Ordered).unwrap();
    client.insert("log", &[id(0)], InsertOrder::Ordered).unwrap();
    (sim, client)
}

/// Whether a transaction that reads, and writes something else, commits after another writer has written.
fn commits(options: OpenOptions, isolation: Isolation, reads: Reads<'_>, writes: Writes<'_>) -> bool {
    let (_sim, client) = prepared(options);
    let txn = Txn::begin_as(&client, 1, isolation);
    reads(&txn);
    txn.call("log", insert_of(&id(1))).unwrap();
    writes(&client);
    match txn.commit() {
        Ok(()) => true,
        Err(error) => {
            assert!(error.kind() == Kind::Conflict && is_transient(&error), "{error}");
            assert_eq!(client.count("log", &object(&[])).unwrap(), 1, "nothing was applied");
            false
        }
    }
}

fn all_options() -> [OpenOptions; 3] {
    let with = |limit: Option<u64>| OpenOptions {
        storage: StorageMode::Async,
        memory_limit: limit.into(),
        ..OpenOptions::default()
    };
    [OpenOptions { storage: StorageMode::Memory, ..with(None) }, with(None), with(Some(1))]
}

fn meets(what: &str, reads: Reads<'_>, writes: Writes<'_>) {
    for options in all_options() {
        assert!(!commits(options.clone(), Isolation::Serializable, reads, writes), "{what}: {options:?}");
        assert!(commits(options, Isolation::Snapshot, reads, writes), "{what}: without it both commit");
    }
}

fn passes(what: &str, reads: Reads<'_>, writes: Writes<'_>) {
    for options in all_options() {
        assert!(commits(options.clone(), Isolation::Serializable, reads, writes), "{what}: {options:?}");
    }
}

fn called(txn: &Txn<'_>, operation: Operation) {
    txn.call("c", operation).unwrap();
}

#[test]
fn a_document_that_was_read_by_its_key_and_has_changed_is_a_conflict() {
    let update = |client: &Client| update(client, "c", &id(3), &set("n", 30));
    let delete = |client: &Client| delete(client, 3);
    let again = |client: &Client| {
        client.delete_id("c", &int(3)).unwrap();
        client.insert("c", &[document(3, 3)], InsertOrder::Ordered).unwrap();
    };
    for (what, writes) in [("updated", &update as Writes<'_>), ("deleted", &delete), ("again", &again)] {
        meets(what, &|txn| called(txn, get_of(3)), writes);
        meets(what, &|txn| called(txn, find_of(&id(3), 0)), writes);
        meets(what, &|txn| called(txn, Operation::Has { id: incoming(&int(3)) }), writes);
        let many = || Operation::GetMany { ids: vec![incoming(&int(2)), incoming(&int(3))] };
        meets(what, &|txn| called(txn, many()), writes);
        passes(what, &|txn| called(txn, get_of(4)), writes);
    }
}

#[test]
fn a_key_that_was_missed_and_has_a_document_now_is_a_conflict() {
    let insert =
        |client: &Client| drop(client.insert("c", &[document(50, 1)], InsertOrder::Ordered).unwrap());
    meets("get", &|txn| called(txn, get_of(50)), &insert);
    meets("find", &|txn| called(txn, find_of(&id(50), 0)), &insert);
    meets(
        "delete",
        &|txn| called(txn, Operation::DeleteId { id: incoming(&int(50)), if_version: None }),
        &insert,
    );
    meets("update", &|txn| called(txn, update_of(&id(50), &set("n", 1), Reach::One)), &insert);
    passes("another", &|txn| called(txn, get_of(51)), &insert);
    passes("there and gone", &|txn| called(txn, get_of(50)), &|client| {
        insert(client);
        client.delete_id("c", &int(50)).unwrap();
    });
}

#[test]
fn a_filter_that_was_read_is_compared_with_what_has_changed() {
    let low = of("n", of("$lt", int(4)));
    let modify = |filter: &Value| Operation::FindOneAnd {
        write: Box::new(update_of(filter, &set("seen", 1), Reach::One)),
        sort: None,
        projection: None,
        returned: Returned::Before,
    };
    let writes: [(&str, Writes<'_>, bool); 7] = [
        (
            "inserted",
            &|client| drop(client.insert("c", &[document(50, 2)], InsertOrder::Ordered).unwrap()),
            true,
        ),
        ("changed into", &|client| update(client, "c", &id(9), &set("n", 0)), true),
        ("changed out of", &|client| update(client, "c", &id(2), &set("n", 70)), true),
        ("changed within", &|client| update(client, "c", &id(2), &set("x", 1)), true),
        ("deleted", &|client| delete(client, 2), true),
        ("elsewhere", &|client| update(client, "c", &id(9), &set("n", 90)), false),
        (
            "another collection",
            &|client| assert_eq!(client.delete("other", &object(&[]), Reach::Many).unwrap(), 2),
            false,
        ),
    ];
    let reads: [(&str, Reads<'_>); 9] = [
        ("find", &|txn| called(txn, find_of(&low, 0))),
        ("a cursor left open", &|txn| called(txn, find_of(&low, 1))),
        ("count", &|txn| called(txn, count_of(&low))),
        ("distinct", &|txn| {
            let (key, filter) = (incoming(&text("n")), incoming(&low));
            called(txn, Operation::Distinct { key, filter, hint: None });
        }),
        ("aggregate", &|txn| {
            called(txn, aggregate_of(vec![of("$match", low.clone()), of("$count", text("sum"))]))
        }),
        ("sorted by an index", &|txn| {
            called(txn, aggregate_of(vec![of("$match", low.clone()), of("$sort", of("n", int(-1)))]));
        }),
        ("an update that matches nothing", &|txn| {
            let none = object(&[("n", of("$lt", int(4))), ("y", int(1))]);
            called(txn, update_of(&none, &set("n", 1), Reach::Many));
            called(txn, find_of(&low, 0));
        }),
        ("before rollbackTo", &|txn| {
            let mark = match txn.call("", Operation::Transaction(Step::Savepoint)).unwrap().1 {
                Answer::Count(mark) => mark,
                _ => panic!("a savepoint has another answer"),
            };
            called(txn, find_of(&low, 0));
            called(txn, insert_of(&document(77, 77)));
            txn.call("", Operation::Transaction(Step::RollBack { to: mark })).unwrap();
        }),
        ("in many", &|txn| {
            let many = of("n", of("$in", Value::Array(vec![int(0), int(1), int(2), int(3)])));
            called(txn, count_of(&many));
        }),
    ];
    for (read, reads) in reads {
        for (what, writes, is_conflict) in writes {
            let what = format!("{read}, {what}");
            if is_conflict { meets(&what, reads, writes) } else { passes(&what, reads, writes) }
        }
    }
    // What it writes by a filter, when a match comes from elsewhere.
    let new = |client: &Client| drop(client.insert("c", &[document(50, 2)], InsertOrder::Ordered).unwrap());
    meets("updateMany", &|txn| called(txn, update_of(&low, &set("x", 1), Reach::Many)), &new);
    meets("deleteMany", &|txn| called(txn, delete_of(&low)), &new);
    meets("findOneAndUpdate", &|txn| called(txn, modify(&low)), &new);
    let upsert = |txn: &Txn<'_>| {
        let Operation::Update { filter, update, array_filters, reach, hint, sort, if_version, .. } =
            update_of(&of("key", int(2)), &set("n", 2), Reach::One)
        else {
            return;
        };
        let (upsert, new_id) = (Upsert::Yes, incoming(&int(60)));
        called(
            txn,
            Operation::Update {
                filter,
                update,
                array_filters,
                reach,
                upsert,
                new_id,
                hint,
                sort,
                if_version,
            },
        );
    };
    meets("upsert", &upsert, &|client| {
        let match_of = object(&[("_id", int(51)), ("key", int(2))]);
        client.insert("c", &[match_of], InsertOrder::Ordered).unwrap();
    });
}

#[test]
fn what_cannot_be_compared_counts_as_a_read_of_the_whole_collection() {
    let elsewhere = |client: &Client| update(client, "c", &id(9), &set("n", 90));
    meets("all", &|txn| called(txn, count_of(&object(&[]))), &elsewhere);
    meets("an expression", &|txn| called(txn, count_of(&computed(2))), &elsewhere);
    meets(
        "more filters than are kept",
        &|txn| {
            (100..170).for_each(|n| called(txn, count_of(&of("n", int(n)))));
        },
        &elsewhere,
    );
    passes(
        "as many as are kept",
        &|txn| {
            (100..160).for_each(|n| called(txn, count_of(&of("n", int(n)))));
        },
        &elsewhere,
    );
    passes("another collection", &|txn| drop(txn.call("other", count_of(&object(&[]))).unwrap()), &elsewhere);
}

#[test]
fn a_pipeline_has_read_every_collection_that_it_looks_into() {
    let lookup = || {
        let spec = [
            ("from", text("other")),
            ("localField", text("n")),
            ("foreignField", text("n")),
            ("as", text("o")),
        ];
        aggregate_of(vec![of("$match", id(1)), of("$lookup", object(&spec))])
    };
    let nested = || {
        let inner = Value::Array(vec![of("$match", of("n", int(2)))]);
        let spec = [("from", text("other")), ("pipeline", inner), ("as", text("o"))];
        aggregate_of(vec![of("$match", id(1)), of("$lookup", object(&spec))])
    };
    let union = || aggregate_of(vec![of("$match", id(1)), of("$unionWith", text("other"))]);
    let change = |client: &Client| update(client, "other", &id(2), &set("n", 20));
    let passing = |client: &Client| update(client, "other", &id(1), &set("n", 10));
    meets("$lookup", &|txn| called(txn, lookup()), &change);
    meets("$lookup with a pipeline", &|txn| called(txn, nested()), &change);
    meets("$unionWith", &|txn| called(txn, union()), &change);
    passes("not matched by the pipeline", &|txn| called(txn, nested()), &passing);
    let here = |client: &Client| update(client, "c", &id(9), &set("n", 90));
    passes("its own collection by key", &|txn| called(txn, union()), &here);
}

#[test]
fn a_name_that_has_another_collection_or_none_now_is_a_conflict() {
    let dropped = |client: &Client| assert!(client.drop_collection("c").unwrap());
    let again = |client: &Client| {
        dropped(client);
        client.insert("c", &[document(1, 1)], InsertOrder::Ordered).unwrap();
    };
    let renamed = |client: &Client| {
        client.call("c", Operation::Rename { to: incoming(&text("moved")), drop_target: false }).unwrap();
    };
    for (what, writes) in [("dropped", &dropped as Writes<'_>), ("again", &again), ("renamed", &renamed)] {
        meets(what, &|txn| called(txn, get_of(3)), writes);
        meets(what, &|txn| called(txn, count_of(&of("n", int(100)))), writes);
    }
    let create = |txn: &Txn<'_>| drop(txn.call("c", Operation::Create { options: None }).unwrap());
    meets("one that was to be created is gone", &create, &dropped);
    passes("it is still there", &create, &|client| delete(client, 3));
    let created = |client: &Client| drop(client.insert("none", &[id(1)], InsertOrder::Ordered).unwrap());
    let reads: [(&str, Reads<'_>); 4] = [
        ("get", &|txn| drop(txn.call("none", get_of(3)).unwrap())),
        ("find", &|txn| drop(txn.call("none", find_of(&object(&[]), 0)).unwrap())),
        ("update", &|txn| drop(txn.call("none", update_of(&id(1), &set("n", 1), Reach::Many)).unwrap())),
        ("$unionWith", &|txn| {
            called(txn, aggregate_of(vec![of("$match", id(1)), of("$unionWith", text("none"))]))
        }),
    ];
    for (what, reads) in reads {
        meets(what, reads, &created);
        passes(what, reads, &|client| drop(client.insert("third", &[id(1)], InsertOrder::Ordered).unwrap()));
    }
}

#[test]
fn a_unique_value_that_decided_something_is_part_of_what_was_read() {
    let back = |txn: &Txn<'_>, insert: &dyn Fn(&Txn<'_>)| {
        let mark = match txn.call("", Operation::Transaction(Step::Savepoint)).unwrap().1 {
            Answer::Count(mark) => mark,
            _ => panic!("a savepoint has another answer"),
        };
        insert(txn);
        txn.call("", Operation::Transaction(Step::RollBack { to: mark })).unwrap();
    };
    let with = |id: i32, u: i32| object(&[("_id", int(id)), ("u", int(u))]);
    let taken = |txn: &Txn<'_>| {
        back(txn, &|txn| {
            let refused = txn.call("c", insert_of(&with(60, 30))).map(drop).unwrap_err();
            assert_eq!(refused.kind(), Kind::DuplicateKey);
        });
    };
    meets("taken", &taken, &|client| delete(client, 3));
    let free = |txn: &Txn<'_>| back(txn, &|txn| called(txn, insert_of(&with(60, 31))));
    meets("free", &free, &|client| drop(client.insert("c", &[with(61, 31)], InsertOrder::Ordered).unwrap()));
}

#[test]
fn a_transaction_that_writes_nothing_is_never_a_conflict() {
    for options in all_options() {
        let (_sim, client) = prepared(options);
        let txn = Txn::begin_as(&client, 1, Isolation::Serializable);
        txn.call("c", count_of(&object(&[]))).unwrap();
        client.update("c", &object(&[]), &set("n", 1), Reach::Many).unwrap();
        assert_eq!(txn.find("c", &of("n", int(1)), FindOptions::default()).unwrap().len(), 1);
        txn.commit().unwrap();
    }
}

#[test]
fn more_keys_than_are_kept_count_as_the_whole_collection() {
    let options = OpenOptions { storage: StorageMode::Memory, ..OpenOptions::default() };
    for (keys, is_conflict) in [(99_000, false), (101_000, true)] {
        let (_sim, client) = prepared(options.clone());
        let txn = Txn::begin_as(&client, 1, Isolation::Serializable);
        for first in (1_000..1_000 + keys).step_by(1_000) {
            let ids = (first..first + 1_000).map(|id| incoming(&int(id))).collect();
            txn.call("c", Operation::GetMany { ids }).unwrap();
        }
        txn.call("log", insert_of(&id(1))).unwrap();
        client.update("c", &id(3), &set("n", 30), Reach::One).unwrap();
        assert_eq!(txn.commit().is_err(), is_conflict, "{keys} keys");
    }
}

#[test]
fn changes_before_the_first_read_of_a_collection_and_more_than_are_recorded_are_found() {
    for (late, other) in [(true, 1), (false, 6_000)] {
        for (changed, is_conflict) in [(2, true), (8, false)] {
            for options in all_options() {
                let (_sim, client) = prepared(options);
                let txn = Txn::begin_as(&client, 1, Isolation::Serializable);
                txn.call("other", get_of(1)).unwrap();
                let read = || {
                    called(&txn, count_of(&of("n", of("$lt", int(4)))));
                    called(&txn, get_of(5));
                };
                if !late {
                    read();
                }
                client.update("c", &id(changed), &set("x", 1), Reach::One).unwrap();
                let more: Vec<Value> = (0..other).map(|n| document(1_000 + n, 1_000)).collect();
                client.insert("c", &more, InsertOrder::Ordered).unwrap();
                if late {
                    read();
                }
                txn.call("log", insert_of(&id(1))).unwrap();
                let outcome = txn.commit();
                assert_eq!(outcome.is_err(), is_conflict, "late: {late}, {changed}: {outcome:?}");
            }
        }
    }
}

/// A collection, for the model: `n` and a list, by `_id`.
type State = BTreeMap<i32, (i32, Vec<i32>)>;

/// What a transaction, or a single writer, does.
#[derive(Clone, Debug)]
enum Act {
    Get(i32),
    Find(i32),
    Below(i32),
    Lists,
    Append(i32, i32),
    Insert(i32, i32),
    Delete(i32),
    Move(i32, i32),
    Clear,
}

fn value_of(id: i32, n: i32, list: &[i32]) -> Value {
    let list = list.iter().map(|one| int(*one)).collect();
    object(&[("_id", int(id)), ("n", int(n)), ("list", Value::Array(list))])
}

fn shown(id: i32, (n, list): &(i32, Vec<i32>)) -> String {
    format!("{:?}", value_of(id, *n, list))
}

/// What was done, with its answers.
type Told = Vec<(Act, Vec<String>)>;

/// What a step answers in a state that is alone, and does to it.
fn modelled(state: &mut State, step: &Act) -> Vec<String> {
    let all = |state: &State, is_in: &dyn Fn(i32) -> bool| -> Vec<String> {
        state.iter().filter(|(_, (n, _))| is_in(*n)).map(|(id, one)| shown(*id, one)).collect()
    };
    match step {
        Act::Get(id) => state.get(id).map(|one| shown(*id, one)).into_iter().collect(),
        Act::Find(n) => all(state, &|own| own == *n),
        Act::Below(n) => vec![all(state, &|own| own < *n).len().to_string()],
        Act::Lists => vec![state.values().map(|(_, list)| list.len()).sum::<usize>().to_string()],
        Act::Append(id, value) => {
            let list = state.get_mut(id).map(|(_, list)| list.push(*value));
            vec![u8::from(list.is_some()).to_string()]
        }
        Act::Insert(id, n) => {
            let is_new = !state.contains_key(id);
            state.entry(*id).or_insert((*n, Vec::new()));
            vec![is_new.to_string()]
        }
        Act::Delete(id) => vec![state.remove(id).is_some().to_string()],
        Act::Move(from, to) => {
            let mut moved = 0;
            for (n, _) in state.values_mut().filter(|(n, _)| n == from) {
                *n = *to;
                moved += 1;
            }
            vec![moved.to_string()]
        }
        Act::Clear => {
            state.clear();
            Vec::new()
        }
    }
}

fn answered(answer: (Option<std::sync::Arc<moltendb_node::engine::Collection>>, Answer)) -> Vec<String> {
    match answer {
        (collection, answer @ Answer::Batch { .. }) => {
            let (cursor, found) = batch_of((collection, answer)).unwrap();
            assert_eq!(cursor, 0);
            let id = |one: &Value| match one {
                Value::Object(fields) => match fields.first() {
                    Some((_, Value::Int(id))) => *id,
                    _ => 0,
                },
                _ => 0,
            };
            let mut found = found;
            found.sort_by_key(id);
            found.iter().map(|one| format!("{one:?}")).collect()
        }
        (_, Answer::Count(count)) => vec![count.to_string()],
        (_, Answer::Bool(done)) => vec![done.to_string()],
        (_, Answer::Updated(outcome)) => vec![outcome.matched.to_string()],
        _ => Vec::new(),
    }
}

/// The step, by any caller.
fn done(step: &Act, mut call: impl FnMut(Operation) -> Result<Vec<String>>) -> Result<Vec<String>> {
    match step {
        Act::Get(one) => call(find_of(&id(*one), 0)),
        Act::Find(n) => call(find_of(&of("n", int(*n)), 0)),
        Act::Below(n) => call(count_of(&of("n", of("$lt", int(*n))))),
        Act::Lists => {
            let sum = of("$sum", of("$size", text("$list")));
            let group = of("$group", object(&[("_id", Value::Null), ("sum", sum)]));
            let found = call(aggregate_of(vec![group]))?;
            let number = |text: &String| text.chars().filter(char::is_ascii_digit).collect::<String>();
            Ok(vec![found.first().map_or("0".to_owned(), number)])
        }
        Act::Append(one, value) => {
            call(update_of(&id(*one), &of("$push", of("list", int(*value))), Reach::One))
        }
        Act::Insert(one, n) => {
            if call(count_of(&id(*one)))? == ["1"] {
                return Ok(vec![false.to_string()]);
            }
            let entries =
                vec![SetEntry { document: incoming(&value_of(*one, *n, &[])), if_version: Some(0) }];
            call(Operation::Set { entries }).map(|_| vec![true.to_string()])
        }
        Act::Delete(one) => call(Operation::DeleteId { id: incoming(&int(*one)), if_version: None }),
        Act::Move(from, to) => call(update_of(&of("n", int(*from)), &set("n", *to), Reach::Many)),
        Act::Clear => call(Operation::Drop).map(|_| Vec::new()),
    }
}

fn has_written(step: &Act, told: &[String]) -> bool {
    match step {
        Act::Get(_) | Act::Find(_) | Act::Below(_) | Act::Lists => false,
        Act::Append(..) => told == ["1"],
        Act::Insert(..) | Act::Delete(_) => told == ["true"],
        Act::Move(from, to) => from != to && told != ["0"],
        Act::Clear => true,
    }
}

fn random_step(dice: &mut fastrand::Rng, next: &mut i32) -> Act {
    let (id, n) = (dice.i32(0..12), dice.i32(0..6));
    *next += 1;
    match dice.u32(0..12) {
        0 | 1 => Act::Get(id),
        2 => Act::Find(n),
        3 => Act::Below(n),
        4 => Act::Lists,
        5..=7 => Act::Append(id, *next),
        8 | 9 => Act::Insert(id, n),
        10 => Act::Delete(id),
        _ => Act::Move(n, dice.i32(0..6)),
    }
}

/// Runs interleaved transactions, and executes those that wrote again, one after the other in the order of their commits: each must read what
/// it read. Returns commits and conflicts.
fn history(seed: u64, isolation: Isolation) -> std::result::Result<(u64, u64), String> {
    let context = format!("SEED={seed} SERIALIZABLE_RUNS=1");
    let sim = Sim::new(seed);
    let storage = if seed.is_multiple_of(5) { StorageMode::Memory } else { StorageMode::Async };
    let memory_limit =
        [None, Some(1), Some(4_000)][(seed % 3) as usize].filter(|_| storage != StorageMode::Memory);
    let options = OpenOptions {
        storage,
        memory_limit: memory_limit.into(),
        segment_size: 1 << 16,
        ..OpenOptions::default()
    };
    let client = Client::open_on(&sim.process(), "db", options).unwrap();
    if seed.is_multiple_of(2) {
        client.database.create_indexes("c", &[spec(&[("n", 1)], &[])]).unwrap();
    }
    let mut dice = fastrand::Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut open: Vec<Option<(Txn<'_>, Told)>> = (0..4).map(|_| None).collect();
    let mut committed: Vec<Told> = Vec::new();
    let (mut numbers, mut next, mut commits, mut conflicts) = (0, 0, 0, 0);
    for step in 0..240 {
        let at = dice.usize(0..open.len());
        match open[at].take() {
            _ if dice.u32(0..14) == 0 => {
                // A writer without a transaction, which reads nothing that it tells.
                let step = match dice.u32(0..12) {
                    0 => Act::Clear,
                    1..=6 => Act::Append(dice.i32(0..12), next),
                    _ => Act::Move(dice.i32(0..6), dice.i32(0..6)),
                };
                next += 1;
                let told = done(&step, |operation| client.call("c", operation).map(answered)).unwrap();
                committed.push(vec![(step, told)]);
            }
            None => {
                numbers += 1;
                open[at] = Some((Txn::begin_as(&client, numbers, isolation), Vec::new()));
            }
            Some((txn, steps)) if dice.u32(0..7) == 0 => match txn.commit() {
                Ok(()) => {
                    commits += 1;
                    // What wrote nothing is serial at its snapshot, not here.
                    if steps.iter().any(|(step, told)| has_written(step, told)) {
                        committed.push(steps);
                    }
                }
                Err(error) => {
                    assert!(error.kind() == Kind::Conflict && is_transient(&error), "{context}: {error}");
                    conflicts += 1;
                }
            },
            Some((txn, mut steps)) => {
                let step = random_step(&mut dice, &mut next);
                match done(&step, |operation| txn.call("c", operation).map(answered)) {
                    Ok(told) => {
                        steps.push((step, told));
                        open[at] = Some((txn, steps));
                    }
                    Err(error) => {
                        assert!(is_transient(&error), "{context}, {step:?}: {error}");
                        conflicts += 1;
                        txn.abort();
                    }
                }
            }
        }
        if step % 60 == 59 {
            client.database.compact().unwrap();
        }
    }
    drop(open);
    let mut state = State::new();
    for (n, steps) in committed.iter().enumerate() {
        for (step, read) in steps {
            let expected = modelled(&mut state, step);
            if *read != expected {
                return Err(format!(
                    "{context}: commit {n}, {step:?} read {read:?}, not {expected:?}: {steps:?}"
                ));
            }
        }
    }
    let end: Vec<String> = state.iter().map(|(id, one)| shown(*id, one)).collect();
    let now = client.call("c", find_of(&object(&[]), 0)).map(answered).unwrap();
    if now != end {
        return Err(format!("{context}: at the end {now:?}, not {end:?}"));
    }
    Ok((commits, conflicts))
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("it is a number"))
}

#[test]
fn the_transactions_that_write_are_serial_in_the_order_of_their_commits() {
    let (runs, first) = (number("SERIALIZABLE_RUNS", 60), number("SEED", 1));
    let all: Vec<_> = (first..first + runs).map(|seed| history(seed, Isolation::Serializable)).collect();
    let (mut commits, mut conflicts) = (0, 0);
    for one in all {
        let (own, lost) = one.unwrap_or_else(|fault| panic!("{fault}"));
        commits += own;
        conflicts += lost;
    }
    println!("{commits} commits, {conflicts} conflicts");
    assert!(
        runs < 10 || (commits > 2 * runs && conflicts > runs),
        "{commits} commits, {conflicts} conflicts"
    );
}

#[test]
fn the_check_of_histories_finds_what_snapshots_allow() {
    assert!((1..40).any(|seed| history(seed, Isolation::Snapshot).is_err()), "all of them were serial");
}

/// Runs a transaction until it commits, or `run` says that there is nothing to do.
fn again(client: &Client, numbers: &AtomicU16, run: &dyn Fn(&Txn<'_>) -> Result<bool>) -> u32 {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let txn = Txn::begin_as(client, numbers.fetch_add(1, Ordering::Relaxed), Isolation::Serializable);
        let outcome = match run(&txn) {
            Ok(true) => txn.commit(),
            Ok(false) => {
                txn.abort();
                return attempts;
            }
            Err(error) => {
                txn.abort();
                Err(error)
            }
        };
        match outcome {
            Ok(()) => return attempts,
            Err(error) => assert!(is_transient(&error), "{error}"),
        }
    }
}

/// At least one doctor stays on call, and no pair of accounts goes below zero, with four writers and a compaction at once.
#[test]
fn rules_over_several_documents_hold_with_writers_at_once() {
    for (n, limit) in [None, Some(1), None].into_iter().enumerate() {
        let sim = Sim::new(n as u64 + 1);
        let storage = [StorageMode::Async, StorageMode::Async, StorageMode::Sync][n];
        let options = OpenOptions {
            storage,
            memory_limit: limit.into(),
            segment_size: 1 << 16,
            ..OpenOptions::default()
        };
        let client = Client::open_on(&sim.process(), "db", options).unwrap();
        if n == 0 {
            client.database.create_indexes("doctors", &[spec(&[("n", 1)], &[])]).unwrap();
        }
        let doctors: Vec<Value> = (0..6).map(|id| document(id, 1)).collect();
        client.insert("doctors", &doctors, InsertOrder::Ordered).unwrap();
        let accounts: Vec<Value> = (0..8).map(|id| document(id, 50)).collect();
        client.insert("accounts", &accounts, InsertOrder::Ordered).unwrap();
        let (numbers, stopped) = (AtomicU16::new(1), AtomicBool::new(false));
        let on_call = of("n", int(1));
        std::thread::scope(|scope| {
            let (client, numbers, stopped, on_call) = (&client, &numbers, &stopped, &on_call);
            let writers: Vec<_> = (0..4_u64)
                .map(|writer| {
                    scope.spawn(move || {
                        let mut dice = fastrand::Rng::with_seed(writer);
                        for _ in 0..120 {
                            let (who, is_off, amount) = (dice.i32(0..6), dice.bool(), dice.i32(10..60));
                            again(client, numbers, &|txn| {
                                let count = match txn.call("doctors", count_of(on_call))?.1 {
                                    Answer::Count(count) => count,
                                    _ => panic!("a count has another answer"),
                                };
                                if is_off && count < 2 {
                                    return Ok(false);
                                }
                                let shift = set("n", i32::from(!is_off));
                                txn.call("doctors", update_of(&id(who), &shift, Reach::One)).map(|_| true)
                            });
                            // Two accounts of a customer may not be below zero together; money is taken of one of them.
                            let (pair, side) = (2 * dice.i32(0..4), dice.i32(0..2));
                            again(client, numbers, &|txn| {
                                let mut sum = 0;
                                for side in 0..2 {
                                    let found =
                                        txn.find("accounts", &id(pair + side), FindOptions::default())?;
                                    sum += balance(&found[0]);
                                }
                                let by = if sum >= amount && is_off { -amount } else { 15 };
                                let change = of("$inc", of("n", int(by)));
                                txn.call("accounts", update_of(&id(pair + side), &change, Reach::One))
                                    .map(|_| true)
                            });
                        }
                    })
                })
                .collect();
            let compacting = scope.spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    client.database.compact().unwrap();
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
            });
            while !writers.iter().all(|writer| writer.is_finished()) {
                assert!(client.count("doctors", on_call).unwrap() >= 1, "nobody is on call");
                let all = client.find("accounts", &object(&[])).unwrap();
                for pair in all.chunks(2) {
                    assert!(pair.iter().map(balance).sum::<i32>() >= 0, "{pair:?}");
                }
                std::thread::yield_now();
            }
            stopped.store(true, Ordering::Relaxed);
            writers.into_iter().for_each(|writer| writer.join().unwrap());
            compacting.join().unwrap();
        });
        client.database.check_indexes().unwrap();
    }
}

fn balance(account: &Value) -> i32 {
    match account {
        Value::Object(fields) => match fields.iter().find(|(name, _)| name == "n") {
            Some((_, Value::Int(n))) => *n,
            _ => panic!("an account has no balance"),
        },
        _ => panic!("an account is no document"),
    }
}
