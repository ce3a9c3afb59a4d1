//! Cursors that keep too much in memory end, the oldest first, and say so; others go on.

use std::time::{Duration, Instant};

use moltendb_node::document::Value;
use moltendb_node::engine::{InsertOrder, Operation, Reach};
use moltendb_node::error::codes;
use moltendb_node::{Error, Kind, OpenOptions};

use crate::checkpoint::options;
use crate::disk::{DIR, Disk};
use crate::support::{Client, batch_of, object};

/// Views may hold 4 MiB, and documents have room.
fn limited() -> OpenOptions {
    OpenOptions { memory_limit: Some(16 << 20).into(), ..options() }
}

fn filled(options: OpenOptions) -> Client {
    let client = Client::open_on(&Disk::default().host(), DIR, options).unwrap();
    let documents: Vec<Value> = (0..100).map(|n| sized(n, 0)).collect();
    client.insert("c", &documents, InsertOrder::Ordered).unwrap();
    client
}

fn sized(n: i32, round: i32) -> Value {
    let text = Value::String("x".repeat(20_000));
    object(&[("_id", Value::Int(n)), ("round", Value::Int(round)), ("text", text)])
}

/// Changes 2 MB.
fn change(client: &Client) {
    let update = object(&[("$inc", object(&[("round", Value::Int(1))]))]);
    client.update("c", &object(&[]), &update, Reach::Many).unwrap();
}

fn held(client: &Client) -> u64 {
    client.database.stats().unwrap().view_bytes
}

fn next(client: &Client, cursor: u64) -> Result<usize, Error> {
    let more = client.call("c", Operation::More { cursor, batch: 10 })?;
    Ok(batch_of(more).unwrap().1.len())
}

fn is_ended(error: &Error) -> bool {
    error.kind() == Kind::Limit
        && error.code() == Some(codes::CURSOR_NOT_FOUND)
        && error.message().contains("memoryLimit")
        && error.message().contains("Run the query again")
}

#[test]
fn the_cursors_of_the_oldest_states_end_when_views_hold_a_quarter_of_the_limit() {
    let client = filled(limited());
    let (oldest, _) = client.first("c", &object(&[]), 10).unwrap();
    let (twin, _) = client.first("c", &object(&[]), 10).unwrap();
    assert_eq!(held(&client), 0);
    change(&client);
    let (newer, _) = client.first("c", &object(&[]), 10).unwrap();
    let bytes = held(&client);
    assert!((2_000_000..2_200_000).contains(&bytes), "{bytes} bytes are held");
    assert_eq!(next(&client, oldest).unwrap(), 10);
    change(&client);
    assert_eq!(next(&client, oldest).unwrap(), 10, "4 MB are held, which is allowed");
    change(&client);
    // Without the two of the oldest state 4 MB are held.
    for cursor in [oldest, twin] {
        assert!(is_ended(&next(&client, cursor).unwrap_err()));
    }
    assert_eq!(next(&client, newer).unwrap(), 10);
    let bytes = held(&client);
    assert!((4_000_000..4_300_000).contains(&bytes), "{bytes} bytes are held");
    assert_eq!(client.database.stats().unwrap().views, 1);
    assert_eq!(client.rest(newer, 0).unwrap().len(), 80);
    assert_eq!(held(&client), 0);
    // The error is told once; the cursor is closed then.
    assert_eq!(next(&client, oldest).unwrap_err().kind(), Kind::Closed);
    client.database.close().unwrap();
}

#[test]
fn without_a_limit_a_cursor_stays_open_whatever_it_holds() {
    let client = filled(options());
    let (cursor, _) = client.first("c", &object(&[]), 10).unwrap();
    for _ in 0..5 {
        change(&client);
    }
    assert!(held(&client) > 10_000_000);
    let rest = client.rest(cursor, 0).unwrap();
    assert_eq!(rest, (10..100).map(|n| sized(n, 0)).collect::<Vec<_>>());
    client.database.close().unwrap();
}

#[test]
fn a_dropped_collection_that_a_cursor_still_reads_is_counted_and_goes_with_it() {
    let client = filled(limited());
    let (cursor, _) = client.first("c", &object(&[]), 10).unwrap();
    let documents: Vec<Value> = (100..250).map(|n| sized(n, 0)).collect();
    client.insert("c", &documents, InsertOrder::Ordered).unwrap();
    client.drop_collection("c").unwrap();
    client.insert("other", &[sized(1, 1)], InsertOrder::Ordered).unwrap();
    assert!(is_ended(&next(&client, cursor).unwrap_err()));
    assert_eq!(held(&client), 0);
    client.database.close().unwrap();
}

#[test]
fn a_checkpoint_that_waits_for_a_forgotten_cursor_comes_below_without_it() {
    let options = OpenOptions { memory_limit: Some(400_000).into(), rebase_from: 100_000, ..options() };
    let client = Client::open_on(&Disk::default().host(), DIR, options).unwrap();
    let small = |n: i32| object(&[("_id", Value::Int(n)), ("n", Value::Int(n % 7))]);
    let insert = |from: i32| {
        let documents: Vec<Value> = (from..from + 500).map(small).collect();
        client.insert("c", &documents, InsertOrder::Ordered).unwrap();
    };
    insert(0);
    let (cursor, _) = client.first("c", &object(&[]), 10).unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    let mut from = 500;
    let error = loop {
        insert(from);
        from += 500;
        match next(&client, cursor) {
            Err(error) => break error,
            // Read to its end before a checkpoint waited for it.
            Ok(read) => assert!(read > 0 && Instant::now() < until, "the cursor is not ended"),
        }
        if from > 20_000 {
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    assert!(is_ended(&error), "{error:?}");
    assert_eq!(client.count("c", &object(&[])).unwrap(), from as u64);
    client.database.check_indexes().unwrap();
    client.database.close().unwrap();
}
