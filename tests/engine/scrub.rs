//! The scrub of an open database: it tells of a flipped byte in any file, and of nothing else, whatever happens to the files.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use moltendb_node::OpenOptions;
use moltendb_node::engine::ScrubStats;
use moltendb_node::options::{Access, AutoCompact, Creation, MEMORY, Scrub};
use moltendb_node::storage::vfs::OpenMode;

use crate::checkpoint::{churn, document, files, filled, options};
use crate::disk::{DIR, Disk};
use crate::support::Client;

/// Passes that follow each other.
fn scrubbed() -> OpenOptions {
    let scrub = Scrub { interval: Duration::from_millis(1), bytes_per_second: 1 << 40 };
    OpenOptions { scrub: Some(scrub), ..options() }
}

fn stats(client: &Client) -> ScrubStats {
    client.database.stats().unwrap().scrub.unwrap()
}

/// The statistics when a pass that begins now has ended.
fn after_a_pass(client: &Client) -> ScrubStats {
    let until = Instant::now() + Duration::from_secs(60);
    let from = stats(client).passes;
    loop {
        let now = stats(client);
        // The first may have begun before.
        if now.passes >= from + 2 && !now.running {
            return now;
        }
        assert!(Instant::now() < until, "the scrub does not end a pass: {now:?}");
        std::thread::sleep(Duration::from_micros(200));
    }
}

fn flip(disk: &Disk, name: &str, at: usize) {
    let file = disk.host().vfs.open(&Path::new(DIR).join(name), OpenMode::ReadWrite).unwrap();
    let mut byte = [0];
    assert_eq!(file.read_at(at as u64, &mut byte).unwrap(), 1);
    file.write_at(at as u64, &[byte[0] ^ 0x20]).unwrap();
}

/// The files that a scrub reads, without the unused ends of segments.
fn read_by_it(disk: &Disk) -> BTreeMap<String, usize> {
    let is_read = |name: &str| ["seg-", "snap-", "chk-"].iter().any(|kind| name.starts_with(kind));
    let used = |bytes: &[u8]| bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let all = files(disk).into_iter().filter(|(name, _)| is_read(name));
    all.map(|(name, bytes)| (name, used(&bytes))).filter(|(_, used)| *used > 64).collect()
}

#[test]
fn a_flipped_byte_in_any_file_of_an_open_database_is_told_until_it_is_whole_again() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(fastrand::u64(..));
    println!("SEED={seed}");
    let mut dice = fastrand::Rng::with_seed(seed);
    let disk = Disk::default();
    filled(&disk, &options());
    let client = Client::open_on(&disk.host(), DIR, scrubbed()).unwrap();
    client.set("a", &[(document(1, "later"), None)]).unwrap();
    client.database.flush().unwrap();
    let whole = after_a_pass(&client);
    assert_eq!((whole.errors, whole.damage.len(), whole.completed_at), (0, 0, Some(1_700_000_000_000)));
    let names = read_by_it(&disk);
    for kind in ["seg-", "snap-", "chk-"] {
        assert!(names.keys().any(|name| name.starts_with(kind)), "no {kind} in {names:?}");
    }
    let bytes: usize = names.values().sum();
    assert!(whole.bytes_read >= bytes as u64 * 9 / 10, "{whole:?} of {bytes}");
    for (name, used) in &names {
        for _ in 0..4 {
            let at = dice.usize(..*used);
            flip(&disk, name, at);
            let told = after_a_pass(&client);
            assert!(told.errors > 0, "the byte at {at} of {name} is not told");
            let damage = &told.damage[0];
            assert_eq!(damage.file, *name, "byte {at}: {damage:?}");
            assert!(damage.message.contains(&format!("{name} is damaged at offset {}", damage.offset)));
            flip(&disk, name, at);
            let whole = after_a_pass(&client);
            assert_eq!(whole.errors, 0, "{:?} though {name} is whole again", whole.damage);
        }
    }
    client.database.close().unwrap();
}

#[test]
fn beside_writes_checkpoints_and_compactions_nothing_is_taken_for_damage() {
    let mut disk = Disk::default();
    disk.pace = Some(std::sync::Arc::default());
    let options = OpenOptions { auto_compact: AutoCompact::Off, segment_size: 8_192, ..scrubbed() };
    let mut content = filled(&disk, &OpenOptions { scrub: None, ..options.clone() });
    let client = Client::open_on(&disk.host(), DIR, options).unwrap();
    let mut dice = fastrand::Rng::with_seed(3);
    for round in 0..60 {
        churn(&client, &mut content, &mut dice, 20);
        match round % 3 {
            0 => drop(client.database.compact().unwrap()),
            1 => assert!(client.database.write_checkpoint().unwrap()),
            _ => client.database.flush().unwrap(),
        }
        let now = stats(&client);
        assert_eq!(now.errors, 0, "{:?}", now.damage);
    }
    let now = after_a_pass(&client);
    assert_eq!(now.errors, 0, "{:?}", now.damage);
    client.database.close().unwrap();
}

#[test]
fn a_close_stops_it_at_once_and_other_handles_and_readers_share_it() {
    let disk = Disk::default();
    filled(&disk, &options());
    // A pass would take minutes.
    let scrub = Some(Scrub { interval: Duration::from_secs(3_600), bytes_per_second: 1_024 });
    let began = Instant::now();
    let client = Client::open_on(&disk.host(), DIR, OpenOptions { scrub, ..options() }).unwrap();
    let until = began + Duration::from_secs(60);
    while !stats(&client).running {
        assert!(Instant::now() < until, "the scrub does not begin");
        std::thread::yield_now();
    }
    let now = stats(&client);
    assert!(now.running && now.passes == 0 && now.bytes_total > 50_000, "{now:?}");
    client.database.close().unwrap();
    // Between two passes, and of a database that is only read.
    let reader = OpenOptions { access: Access::ReadOnly, creation: Creation::Never, ..scrubbed() };
    let interval = Duration::from_secs(3_600);
    let scrub = Some(Scrub { interval, ..reader.scrub.unwrap() });
    let client = Client::open_on(&disk.host(), DIR, OpenOptions { scrub, ..reader }).unwrap();
    while stats(&client).passes == 0 {
        assert!(Instant::now() < until, "the scrub does not end");
        std::thread::yield_now();
    }
    assert_eq!(stats(&client).errors, 0);
    client.database.close().unwrap();
}

#[test]
fn without_the_option_and_in_memory_there_is_none() {
    let client = Client::open_on(&Disk::default().host(), DIR, options()).unwrap();
    assert_eq!(client.database.stats().unwrap().scrub, None);
    client.database.close().unwrap();
    let client = Client::open(MEMORY, scrubbed()).unwrap();
    assert_eq!(client.database.stats().unwrap().scrub, None);
    client.database.close().unwrap();
}
