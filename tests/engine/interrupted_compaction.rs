//! A compaction that fails or dies at each of its operations on files, also while its checkpoint is written: the documents are there,
//! in the open database and in the next one.

use std::io::ErrorKind;
use std::time::Duration;

use moltendb_node::document::Value;
use moltendb_node::engine::{InsertOrder, Reach};
use moltendb_node::error::{Kind, Result};
use moltendb_node::index::Spec;
use moltendb_node::options::{AutoCompact, OpenOptions, StorageMode};

use crate::checkpoint::spec;
use crate::sim::{Fault, Sim};
use crate::support::{Client, object};

const LIMIT: Option<u64> = Some(5_000);

fn open(sim: &Sim, memory_limit: Option<u64>) -> Result<Client> {
    let options = OpenOptions {
        storage: StorageMode::Sync,
        memory_limit: memory_limit.into(),
        auto_compact: AutoCompact::Off,
        flush_interval: Duration::from_secs(60),
        checkpoint_from: 0,
        ..OpenOptions::default()
    };
    Client::open_on(&sim.process(), "/db", options)
}

fn document(n: i32, text: &str) -> Value {
    object(&[("_id", Value::Int(n)), ("n", Value::Int(n % 7)), ("text", Value::String(text.repeat(9)))])
}

fn insert(client: &Client, numbers: std::ops::Range<i32>) -> Result<()> {
    let documents: Vec<Value> = numbers.map(|n| document(n, "text")).collect();
    client.insert("c", &documents, InsertOrder::Ordered).map(drop)
}

fn all(client: &Client) -> Vec<Value> {
    client.find("c", &object(&[])).unwrap()
}

/// A database that began with a checkpoint, with changes over it.
fn filled(sim: &Sim, memory_limit: Option<u64>) -> Client {
    let client = open(sim, memory_limit).unwrap();
    client.database.create_indexes("c", &[Spec::parse(&spec()).unwrap()]).unwrap();
    insert(&client, 0..150).unwrap();
    client.database.close().unwrap();
    let client = open(sim, memory_limit).unwrap();
    insert(&client, 200..230).unwrap();
    client.delete("c", &object(&[("n", Value::Int(3))]), Reach::Many).unwrap();
    let more = object(&[("$set", object(&[("text", Value::String("other".into()))]))]);
    client.update("c", &object(&[("n", Value::Int(5))]), &more, Reach::Many).unwrap();
    client
}

fn check(client: &Client, expected: &[Value], context: &str) {
    assert_eq!(all(client), expected, "{context}");
    client.database.check_indexes().unwrap_or_else(|error| panic!("{context}: {error}"));
    for document in expected.iter().step_by(7) {
        let Value::Object(fields) = document else { continue };
        assert_eq!(client.get("c", &fields[0].1).unwrap().as_ref(), Some(document), "{context}");
    }
}

#[test]
fn a_process_that_dies_in_a_compaction_leaves_every_document() {
    for (limit, is_cut) in [(None, true), (LIMIT, false)] {
        for k in 1.. {
            let sim = Sim::new(k);
            let client = filled(&sim, limit);
            let documents = all(&client);
            sim.die_after(k);
            let compacted = client.database.compact();
            let context = format!("limit {limit:?}, power cut {is_cut}, operation {k}: {compacted:?}");
            let dead = sim.is_dead();
            assert!(dead || compacted.is_ok(), "{context}");
            if dead {
                drop(client);
                if is_cut {
                    sim.process();
                    sim.cut();
                }
            } else {
                sim.spare();
                check(&client, &documents, &context);
                client.database.close().unwrap();
            }
            let client = open(&sim, limit).unwrap_or_else(|error| panic!("{context}: {error}"));
            check(&client, &documents, &context);
            client.database.compact().unwrap();
            check(&client, &documents, &context);
            client.database.close().unwrap();
            check(&open(&sim, limit).unwrap(), &documents, &context);
            if !dead {
                break;
            }
        }
    }
}

#[test]
fn an_operation_that_fails_in_a_compaction_changes_no_answer() {
    for (limit, fault) in [(None, ErrorKind::StorageFull), (LIMIT, ErrorKind::Other)] {
        let fault = Fault::Error(fault);
        for k in 1.. {
            let sim = Sim::new(k);
            let client = filled(&sim, limit);
            let mut documents = all(&client);
            let (cursor, mut seen) = client.first("c", &object(&[]), 10).unwrap();
            sim.fail(k, fault);
            let compacted = client.database.compact();
            let verb = sim.faulted();
            sim.heal();
            let context = format!("limit {limit:?}, operation {k} ({verb:?}) {fault:?}: {compacted:?}");
            let poisoned = match &compacted {
                Ok(_) => false,
                Err(error) => {
                    let kinds = [Kind::Io, Kind::StorageFull, Kind::StoragePoisoned];
                    assert!(kinds.contains(&error.kind()), "{context}");
                    client.set("c", &[(document(900, "text"), None)]).is_err()
                }
            };
            if compacted.is_err() && !poisoned {
                documents.push(document(900, "text"));
            }
            check(&client, &documents, &context);
            seen.extend(client.rest(cursor, 50).unwrap());
            documents.retain(|one| *one != document(900, "text"));
            assert_eq!(seen, documents, "{context}");
            if !poisoned {
                client.delete_id("c", &Value::Int(900)).unwrap();
                client.database.compact().unwrap_or_else(|error| panic!("{context}: {error}"));
                check(&client, &documents, &context);
                client.database.close().unwrap();
            }
            drop(client);
            check(&open(&sim, limit).unwrap(), &documents, &context);
            if verb.is_none() {
                break;
            }
        }
    }
}
