//! A run can be repeated: the seed of the simulation determines every random choice, to the last byte on disk.

use std::collections::BTreeMap;

use moltendb_node::OpenOptions;
use moltendb_node::document::Value;
use moltendb_node::engine::{Answer, Document, InsertOrder, Operation};
use moltendb_node::options::StorageMode;

use crate::sim::Sim;
use crate::support::{Client, incoming, object};

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn stage(name: &str, operand: Value) -> Value {
    object(&[(name, operand)])
}

/// The results of the pipeline, as text.
fn aggregated(client: &Client, pipeline: Vec<Value>) -> String {
    let operation =
        Operation::Aggregate { pipeline: incoming(&Value::Array(pipeline)), hint: None, batch: 1_000 };
    let (collection, answer) = client.call("c", operation).unwrap();
    match answer {
        Answer::Batch { documents, .. } => {
            let tree = |document: &Document| match document {
                Document::Projected(value) => value.clone(),
                stored => stored.stored(collection.as_ref().unwrap()).unwrap().to_value(),
            };
            format!("{:?}", documents.iter().map(tree).collect::<Vec<_>>())
        }
        _ => panic!("an aggregation has another answer"),
    }
}

/// Inserts, every random operation, a compaction, and a clean close.
fn run(seed: u64) -> (Vec<String>, BTreeMap<String, Vec<u8>>) {
    let sim = Sim::new(seed);
    let options = OpenOptions { storage: StorageMode::Sync, ..OpenOptions::default() };
    let client = Client::open_on(&sim.process(), "db", options).unwrap();
    let documents: Vec<Value> = (0..50).map(|n| object(&[("_id", Value::Int(n))])).collect();
    client.insert("c", &documents, InsertOrder::Ordered).unwrap();
    let sampled = stage("$sample", object(&[("size", Value::Int(5))]));
    let chance = object(&[("chance", stage("$rand", object(&[])))]);
    let without_id = stage("$project", object(&[("_id", Value::Int(0)), ("chance", Value::Int(1))]));
    let told = vec![
        aggregated(&client, vec![sampled.clone()]),
        aggregated(&client, vec![stage("$addFields", chance.clone()), sampled]),
        aggregated(&client, vec![stage("$addFields", chance), without_id, stage("$out", text("out"))]),
        aggregated(&client, vec![stage("$unionWith", text("out"))]),
    ];
    client.database.compact().unwrap();
    client.database.close().unwrap();
    drop(client);
    (told, sim.bytes(|_| true))
}

#[test]
fn two_runs_with_one_seed_are_the_same_and_others_are_not() {
    let (told, bytes) = run(7);
    let (again, same_bytes) = run(7);
    assert_eq!(told, again);
    assert_eq!(bytes.keys().collect::<Vec<_>>(), same_bytes.keys().collect::<Vec<_>>());
    for (name, bytes) in &bytes {
        assert!(same_bytes[name] == *bytes, "{name} differs");
    }
    let (other, _) = run(8);
    assert_ne!(told[0], other[0]);
    assert_ne!(told[1], other[1]);
    assert_ne!(told[3], other[3]);
}
