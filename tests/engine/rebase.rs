//! Checkpoints while a database is open: they change no answer, whoever reads meanwhile, and take the place of what is in memory.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use moltendb_node::OpenOptions;
use moltendb_node::document::Value;
use moltendb_node::engine::{InsertOrder, Reach};
use moltendb_node::index::Spec;
use moltendb_node::options::AutoCompact;

use crate::checkpoint::{
    Gate, by_index, by_key, check, checkpoints, churn, document, files, filled, id, options, spec,
};
use crate::disk::{DIR, Disk};
use crate::support::{Client, object};

/// With a memory limit, what a checkpoint has goes from memory.
fn limited() -> OpenOptions {
    OpenOptions { memory_limit: Some(100_000).into(), rebase_from: 50_000, ..options() }
}

fn numbered(n: i32) -> Value {
    object(&[("_id", Value::Int(n)), ("n", Value::Int(n % 7)), ("text", Value::String("x".repeat(40)))])
}

fn open(disk: &Disk, options: OpenOptions) -> Client {
    let client = Client::open_on(&disk.host(), DIR, options).unwrap();
    client.database.create_indexes("c", &[Spec::parse(&spec()).unwrap()]).unwrap();
    client
}

fn insert(client: &Client, numbers: std::ops::Range<i32>) {
    let documents: Vec<Value> = numbers.map(numbered).collect();
    for part in documents.chunks(500) {
        client.insert("c", part, InsertOrder::Ordered).unwrap();
    }
}

/// Bytes of keys and entries in memory.
fn in_memory(client: &Client) -> u64 {
    let stats = client.database.stats().unwrap();
    stats.key_bytes + stats.index_bytes
}

/// Returns when keys and entries take no more than this; checkpoints are written in the background.
fn wait_for(client: &Client, most: u64) {
    let until = Instant::now() + Duration::from_secs(30);
    while in_memory(client) > most {
        assert!(Instant::now() < until, "{} bytes stay in memory", in_memory(client));
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn all(client: &Client) -> Vec<Value> {
    client.find("c", &object(&[])).unwrap()
}

#[test]
fn keys_and_entries_beyond_the_memory_limit_go_to_a_checkpoint_by_themselves() {
    let disk = Disk::default();
    let client = open(&disk, limited());
    let mut most = 0;
    for part in 0..40 {
        insert(&client, part * 500..part * 500 + 500);
        most = most.max(in_memory(&client));
    }
    wait_for(&client, 100_000);
    // 20,000 keys and entries take 1.6 MB and more.
    assert!(most < 400_000, "{most} bytes were in memory");
    assert_eq!(all(&client), (0..20_000).map(numbered).collect::<Vec<_>>());
    assert_eq!(client.count("c", &object(&[("n", Value::Int(3))])).unwrap(), 2_857);
    for n in (0..20_100).step_by(97) {
        assert_eq!(client.get("c", &Value::Int(n)).unwrap(), (n < 20_000).then(|| numbered(n)));
    }
    let stats = client.database.stats().unwrap();
    assert!(stats.slot_bytes < 300_000, "{} bytes of slots", stats.slot_bytes);
    client.database.check_indexes().unwrap();
    client.database.close().unwrap();
}

#[test]
fn what_an_opening_without_a_checkpoint_brings_into_memory_goes_without_a_write() {
    let disk = Disk::default();
    let client = open(&disk, options());
    insert(&client, 0..5_000);
    client.database.close().unwrap();
    let rest = files(&disk).into_iter().filter(|(name, _)| name != "LOCK" && !name.ends_with(".chk"));
    let disk = Disk::with(rest);
    let client = Client::open_on(&disk.host(), DIR, limited()).unwrap();
    wait_for(&client, 0);
    assert_eq!(all(&client), (0..5_000).map(numbered).collect::<Vec<_>>());
    client.database.close().unwrap();
}

#[test]
fn a_cursor_reads_its_own_state_through_a_checkpoint_which_comes_below_when_it_is_closed() {
    for options in [options(), limited()] {
        let disk = Disk::default();
        let client = open(&disk, options.clone());
        insert(&client, 0..3_000);
        assert!(client.database.write_checkpoint().unwrap());
        let (cursor, mut seen) = client.first("c", &object(&[]), 10).unwrap();
        let by_index = object(&[("n", Value::Int(2))]);
        let (other, mut found) = client.first("c", &by_index, 10).unwrap();
        client.delete("c", &object(&[("n", Value::Int(2))]), Reach::Many).unwrap();
        insert(&client, 3_000..3_100);
        client.insert("c", &[numbered(9)], InsertOrder::Ordered).unwrap();
        let more = object(&[("$inc", object(&[("n", Value::Int(10))]))]);
        client.update("c", &object(&[("n", Value::Int(1))]), &more, Reach::Many).unwrap();
        // Two checkpoints wait for the cursors.
        for _ in 0..2 {
            assert!(client.database.write_checkpoint().unwrap());
            client.delete_id("c", &Value::Int(3)).unwrap();
        }
        client.database.check_indexes().unwrap();
        assert_eq!(client.get("c", &Value::Int(2)).unwrap(), None);
        seen.extend(client.rest(cursor, 100).unwrap());
        found.extend(client.rest(other, 100).unwrap());
        assert_eq!(seen, (0..3_000).map(numbered).collect::<Vec<_>>());
        assert_eq!(found, (0..3_000).filter(|n| n % 7 == 2).map(numbered).collect::<Vec<_>>());
        let documents = all(&client);
        assert_eq!(documents.len(), 3_000 - 429 - 1 + 100 + 1);
        assert_eq!(client.count("c", &by_index).unwrap(), 15);
        let ones = (0..3_100).filter(|n| n % 7 == 1).count() as u64;
        assert_eq!(client.count("c", &object(&[("n", Value::Int(11))])).unwrap(), ones);
        client.database.check_indexes().unwrap();
        if options.memory_limit.bytes().is_some() {
            // The checkpoints come below in the background.
            wait_for(&client, 20_000);
        }
        client.database.flush().unwrap();
        let killed = files(&disk).into_iter().filter(|(name, _)| name != "LOCK");
        client.database.close().unwrap();
        let again = Client::open_on(&Disk::with(killed).host(), DIR, options).unwrap();
        assert_eq!(all(&again), documents);
        again.database.check_indexes().unwrap();
        again.database.close().unwrap();
    }
}

#[test]
fn deleted_documents_do_not_come_back_with_a_checkpoint_that_waited() {
    let disk = Disk::default();
    // So that the cursor is not ended.
    let client = open(&disk, OpenOptions { rebase_from: 4 << 20, ..limited() });
    insert(&client, 0..10_000);
    let (cursor, _) = client.first("c", &object(&[]), 10).unwrap();
    assert!(client.database.write_checkpoint().unwrap());
    for part in (0..9_000).step_by(1_000) {
        let from = object(&[("$gte", Value::Int(part)), ("$lt", Value::Int(part + 1_000))]);
        client.delete("c", &object(&[("_id", from)]), Reach::Many).unwrap();
    }
    assert_eq!(client.rest(cursor, 1_000).unwrap().len(), 9_990);
    assert_eq!(all(&client), (9_000..10_000).map(numbered).collect::<Vec<_>>());
    assert_eq!(client.get("c", &Value::Int(5_000)).unwrap(), None);
    insert(&client, 5_000..5_001);
    client.database.compact().unwrap();
    assert_eq!(all(&client).len(), 1_001);
    client.database.check_indexes().unwrap();
    client.database.close().unwrap();
}

#[test]
fn a_database_that_cannot_write_checkpoints_goes_on_without() {
    for verb in ["open", "write", "sync", "rename"] {
        for options in [options(), limited()] {
            let disk = Disk::default();
            let mut content = filled(&disk, &options);
            let mut dice = fastrand::Rng::with_seed(11);
            let (host, _) = Gate::host(&disk, Some(verb));
            let client = Client::open_on(&host, DIR, options.clone()).unwrap();
            for round in 0..4 {
                churn(&client, &mut content, &mut dice, 40);
                assert!(client.database.write_checkpoint().is_err(), "{verb}");
                if round == 2 {
                    client.database.compact().unwrap();
                }
                by_index(&client, &content);
                by_key(&client, &content).unwrap();
                client.database.check_indexes().unwrap();
            }
            client.database.close().unwrap();
            check(&disk.host(), options, &content).unwrap();
        }
    }
}

#[test]
fn a_kill_after_a_compaction_leaves_a_checkpoint_to_open_from() {
    let disk = Disk::default();
    let mut content = filled(&disk, &options());
    let client = Client::open_on(&disk.host(), DIR, options()).unwrap();
    client.database.compact().unwrap();
    client.set("a", &[(document(12, "later"), None)]).unwrap();
    content.insert(("a", 12), Some(document(12, "later")));
    client.database.flush().unwrap();
    let killed = Disk::with(files(&disk).into_iter().filter(|(name, _)| name != "LOCK"));
    assert_eq!(checkpoints(&killed).len(), 1);
    let again = Client::open_on(&killed.host(), DIR, options()).unwrap();
    let told = again.database.describe().recovery;
    assert!(!told.clean && told.frames_replayed == 1, "{told:?}");
    assert_eq!(again.get("a", &id(12)).unwrap(), content[&("a", 12)]);
    again.database.close().unwrap();
    check(&killed.host(), options(), &content).unwrap();
    client.database.close().unwrap();
}

#[test]
fn collections_and_indexes_that_come_and_go_beside_checkpoints_are_there_or_not() {
    let disk = Disk::default();
    let options = OpenOptions { auto_compact: AutoCompact::Off, ..limited() };
    let client = open(&disk, options.clone());
    insert(&client, 0..2_000);
    for round in 0..6 {
        let name = format!("other{round}");
        client.insert(&name, &[numbered(1), numbered(2)], InsertOrder::Ordered).unwrap();
        assert!(client.database.write_checkpoint().unwrap());
        match round % 3 {
            0 => drop(client.drop_collection(&name).unwrap()),
            1 => client.database.drop_index("c", "*").unwrap(),
            _ => drop(client.database.create_indexes("c", &[Spec::parse(&spec()).unwrap()]).unwrap()),
        }
        insert(&client, 2_000 + round * 10..2_010 + round * 10);
        assert!(client.database.write_checkpoint().unwrap());
        client.database.check_indexes().unwrap();
        assert_eq!(client.count("c", &object(&[("n", Value::Int(5))])).unwrap(), {
            (0..2_010 + round * 10).filter(|n| n % 7 == 5).count() as u64
        });
    }
    client.database.flush().unwrap();
    let killed = files(&disk).into_iter().filter(|(name, _)| name != "LOCK");
    let again = Client::open_on(&Disk::with(killed).host(), DIR, options).unwrap();
    assert_eq!(all(&again), all(&client));
    for (round, expected) in [(0, 0), (1, 2), (2, 2), (3, 0), (4, 2), (5, 2)] {
        assert_eq!(again.count(&format!("other{round}"), &object(&[])).unwrap(), expected);
    }
    again.database.check_indexes().unwrap();
    again.database.close().unwrap();
    client.database.close().unwrap();
}

#[test]
fn checkpoints_that_can_never_be_written_are_given_up() {
    let disk = Disk::default();
    let client = open(&disk, limited());
    // Longer than the key of a checkpoint's tree may be.
    let long = object(&[("_id", Value::String("k".repeat(1_010))), ("n", Value::Int(1))]);
    assert_eq!(client.insert("c", std::slice::from_ref(&long), InsertOrder::Ordered).unwrap(), (1, vec![]));
    for part in 0..60 {
        insert(&client, part * 100..part * 100 + 100);
        assert!(!client.database.write_checkpoint().unwrap());
    }
    assert!(files(&disk).keys().all(|name| !name.starts_with("chk-")));
    let documents = all(&client);
    assert_eq!(documents.len(), 6_001);
    assert_eq!(client.count("c", &object(&[("n", Value::Int(3))])).unwrap(), 857);
    assert_eq!(client.get("c", &Value::String("k".repeat(1_010))).unwrap(), Some(long));
    client.database.check_indexes().unwrap();
    client.database.close().unwrap();
    let again = Client::open_on(&disk.host(), DIR, limited()).unwrap();
    assert_eq!(all(&again), documents);
    again.database.close().unwrap();
}

#[test]
fn what_a_compaction_has_in_memory_does_not_grow_with_the_documents() {
    for count in [4_000, 40_000] {
        let disk = Disk::default();
        let client = open(&disk, limited());
        insert(&client, 0..count);
        client.database.close().unwrap();
        let client = Client::open_on(&disk.host(), DIR, limited()).unwrap();
        insert(&client, count..count + 10);
        let done = AtomicBool::new(false);
        let most = std::thread::scope(|scope| {
            let compaction = scope.spawn(|| {
                let compacted = client.database.compact();
                done.store(true, Ordering::Release);
                compacted
            });
            let mut most = 0;
            while !done.load(Ordering::Acquire) {
                let stats = client.database.stats().unwrap();
                most = most.max(stats.slot_bytes + stats.hot_bytes + in_memory(&client));
                std::thread::sleep(Duration::from_millis(1));
            }
            assert_eq!(compaction.join().unwrap().unwrap().documents, count as u64 + 10);
            most
        });
        let slot_bytes = client.database.stats().unwrap().slot_bytes;
        // About the limit; slots alone would take 40 bytes each.
        assert!(most.max(slot_bytes) < 200_000, "{most} and {slot_bytes} bytes of {count} documents");
        assert_eq!(all(&client), (0..count + 10).map(numbered).collect::<Vec<_>>());
        client.database.check_indexes().unwrap();
        client.database.close().unwrap();
    }
}

#[test]
fn a_database_that_was_compacted_and_closed_opens_from_the_checkpoint_of_the_compaction() {
    for later in [0, 30] {
        let disk = Disk::default();
        let client = open(&disk, options());
        insert(&client, 0..3_000);
        client.database.compact().unwrap();
        assert_eq!(checkpoints(&disk).len(), 1);
        insert(&client, 3_000..3_000 + later);
        client.database.flush().unwrap();
        // Killed, and closed.
        let killed = Disk::with(files(&disk).into_iter().filter(|(name, _)| name != "LOCK"));
        client.database.close().unwrap();
        for disk in [killed, disk] {
            let client = Client::open_on(&disk.host(), DIR, options()).unwrap();
            let stats = client.database.stats().unwrap();
            assert!(stats.key_bytes < 5_000 && stats.checkpoint_bytes > 0, "{stats:?}");
            assert_eq!(all(&client), (0..3_000 + later).map(numbered).collect::<Vec<_>>());
            client.database.check_indexes().unwrap();
            client.database.close().unwrap();
        }
    }
}
