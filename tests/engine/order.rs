//! The writes of a collection commit in the order of the calls, whatever each of them takes.

use std::sync::mpsc::{Receiver, channel};

use crate::support::{Client, incoming, object, update_of};
use moltendb_node::document::Value;
use moltendb_node::engine::{Answer, Answered, InsertOrder, Limits, Operation, Reach, Size, Task};
use moltendb_node::{OpenOptions, Result};

fn submit(client: &Client, name: &str, operations: Vec<Operation>) -> Receiver<(usize, Result<Answer>)> {
    let (sender, receiver) = channel();
    let tasks = operations.into_iter().enumerate().map(|(n, operation)| {
        let sender = sender.clone();
        let reply = Box::new(move |answered: Answered| sender.send((n, answered.answer)).unwrap());
        Task { name: name.into(), operation, limits: Limits::default(), reply, transaction: 0 }
    });
    // One call each, as from a program that awaits none of them.
    tasks.for_each(|task| client.session.submit(vec![task], Size::Small));
    receiver
}

fn field(name: &str, value: i32) -> Value {
    object(&[(name, Value::Int(value))])
}

fn delete(filter: &Value) -> Operation {
    Operation::Delete { filter: incoming(filter), reach: Reach::Many, hint: None, if_version: None }
}

fn insert(documents: &[Value]) -> Operation {
    Operation::Insert { documents: documents.iter().map(incoming).collect(), order: InsertOrder::Ordered }
}

fn rename(to: &str) -> Operation {
    Operation::Rename { to: incoming(&Value::String(to.into())), drop_target: true }
}

/// The number of documents that a write found or inserted.
fn count(answer: &Result<Answer>) -> u64 {
    match answer {
        Ok(Answer::Updated(outcome)) => outcome.matched,
        Ok(Answer::Count(count)) => *count,
        Ok(Answer::Inserted(outcome)) => outcome.inserted,
        Ok(_) => 0,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn no_write_overtakes_one_that_was_called_before_it() {
    let client = Client::open(":memory:", OpenOptions::default()).unwrap();
    let documents: Vec<_> =
        (0..200).map(|n| object(&[("_id", Value::Int(n)), ("x", Value::Int(n))])).collect();
    let all = || object(&[("x", field("$gte", 0))]);
    let moved = || object(&[("$set", field("x", -1))]);
    let firsts: [(&str, &dyn Fn() -> Operation); 4] = [
        ("drop", &|| Operation::Drop),
        ("rename", &|| rename("other")),
        ("delete", &|| delete(&all())),
        ("update", &|| update_of(&all(), &moved(), Reach::Many)),
    ];
    let seconds: [(&str, u64, &dyn Fn() -> Operation); 4] = [
        ("update one", 0, &|| update_of(&field("x", 199), &moved(), Reach::One)),
        ("update many", 0, &|| update_of(&all(), &moved(), Reach::Many)),
        ("delete", 0, &|| delete(&field("x", 199))),
        ("insert", 1, &|| insert(&documents[199..])),
    ];
    for round in 0..20 {
        for (first, before) in &firsts {
            for (second, expected, after) in &seconds {
                if (*first, *second) == ("update", "insert") {
                    continue;
                }
                let name = format!("{round} {first} {second}");
                let answers =
                    submit(&client, &name, vec![insert(&documents), before(), after(), Operation::Drop]);
                let mut answers: Vec<_> = answers.iter().collect();
                answers.sort_by_key(|(n, _)| *n);
                assert_eq!(count(&answers[2].1), *expected, "{name}");
            }
        }
    }
    client.database.close().unwrap();
}

#[test]
fn writes_by_id_and_by_filter_alternate_in_the_order_of_the_calls() {
    const STEPS: i32 = 300;
    let client = Client::open(":memory:", OpenOptions::default()).unwrap();
    client
        .insert("c", &[object(&[("_id", Value::Int(1)), ("x", Value::Int(0))])], InsertOrder::Ordered)
        .unwrap();
    let steps = (0..STEPS).map(|step| {
        let to = object(&[("$set", field("x", step + 1))]);
        // Each one finds the document only as the one before it left it.
        let by_filter = field("x", step);
        let by_id = object(&[("_id", Value::Int(1)), ("x", Value::Int(step))]);
        update_of(if step % 3 == 0 { &by_id } else { &by_filter }, &to, Reach::One)
    });
    let answers = submit(&client, "c", steps.collect());
    for (step, answer) in answers {
        assert_eq!(count(&answer), 1, "step {step}");
    }
    client.database.close().unwrap();
}

#[test]
fn writes_to_other_collections_pass_one_of_very_many_documents() {
    let client = Client::open(":memory:", OpenOptions::default()).unwrap();
    let many: Vec<_> = (0..5_000).map(|n| object(&[("_id", Value::Int(n))])).collect();
    let passes = (0..20).any(|round| {
        let (sender, receiver) = channel();
        for (name, documents) in [("many", &many[..]), ("one", &many[round..=round])] {
            let sender = sender.clone();
            let reply = Box::new(move |answered: Answered| {
                sender.send((name, count(&answered.answer))).unwrap();
            });
            let name = format!("{name} {round}").into();
            let task =
                Task { name, operation: insert(documents), limits: Limits::default(), reply, transaction: 0 };
            client.session.submit(vec![task], Size::Small);
        }
        drop(sender);
        let answers: Vec<_> = receiver.iter().collect();
        assert!(answers.contains(&("many", 5_000)) && answers.contains(&("one", 1)), "{answers:?}");
        answers.first() == Some(&("one", 1))
    });
    assert!(passes, "the insert of one document never ended first");
    client.database.close().unwrap();
}

#[test]
fn a_rename_is_ordered_in_both_collections_and_a_close_waits_for_the_writes_that_wait() {
    let client = Client::open(":memory:", OpenOptions::default()).unwrap();
    for round in 0..50 {
        let document = |id| object(&[("_id", Value::Int(id)), ("x", Value::Int(0))]);
        client.insert("a", &[document(1), document(2)], InsertOrder::Ordered).unwrap();
        let everything = || object(&[("x", Value::Int(0))]);
        let before = submit(&client, "b", vec![insert(&[document(3)]), delete(&everything())]);
        let renamed = submit(&client, "a", vec![rename("b")]);
        let after = submit(&client, "b", vec![delete(&everything())]);
        assert_eq!(before.iter().map(|(_, answer)| count(&answer)).collect::<Vec<_>>(), [1, 1], "{round}");
        renamed.iter().for_each(|(_, answer)| assert!(answer.is_ok()));
        assert_eq!(after.iter().map(|(_, answer)| count(&answer)).collect::<Vec<_>>(), [2], "{round}");
    }
    let zero = object(&[("$set", field("x", 0))]);
    let many: Vec<_> = (0..100).map(|n| update_of(&field("x", n), &zero, Reach::Many)).collect();
    let steps = many.len();
    let answers = submit(&client, "c", many);
    client.database.close().unwrap();
    assert_eq!(answers.iter().count(), steps, "each is answered");
}
