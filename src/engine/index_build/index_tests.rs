//! The orders on which readers of an index depend, and index builds with concurrent writers at each step.

use std::path::Path;
use std::sync::Arc;

use super::create::{self, Moment};
use super::fill;
use crate::document::{RawValue, Shapes, Value, encode_plain};
use crate::engine::commit;
use crate::engine::commit::{Current, Over};
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::format::key::key_of;
use crate::engine::operation::response::Answer;
use crate::engine::state::collection::Collection;
use crate::engine::state::index::Index;
use crate::engine::store::{Recovered, Store};
use crate::engine::write::collections;
use crate::error::{Kind, Result};
use crate::index::{Range, ScanDirection, Spec};
use crate::options::OpenOptions;
use crate::storage::{Host, Lsn, open_memory};

fn store() -> Arc<Store> {
    let (host, options) = (Host::system(), OpenOptions::default());
    Store::new(
        ("memory".into(), Path::new("")),
        open_memory(),
        &host,
        options,
        Recovered::empty(),
        |_, _, _| Ok(None),
    )
}

fn unique(path: &str) -> Spec {
    let pair = Value::Array(vec![Value::String(path.to_owned()), Value::Int(1)]);
    let fields = [("key", Value::Array(vec![pair])), ("unique", Value::Bool(true))];
    Spec::parse(&object(&fields)).unwrap()
}

fn object(fields: &[(&str, Value)]) -> Value {
    Value::Object(fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

fn put(store: &Store, id: i32, n: Value) -> Result<()> {
    let document = object(&[("_id", Value::Int(id)), ("n", n)]);
    let committed = commit::run(store, 100, |commit| {
        let collection = commit.collection_or_create("c")?;
        let over = match commit.current(&collection, &key(id))? {
            Current::Absent(target) => Over::Nothing(target),
            Current::Present(present) => Over::from(&present),
        };
        commit.pack_value(&collection, &document)?;
        commit.put_packed(&collection, key(id), over)
    });
    committed.result.map(drop)
}

fn delete(store: &Store, id: i32) {
    let committed = commit::run(store, 100, |commit| {
        let collection = commit.collection("c").unwrap();
        let Current::Present(present) = commit.current(&collection, &key(id))? else { return Ok(()) };
        commit.delete(&collection, key(id), &present)
    });
    committed.result.unwrap();
}

fn key(id: i32) -> crate::engine::format::key::Key {
    let mut bytes = Vec::new();
    encode_plain(&Value::Int(id), &mut bytes);
    key_of(RawValue::new(&bytes, &Shapes::new()))
}

fn collection(store: &Store) -> Arc<Collection> {
    store.applied_collection("c").unwrap()
}

fn only_index(store: &Store) -> Arc<Index> {
    collection(store).indexes().first().unwrap().clone()
}

fn slots(index: &Index) -> Vec<u64> {
    let mut slots = Vec::new();
    index
        .page(&Range::all(), None, ScanDirection::Forward, usize::MAX, |_, slot| slots.push(slot.0))
        .unwrap();
    slots
}

#[test]
fn entries_of_older_versions_stay_as_long_as_a_view_may_need_them() {
    let store = store();
    put(&store, 1, Value::Int(1)).unwrap();
    create::run(&store, "c", &[unique("n")]).result.unwrap();
    let index = only_index(&store);
    let view = store.view();
    put(&store, 1, Value::Int(2)).unwrap();
    let later = store.view();
    put(&store, 1, Value::Int(1)).unwrap();
    put(&store, 1, Value::Int(3)).unwrap();
    assert_eq!(index.len(), 3);
    drop(later);
    assert_eq!(index.len(), 3, "the oldest view still sees n: 1");
    drop(view);
    assert_eq!(index.len(), 1);
    delete(&store, 1);
    assert!(index.is_empty());
    assert_eq!(fill::check_indexes(&store).unwrap(), 0);
}

#[test]
fn a_slot_without_older_versions_has_exactly_its_own_entries_at_every_turn() {
    let store = store();
    create::run(&store, "c", &[unique("n")]).result.unwrap();
    put(&store, 1, Value::Int(0)).unwrap();
    let index = only_index(&store);
    let mut views = Vec::new();
    for n in 1..20 {
        views.push(store.view());
        put(&store, 1, Value::Int(n % 4)).unwrap();
    }
    // Views are dropped in some order; entries are removed from the oldest on.
    for n in [3, 0, 9, 0, 1, 4, 0, 8, 2, 0, 5, 0, 0, 1, 2, 0, 1, 1, 0] {
        drop(views.remove(n % views.len()));
        let settled = collection(&store).slab().sees_all(crate::engine::state::slab::SlotId(0), Lsn::NEWEST);
        assert_eq!(settled, views.is_empty());
        assert!(!settled || index.len() == 1);
        fill::check_indexes(&store).unwrap();
    }
    assert_eq!(index.len(), 1);
}

#[test]
fn an_index_counts_for_the_views_between_its_beginning_and_its_end() {
    let store = store();
    put(&store, 1, Value::Int(1)).unwrap();
    let before = store.view();
    create::run(&store, "c", &[unique("n")]).result.unwrap();
    let during = store.view();
    let index = only_index(&store);
    assert!(!index.is_ready(before.lsn()));
    assert!(index.is_ready(during.lsn()) && index.is_ready(Lsn::NEWEST));
    create::drop_index(&store, "c", "n_1").result.unwrap();
    assert!(index.is_ready(during.lsn()) && !index.is_ready(Lsn::NEWEST));
    assert!(!index.is_ready(store.view().lsn()));
    put(&store, 2, Value::Int(1)).unwrap();
    // The dropped index stays for the view; another may take its name at once.
    assert_eq!(collection(&store).indexes().len(), 1);
    delete(&store, 2);
    create::run(&store, "c", &[unique("n")]).result.unwrap();
    assert_eq!(collection(&store).indexes().len(), 2);
    assert_eq!(slots(&index), [0]);
    drop(before);
    drop(during);
    assert_eq!(collection(&store).indexes().len(), 1);
    assert_eq!(fill::check_indexes(&store).unwrap(), 1);
}

/// The concurrent write, the error of the build, and the number of entries.
type Turn<'a> = (&'a str, &'a dyn Fn(&Store), Option<Kind>, u64);

#[test]
fn what_writers_do_between_the_turns_of_a_build_decides_it() {
    let array = || Value::Array(vec![Value::Int(1), Value::Int(2)]);
    let turns: &[Turn] = &[
        ("nothing", &|_| {}, None, 3),
        ("a new value", &|store| put(store, 4, Value::Int(4)).unwrap(), None, 4),
        (
            "one away and back",
            &|store| {
                put(store, 1, Value::Int(9)).unwrap();
                put(store, 1, Value::Int(1)).unwrap();
            },
            None,
            3,
        ),
        ("a deletion", &|store| delete(store, 1), None, 2),
        ("a duplicate", &|store| put(store, 4, Value::Int(1)).unwrap(), Some(Kind::DuplicateKey), 0),
        (
            "a duplicate that goes",
            &|store| {
                put(store, 4, Value::Int(1)).unwrap();
                delete(store, 4);
            },
            None,
            3,
        ),
        (
            "one takes the value of another that leaves it",
            &|store| {
                put(store, 2, Value::Int(1)).unwrap();
                put(store, 1, Value::Int(2)).unwrap();
            },
            None,
            3,
        ),
        (
            "two new duplicates",
            &|store| {
                put(store, 5, Value::Int(7)).unwrap();
                put(store, 6, Value::Int(7)).unwrap();
            },
            Some(Kind::DuplicateKey),
            0,
        ),
        ("an array", &|store| put(store, 3, array()).unwrap(), Some(Kind::DuplicateKey), 0),
        (
            "a drop of the collection",
            &|store| {
                assert!(matches!(collections::drop(store, "c").result, Ok(Answer::Bool(true))));
            },
            Some(Kind::Conflict),
            0,
        ),
    ];
    for (name, turn, fails, entries) in turns {
        for moment in [Moment::Maintained, Moment::Filled] {
            let store = store();
            for n in 1..=3 {
                put(&store, n, Value::Int(n)).unwrap();
            }
            let done = create::run_with(&store, "c", &[unique("n")], &Interrupt::default(), |now| {
                if now == moment {
                    turn(&store);
                }
            });
            let context = format!("{name}, {moment:?}");
            assert_eq!(done.result.err().map(|error| error.kind()), *fails, "{context}");
            assert_eq!(fill::check_indexes(&store).unwrap(), *entries, "{context}");
            let left = store.applied_collection("c").map_or(0, |collection| collection.indexes().len());
            assert_eq!(left, usize::from(fails.is_none()), "{context}");
        }
    }
}

#[test]
fn a_document_that_cannot_be_indexed_is_no_obstacle_to_a_build_once_it_has_gone() {
    let parallel = || {
        let array = || Value::Array(vec![Value::Int(1), Value::Int(2)]);
        object(&[("a", array()), ("b", array())])
    };
    let pair = |path: &str| Value::Array(vec![Value::String(path.to_owned()), Value::Int(1)]);
    let spec = Spec::parse(&object(&[("key", Value::Array(vec![pair("n.a"), pair("n.b")]))])).unwrap();
    let store = store();
    put(&store, 1, parallel()).unwrap();
    let refused = create::run(&store, "c", std::slice::from_ref(&spec)).result.unwrap_err();
    assert_eq!(refused.kind(), Kind::BadDocument);
    let built = create::run_with(&store, "c", std::slice::from_ref(&spec), &Interrupt::default(), |moment| {
        match moment {
            // Writers are not refused because of an index that may never be ready.
            Moment::Maintained => put(&store, 2, parallel()).unwrap(),
            Moment::Filled => {
                delete(&store, 1);
                put(&store, 2, Value::Int(1)).unwrap();
            }
        }
    });
    built.result.unwrap();
    assert_eq!(put(&store, 3, parallel()).unwrap_err().kind(), Kind::BadDocument);
    assert_eq!(fill::check_indexes(&store).unwrap(), 1);
}

#[test]
fn a_collection_put_in_the_place_of_another_has_its_indexes() {
    let store = store();
    put(&store, 1, Value::Int(1)).unwrap();
    create::run(&store, "c", &[unique("n")]).result.unwrap();
    let replace = |values: &[i32]| {
        let committed = commit::run(&store, 100, |commit| {
            let collection = commit.recreate_collection("c")?;
            for (id, n) in (10..).zip(values) {
                let document = object(&[("_id", Value::Int(id)), ("n", Value::Int(*n))]);
                let Current::Absent(target) = commit.current(&collection, &key(id))? else {
                    panic!("is new")
                };
                commit.pack_value(&collection, &document)?;
                commit.put_packed(&collection, key(id), Over::Nothing(target))?;
            }
            Ok(())
        });
        committed.result
    };
    assert_eq!(replace(&[5, 5]).unwrap_err().kind(), Kind::DuplicateKey);
    assert_eq!(slots(&only_index(&store)), [0]);
    replace(&[5, 6]).unwrap();
    assert_eq!(fill::check_indexes(&store).unwrap(), 2);
    assert_eq!(put(&store, 20, Value::Int(6)).unwrap_err().kind(), Kind::DuplicateKey);
}
