//! Pages of entries against sorted lists of the same entries.

use super::*;
use crate::storage::pages::target::entry_bytes;

type Listed = Vec<(Vec<u8>, u64, bool)>;

fn page_of(entries: &Listed) -> Vec<u8> {
    let mut builder = EntriesBuilder::default();
    let mut expected = 0;
    for (key, slot, plus) in entries {
        let entry = Entry { key, slot: *slot, plus: *plus };
        expected = builder.len_with(entry);
        builder.push(entry);
    }
    let net: i64 = entries.iter().map(|(.., plus)| if *plus { 1 } else { -1 }).sum();
    assert_eq!(builder.net(), net);
    let mut page = Vec::new();
    builder.finish(9, &mut page);
    assert!(builder.is_empty());
    assert_eq!(page.len(), expected, "the length that was announced");
    page
}

/// Keys of which none is a prefix of another: a terminator that no other byte equals ends each.
fn keys(random: &mut fastrand::Rng, style: usize) -> Vec<u8> {
    let length = match style {
        0 => 0,
        1 => random.usize(0..3),
        2 => random.usize(6..9),
        _ => random.usize(0..40),
    };
    let start = if style == 2 { b"common".as_slice() } else { b"" };
    let letters = if random.bool() { 2..4 } else { 2..255 };
    start.iter().copied().chain((0..length).map(|_| random.u8(letters.clone()))).chain([1]).collect()
}

fn listed(random: &mut fastrand::Rng, count: usize) -> Listed {
    let (style, signed, bits) = (random.usize(0..4), random.bool(), random.u32(1..48));
    let mut entries: Listed = (0..count)
        .map(|_| (keys(random, style), random.u64(0..1 << bits), !signed || random.bool()))
        .collect();
    entries.sort_by_key(|one| entry_bytes(&one.0, one.1));
    entries.dedup_by(|a, b| (&a.0, a.1) == (&b.0, b.1));
    entries
}

#[test]
fn a_page_answers_as_the_list_of_its_entries_does() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..400 {
        let count = random.usize(1..120);
        let entries = listed(&mut random, count);
        let page = page_of(&entries);
        let read = Entries::of(&page).unwrap();
        read.check().unwrap_or_else(|why| panic!("{why}: seed {seed}, round {round}"));
        assert_eq!(read.len(), entries.len());
        let (mut key, mut net) = (Vec::new(), 0);
        for (at, (own, slot, plus)) in entries.iter().enumerate() {
            read.key(at, &mut key);
            assert_eq!(
                (&key, read.slot(at), read.is_plus(at)),
                (own, *slot, *plus),
                "seed {seed}, round {round}"
            );
            assert!(read.has_key(at, own) && !read.has_key(at, &[own, b"x".as_slice()].concat()));
            assert_eq!(read.net_before(at), net);
            net += if *plus { 1 } else { -1 };
        }
        assert_eq!(read.net_before(entries.len()), net);
        let whole: Vec<Vec<u8>> = entries.iter().map(|(key, slot, _)| entry_bytes(key, *slot)).collect();
        let others: Listed = listed(&mut random, 20);
        let mut targets: Vec<Vec<u8>> =
            others.into_iter().map(|(key, slot, _)| entry_bytes(&key, slot)).collect();
        targets.extend(whole.iter().cloned());
        targets.extend(targets.clone().into_iter().map(|mut bytes| {
            bytes.truncate(random.usize(0..=bytes.len()));
            bytes
        }));
        for bytes in &targets {
            let before = whole.partition_point(|entry| entry.as_slice() < bytes.as_slice());
            assert_eq!(read.position(Target::Before(bytes)), before, "seed {seed}, round {round}, {bytes:?}");
            let behind =
                whole.partition_point(|entry| &entry[..entry.len().min(bytes.len())] <= bytes.as_slice());
            assert_eq!(read.position(Target::Behind(bytes)), behind, "seed {seed}, round {round}, {bytes:?}");
        }
        assert_eq!((read.position(Target::First), read.position(Target::End)), (0, entries.len()));
    }
}

#[test]
fn equal_keys_take_six_bytes_each() {
    let entries: Listed = (0..500).map(|slot| (b"Berlin\x01".to_vec(), slot, true)).collect();
    let page = page_of(&entries);
    assert_eq!(page.len(), HEAD_LEN + 7 + 500 * SLOT);
}

#[test]
fn a_damaged_page_is_told_or_read_without_a_panic() {
    let mut random = fastrand::Rng::with_seed(5);
    for count in [1, 2, 30, 30, 30, 30, 30] {
        let page = page_of(&listed(&mut random, count));
        for at in 0..page.len() {
            for bit in 0..8 {
                let mut other = page.clone();
                other[at] ^= 1 << bit;
                read_all(&other);
            }
            read_all(&page[..at]);
            assert!(
                Entries::of(&page[..at]).and_then(|read| read.check()).is_err(),
                "{at} of {}",
                page.len()
            );
        }
        read_all(&[page.as_slice(), b"more"].concat());
    }
}

fn read_all(page: &[u8]) {
    let Ok(read) = Entries::of(page) else { return };
    let mut key = Vec::new();
    if read.check().is_ok() {
        let whole: Vec<Vec<u8>> = (0..read.len())
            .map(|at| {
                read.key(at, &mut key);
                entry_bytes(&key, read.slot(at))
            })
            .collect();
        assert!(whole.is_sorted_by(|last, next| last < next), "entries that pass the check are in order");
        for (at, own) in whole.iter().enumerate() {
            assert_eq!(read.position(Target::Before(own)), at, "and a search finds them");
        }
    }
    for at in 0..read.len() + 1 {
        read.key(at, &mut key);
        let _ = (read.slot(at), read.is_plus(at), read.net_before(at), read.has_key(at, &key));
    }
    let _ = (read.position(Target::Before(&key)), read.position(Target::Behind(&key)));
}
