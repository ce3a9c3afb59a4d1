//! The indexes of a database: what a unique one refuses, which entries it has, and what remains after reopening.
//! `Database::check_indexes` compares every index with the documents.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::sim::{Fault, Sim};
use crate::support::{Client, object, runtime};
use moltendb_node::OpenOptions;
use moltendb_node::document::{RawValue, Shapes, Value, encode_plain};
use moltendb_node::engine::{Database, InsertOrder, Operation, Reach, verify};
use moltendb_node::error::codes::Code;
use moltendb_node::error::{Kind, Result};
use moltendb_node::index::Spec;
use moltendb_node::options::StorageMode;

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// An index of these paths and signs.
pub fn spec(paths: &[(&str, i32)], options: &[(&str, Value)]) -> Spec {
    let pairs = paths.iter().map(|(path, sign)| Value::Array(vec![text(path), Value::Int(*sign)])).collect();
    let mut fields = vec![("key", Value::Array(pairs))];
    fields.extend(options.iter().cloned());
    Spec::parse(&object(&fields)).unwrap()
}

fn unique(path: &str) -> Spec {
    spec(&[(path, 1)], &[("unique", Value::Bool(true))])
}

fn document(id: i32, fields: &[(&str, Value)]) -> Value {
    let mut all = vec![("_id", Value::Int(id))];
    all.extend(fields.iter().cloned());
    object(&all)
}

fn memory() -> Client {
    Client::open(":memory:", OpenOptions::default()).unwrap()
}

fn on_disk(directory: &Path) -> Client {
    let options = OpenOptions { segment_size: 1 << 18, ..OpenOptions::default() };
    Client::open(directory.join("db").to_str().unwrap(), options).unwrap()
}

fn insert(client: &Client, documents: &[Value]) -> u64 {
    client.insert("c", documents, InsertOrder::Unordered).unwrap().0
}

fn names(client: &Client) -> Vec<String> {
    let (collection, _) = client
        .call("c", Operation::Get { id: crate::support::incoming(&Value::Int(0)), meta: false })
        .unwrap();
    let indexes = collection.map(|collection| collection.indexes());
    indexes.iter().flat_map(|all| all.iter()).map(|index| index.spec().name.to_string()).collect()
}

fn plain(bytes: &[u8]) -> Value {
    RawValue::new(bytes, &Shapes::new()).to_value()
}

#[test]
fn a_unique_index_refuses_what_collides_and_says_with_what() {
    let client = memory();
    client.database.create_indexes("c", &[unique("a.b")]).unwrap();
    let with = |id: i32, b: Value| document(id, &[("a", object(&[("b", b)]))]);
    assert_eq!(insert(&client, &[with(1, text("x")), with(2, text("x")), with(3, Value::Int(1))]), 2);
    let error =
        client.set("c", &[(with(4, Value::Int(9)), None), (with(5, Value::Long(1)), None)]).unwrap_err();
    assert_eq!(error.kind(), Kind::DuplicateKey);
    assert_eq!(
        error.message(),
        "E11000 duplicate key error collection: memory.c index: a.b_1 dup key: { a.b: 1 }"
    );
    assert_eq!(plain(error.details().key_pattern.as_ref().unwrap()), object(&[("a.b", Value::Int(1))]));
    assert_eq!(plain(error.details().key_value.as_ref().unwrap()), object(&[("a.b", Value::Long(1))]));
    // All or nothing: the first entry of the set is not stored.
    assert_eq!(client.get("c", &Value::Int(4)).unwrap(), None);
    let update = |value: Value| object(&[("$set", object(&[("a.b", value)]))]);
    let one = |id: i32| object(&[("_id", Value::Int(id))]);
    let refused = client.update("c", &one(3), &update(text("x")), Reach::One).unwrap_err();
    assert_eq!(refused.kind(), Kind::DuplicateKey);
    // Its own value is no conflict, and neither is a removed one.
    assert_eq!(client.update("c", &one(3), &update(Value::Double(1.5)), Reach::One).unwrap(), (1, 1));
    assert_eq!(client.update("c", &one(1), &update(Value::Int(1)), Reach::One).unwrap(), (1, 1));
    assert!(client.delete_id("c", &Value::Int(1)).unwrap());
    assert_eq!(insert(&client, &[with(6, text("x")), with(7, Value::Int(1))]), 2);
    assert_eq!(client.database.check_indexes().unwrap(), 3);
}

#[test]
fn steps_of_one_commit_collide_with_each_other_and_give_way_to_each_other() {
    let client = memory();
    client.database.create_indexes("c", &[unique("n")]).unwrap();
    let with = |id: i32, n: i32| (document(id, &[("n", Value::Int(n))]), None);
    assert_eq!(client.set("c", &[with(1, 1), with(2, 1)]).unwrap_err().kind(), Kind::DuplicateKey);
    // The first entry gives up its value before another takes it, and its own new value is taken, too.
    client.set("c", &[with(1, 1), with(1, 2), with(2, 1)]).unwrap();
    client.set("c", &[with(1, 3), with(3, 2), with(2, 4), with(1, 1)]).unwrap();
    assert_eq!(client.set("c", &[with(1, 9), with(3, 9)]).unwrap_err().kind(), Kind::DuplicateKey);
    assert_eq!(client.set("c", &[with(4, 1)]).unwrap_err().kind(), Kind::DuplicateKey);
    assert_eq!(client.database.check_indexes().unwrap(), 3);
    // An updateMany stops at the first duplicate; the documents before it are committed.
    let update = object(&[("$set", object(&[("n", Value::Int(7))]))]);
    let refused = client.update("c", &object(&[]), &update, Reach::Many).unwrap_err();
    assert_eq!(refused.kind(), Kind::DuplicateKey);
    assert_eq!(client.count("c", &object(&[("n", Value::Int(7))])).unwrap(), 1);
    client.database.check_indexes().unwrap();
}

#[test]
fn a_value_is_free_again_while_a_view_still_sees_the_document_that_had_it() {
    let client = memory();
    client.database.create_indexes("c", &[unique("n")]).unwrap();
    let documents: Vec<Value> = (0..10).map(|n| document(n, &[("n", Value::Int(n))])).collect();
    insert(&client, &documents);
    let (cursor, first) = client.first("c", &object(&[]), 2).unwrap();
    assert_eq!(client.delete("c", &object(&[]), Reach::Many).unwrap(), 10);
    for round in 0..3 {
        for n in 0..10 {
            let id = 100 + round * 10 + n;
            assert_eq!(insert(&client, &[document(id, &[("n", Value::Int(n))])]), 1, "{round} {n}");
            assert_eq!(insert(&client, &[document(1_000 + id, &[("n", Value::Int(n))])]), 0, "{round} {n}");
        }
        client.database.check_indexes().unwrap();
        if round < 2 {
            client.delete("c", &object(&[]), Reach::Many).unwrap();
        }
    }
    assert_eq!([first, client.rest(cursor, 3).unwrap()].concat(), documents);
    assert_eq!(client.database.check_indexes().unwrap(), 10);
}

#[test]
fn sparse_and_partial_indexes_hold_and_compare_only_the_documents_they_are_of() {
    let client = memory();
    let sparse = spec(&[("a", 1)], &[("unique", Value::Bool(true)), ("sparse", Value::Bool(true))]);
    let of_active = object(&[("active", Value::Bool(true))]);
    let partial =
        spec(&[("b", -1)], &[("unique", Value::Bool(true)), ("partialFilterExpression", of_active)]);
    client.database.create_indexes("c", &[sparse, partial]).unwrap();
    let active = ("active", Value::Bool(true));
    assert_eq!(insert(&client, &[document(1, &[]), document(2, &[])]), 2);
    assert_eq!(insert(&client, &[document(3, &[("a", Value::Null)]), document(4, &[("a", Value::Null)])]), 1);
    let both = [document(5, &[("b", Value::Int(1)), active.clone()]), document(6, &[("b", Value::Int(1))])];
    assert_eq!(insert(&client, &both), 2);
    // a: null of 3; b: 1 of 5.
    assert_eq!(client.database.check_indexes().unwrap(), 2);
    let activate = object(&[("$set", object(&[active]))]);
    let six = object(&[("_id", Value::Int(6))]);
    let refused = client.update("c", &six, &activate, Reach::One).unwrap_err();
    assert_eq!(refused.kind(), Kind::DuplicateKey);
    assert!(client.delete_id("c", &Value::Int(5)).unwrap());
    assert_eq!(client.update("c", &six, &activate, Reach::One).unwrap(), (1, 1));
    assert_eq!(client.database.check_indexes().unwrap(), 2);
}

#[test]
fn a_unique_index_compares_arrays_by_their_elements() {
    let client = memory();
    client.database.create_indexes("c", &[unique("tags")]).unwrap();
    let with = |id: i32, tags: &[Value]| document(id, &[("tags", Value::Array(tags.to_vec()))]);
    assert_eq!(insert(&client, &[with(1, &[text("a"), text("b"), text("a")])]), 1);
    assert_eq!(insert(&client, &[with(2, &[text("b")])]), 0);
    assert_eq!(insert(&client, &[document(3, &[("tags", text("a"))])]), 0);
    // An array within an array has the inner array as an element; no document above has one.
    assert_eq!(insert(&client, &[with(4, &[Value::Array(vec![text("a"), text("b"), text("a")])])]), 1);
    assert_eq!(insert(&client, &[with(5, &[])]), 1);
    assert_eq!(insert(&client, &[with(6, &[])]), 0);
    client.database.check_indexes().unwrap();
}

#[test]
fn long_values_that_differ_late_do_not_collide_and_equal_ones_do() {
    let client = memory();
    client.database.create_indexes("c", &[unique("s")]).unwrap();
    let long = |end: &str| text(&("x".repeat(3_000) + end));
    assert_eq!(insert(&client, &[document(1, &[("s", long("a"))]), document(2, &[("s", long("b"))])]), 2);
    assert_eq!(insert(&client, &[document(3, &[("s", long("a"))])]), 0);
    client.database.drop_index("c", "s_1").unwrap();
    client.database.create_indexes("c", &[unique("s")]).unwrap();
    client.database.drop_index("c", "*").unwrap();
    assert_eq!(insert(&client, &[document(3, &[("s", long("a"))])]), 1);
    assert_eq!(client.database.create_indexes("c", &[unique("s")]).unwrap_err().kind(), Kind::DuplicateKey);
}

#[test]
fn a_document_that_cannot_be_indexed_is_refused_and_changes_nothing() {
    let client = memory();
    client.database.create_indexes("c", &[spec(&[("a", 1), ("b", -1)], &[])]).unwrap();
    let array = || Value::Array(vec![Value::Int(1), Value::Int(2)]);
    assert_eq!(insert(&client, &[document(1, &[("a", array())]), document(2, &[("b", array())])]), 2);
    let both = document(3, &[("a", array()), ("b", array())]);
    let error = client.set("c", &[(both.clone(), None)]).unwrap_err();
    assert_eq!(error.kind(), Kind::BadDocument);
    assert!(error.message().starts_with("cannot index parallel arrays"), "{error}");
    assert!(error.message().contains("'a'") && error.message().contains("'b'"), "{error}");
    assert_eq!(insert(&client, &[both]), 0);
    let update = object(&[("$set", object(&[("b", array())]))]);
    assert!(client.update("c", &object(&[("_id", Value::Int(1))]), &update, Reach::One).is_err());
    // Each array: itself and two elements.
    assert_eq!(client.database.check_indexes().unwrap(), 6);
    let many = Value::Array((0..100_001).map(Value::Int).collect());
    let error = client.set("c", &[(document(4, &[("a", many)]), None)]).unwrap_err();
    assert_eq!(error.kind(), Kind::Limit);
    // Existing documents prevent an index.
    insert(&client, &[document(5, &[("x", array()), ("y", array())])]);
    let error = client.database.create_indexes("c", &[spec(&[("x", 1), ("y", 1)], &[])]).unwrap_err();
    assert_eq!(error.kind(), Kind::BadDocument);
    assert_eq!(names(&client), ["a_1_b_-1"]);
}

#[test]
fn creating_what_exists_does_nothing_and_what_conflicts_is_refused() {
    let client = memory();
    let create = |spec: Spec| client.database.create_indexes("c", &[spec]);
    assert_eq!(create(spec(&[("a", 1), ("b", -1)], &[])).unwrap(), ["a_1_b_-1"]);
    assert_eq!(create(spec(&[("a", 1), ("b", -1)], &[])).unwrap(), ["a_1_b_-1"]);
    assert_eq!(create(spec(&[("_id", 1)], &[])).unwrap(), ["_id_"]);
    let code = |result: Result<Vec<String>>| result.unwrap_err().code().map(Code::number);
    assert_eq!(code(create(spec(&[("z", 1)], &[("name", text("a_1_b_-1"))]))), Some(86));
    assert_eq!(code(create(spec(&[("a", 1), ("b", -1)], &[("name", text("other"))]))), Some(85));
    assert_eq!(client.database.drop_index("c", "none").unwrap_err().code().map(Code::number), Some(27));
    assert_eq!(client.database.drop_index("c", "_id_").unwrap_err().code().map(Code::number), Some(72));
    assert_eq!(client.database.drop_index("nowhere", "a").unwrap_err().code().map(Code::number), Some(26));
    // All or none.
    let two = [spec(&[("x", 1)], &[]), spec(&[("y", 1)], &[("name", text("x_1"))])];
    assert_eq!(code(client.database.create_indexes("c", &two)), Some(86));
    assert_eq!(names(&client), ["a_1_b_-1"]);
    client.database.drop_index("c", "*").unwrap();
    assert!(names(&client).is_empty());
}

#[test]
fn of_many_who_insert_one_value_at_once_one_does() {
    let client = memory();
    client.database.create_indexes("c", &[unique("n")]).unwrap();
    let inserted: u64 = std::thread::scope(|scope| {
        let running: Vec<_> = (0..4)
            .map(|thread| {
                let session = client.database.session();
                let client = Client { database: client.database.clone(), session };
                scope.spawn(move || {
                    let one =
                        |n: i32| insert(&client, &[document(thread * 1_000 + n, &[("n", Value::Int(n))])]);
                    (0..200).map(one).sum::<u64>()
                })
            })
            .collect();
        running.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(inserted, 200);
    assert_eq!(client.database.check_indexes().unwrap(), 200);
}

#[test]
fn indexes_are_built_while_writers_go_on() {
    for memory_limit in [None, Some(20_000)] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db").to_str().unwrap().to_owned();
        let options = OpenOptions { memory_limit: memory_limit.into(), ..OpenOptions::default() };
        let client = Client::open(&path, options).unwrap();
        let with = |id: i32, n: i32| {
            document(id, &[("n", Value::Int(n)), ("tags", Value::Array(vec![Value::Int(n), text("t")]))])
        };
        insert(&client, &(0..3_000).map(|n| with(n, n)).collect::<Vec<_>>());
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for writer in 0..2 {
                let session = client.database.session();
                let client = Client { database: client.database.clone(), session };
                let stop = &stop;
                scope.spawn(move || {
                    let mut n = writer;
                    while !stop.load(Ordering::Relaxed) {
                        n += 2;
                        let id = n * 7 % 3_500;
                        match n % 3 {
                            0 => {
                                client.delete_id("c", &Value::Int(id)).unwrap();
                            }
                            1 => {
                                client.set("c", &[(with(id, n % 50), None)]).unwrap();
                            }
                            _ => {
                                let inc = object(&[("$inc", object(&[("n", Value::Int(1))]))]);
                                let one = object(&[("_id", Value::Int(id))]);
                                assert!(client.update("c", &one, &inc, Reach::One).unwrap().0 <= 1);
                            }
                        }
                    }
                });
            }
            for round in 0..6 {
                let specs = [spec(&[("n", 1)], &[]), spec(&[("tags", -1), ("n", 1)], &[])];
                client.database.create_indexes("c", &specs).unwrap();
                assert!(client.database.check_indexes().unwrap() > 0, "round {round}");
                client.database.drop_index("c", if round % 2 == 0 { "*" } else { "n_1" }).unwrap();
                client.database.check_indexes().unwrap();
                client.database.drop_index("c", "*").unwrap();
            }
            client.database.create_indexes("c", &[spec(&[("n", 1)], &[])]).unwrap();
            stop.store(true, Ordering::Relaxed);
        });
        let entries = client.database.check_indexes().unwrap();
        assert_eq!(entries, client.count("c", &object(&[])).unwrap());
        client.database.close().unwrap();
    }
}

#[test]
fn a_unique_build_over_duplicates_leaves_nothing_behind() {
    let client = memory();
    insert(&client, &(0..100).map(|n| document(n, &[("n", Value::Int(n % 99))])).collect::<Vec<_>>());
    let error = client.database.create_indexes("c", &[spec(&[("x", 1)], &[]), unique("n")]).unwrap_err();
    assert_eq!(error.kind(), Kind::DuplicateKey);
    assert!(error.message().contains("index: n_1 dup key: { n: 0 }"), "{error}");
    assert!(names(&client).is_empty());
    assert!(client.delete_id("c", &Value::Int(99)).unwrap());
    client.database.create_indexes("c", &[unique("n")]).unwrap();
    assert_eq!(client.database.check_indexes().unwrap(), 99);
}

#[test]
fn indexes_are_there_after_reopening_compacting_renaming_and_in_a_backup() {
    let directory = tempfile::tempdir().unwrap();
    let client = on_disk(directory.path());
    let with = |n: i32| document(n, &[("n", Value::Int(n)), ("m", Value::Int(n % 7))]);
    insert(&client, &(0..1_000).map(with).collect::<Vec<_>>());
    let partial = object(&[("m", object(&[("$gt", Value::Int(2))]))]);
    let specs = [
        unique("n"),
        spec(&[("m", -1), ("n", 1)], &[("partialFilterExpression", partial)]),
        spec(&[("gone", 1)], &[]),
    ];
    client.database.create_indexes("c", &specs).unwrap();
    client.database.drop_index("c", "gone_1").unwrap();
    insert(&client, &(1_000..1_500).map(with).collect::<Vec<_>>());
    client.delete("c", &object(&[("m", Value::Int(3))]), Reach::Many).unwrap();
    let entries = client.database.check_indexes().unwrap();
    let check = |client: &Client| {
        assert_eq!(names(client), ["n_1", "m_-1_n_1"]);
        assert_eq!(client.database.check_indexes().unwrap(), entries);
        assert_eq!(insert(client, &[document(-1, &[("n", Value::Int(1_001))])]), 0);
    };
    let backup = directory.path().join("backup");
    client.database.backup(backup.to_str().unwrap()).unwrap();
    client.database.close().unwrap();
    let client = on_disk(directory.path());
    check(&client);
    client.database.compact().unwrap();
    check(&client);
    client.database.close().unwrap();
    let path = directory.path().join("db");
    assert!(verify(path.to_str().unwrap()).unwrap().ok);
    let client = on_disk(directory.path());
    check(&client);
    let to = crate::support::incoming(&text("renamed"));
    client.call("c", Operation::Rename { to, drop_target: false }).unwrap();
    client.database.drop_index("renamed", "m_-1_n_1").unwrap();
    client.database.close().unwrap();
    let client = on_disk(directory.path());
    assert!(client.database.check_indexes().unwrap() > 0);
    assert_eq!(
        client
            .insert("renamed", &[document(-1, &[("n", Value::Int(1_001))])], InsertOrder::Ordered)
            .unwrap()
            .0,
        0
    );
    client.database.close().unwrap();
    let client = Client::open(backup.to_str().unwrap(), OpenOptions::default()).unwrap();
    check(&client);
    client.database.close().unwrap();
}

#[test]
fn a_dropped_collection_takes_its_indexes_along() {
    let client = memory();
    client.database.create_indexes("c", &[unique("n")]).unwrap();
    insert(&client, &[document(1, &[("n", Value::Int(1))])]);
    assert!(client.drop_collection("c").unwrap());
    assert_eq!(insert(&client, &[document(1, &[]), document(2, &[])]), 2);
    assert_eq!(client.database.check_indexes().unwrap(), 0);
}

fn open_sim(sim: &Sim) -> Result<Client> {
    let options = OpenOptions { storage: StorageMode::Sync, segment_size: 1 << 16, ..OpenOptions::default() };
    let database = Database::open_on(&sim.process(), "/db", options, runtime())?;
    let session = database.session();
    Ok(Client { database, session })
}

#[test]
fn an_index_is_there_after_a_power_cut_exactly_if_its_frame_is() {
    let (mut lost, mut kept) = (0, 0);
    for operations in 0..40 {
        let sim = Sim::new(operations + 1);
        let client = open_sim(&sim).unwrap();
        insert(&client, &(0..50).map(|n| document(n, &[("n", Value::Int(n))])).collect::<Vec<_>>());
        sim.die_after(operations);
        let created = client.database.create_indexes("c", &[unique("n")]);
        let survived = !sim.is_dead();
        let _ = client.database.close();
        drop(client);
        sim.cut();
        let client = open_sim(&sim).unwrap();
        let there = names(&client) == ["n_1"];
        assert!(there || created.is_err(), "operation {operations}: an index that was answered is gone");
        assert_eq!(client.count("c", &object(&[])).unwrap(), 50, "operation {operations}");
        assert_eq!(client.database.check_indexes().unwrap(), if there { 50 } else { 0 });
        let more = insert(&client, &[document(100, &[("n", Value::Int(1))])]);
        assert_eq!(more, u64::from(!there), "operation {operations}");
        client.database.close().unwrap();
        if there {
            kept += 1
        } else {
            lost += 1
        }
        if survived {
            break;
        }
    }
    assert!(lost > 0 && kept > 0, "{lost} lost, {kept} kept");
}

#[test]
fn a_build_that_meets_a_failing_disk_leaves_no_index() {
    let mut failed = 0;
    for operation in 0..6 {
        let sim = Sim::new(operation + 1);
        let client = open_sim(&sim).unwrap();
        insert(&client, &(0..50).map(|n| document(n, &[("n", Value::Int(n))])).collect::<Vec<_>>());
        sim.fail(operation, Fault::Error(std::io::ErrorKind::Other));
        let Err(error) = client.database.create_indexes("c", &[unique("n")]) else { continue };
        failed += 1;
        assert!(matches!(error.kind(), Kind::StoragePoisoned | Kind::Io), "{error}");
        let refused = client.database.create_indexes("c", &[spec(&[("m", 1)], &[])]).unwrap_err();
        assert_eq!(refused.kind(), Kind::StoragePoisoned);
        let _ = client.database.close();
        drop(client);
        let client = open_sim(&sim).unwrap();
        let there = names(&client) == ["n_1"];
        assert_eq!(client.database.check_indexes().unwrap(), if there { 50 } else { 0 });
        assert_eq!(client.count("c", &object(&[])).unwrap(), 50);
        client.database.close().unwrap();
    }
    assert!(failed > 0);
}

#[test]
fn a_definition_survives_its_own_encoding() {
    let partial = object(&[("a", object(&[("$gt", Value::Int(1))]))]);
    let specs = [
        unique("a"),
        spec(&[("a.b", -1), ("c", 1)], &[("name", text("short")), ("sparse", Value::Bool(true))]),
        spec(&[("a", 1)], &[("partialFilterExpression", partial)]),
    ];
    for spec in specs {
        let mut bytes = Vec::new();
        encode_plain(&spec.to_value(), &mut bytes);
        assert_eq!(Spec::parse(RawValue::new(&bytes, &Shapes::new())).unwrap(), spec);
    }
}
