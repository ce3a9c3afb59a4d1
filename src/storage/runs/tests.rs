//! Trees in run files against sorted lists.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::check::check_tree;
use super::cursor::Cursor;
use super::file::{RunFile, RunReference};
use super::page_store::{Access, PageStore};
use super::rows::Found;
use super::tree::Tree;
use super::tree_writer::{RowsWriter, TreeWriter};
use super::writer::RunWriter;
use crate::error::{Kind, Result};
use crate::storage::contract::backend::Lsn;
use crate::storage::host::system::Host;
use crate::storage::pages::entries::Entry;
use crate::storage::pages::target::{Target, entry_bytes};

const DATABASE: [u8; 16] = [7; 16];

/// (key, slot) with plus or minus.
type Listed = BTreeMap<(Vec<u8>, u64), bool>;
type Rows = BTreeMap<u64, Vec<u8>>;

struct Folder {
    host: Host,
    dir: tempfile::TempDir,
    store: PageStore,
}

impl Folder {
    fn new(cache: usize) -> Folder {
        Folder { host: Host::system(), dir: tempfile::tempdir().unwrap(), store: PageStore::new(cache) }
    }

    fn path(&self, run: u64) -> std::path::PathBuf {
        self.dir.path().join(format!("run-{run:016x}.run"))
    }

    fn write<R>(&self, run: u64, write: impl FnOnce(&mut RunWriter) -> Result<R>) -> Result<R> {
        let mut out = RunWriter::begin(&self.host, &self.path(run), DATABASE, run)?;
        let written = write(&mut out)?;
        let end = out.flush()?;
        RunFile::open_unfinished(&self.host, &self.path(run), &DATABASE, run, end)?;
        let reference = out.finish(b"catalogue", Lsn(3))?;
        let (file, foot) = RunFile::open(&self.host, &self.path(run), &DATABASE, &reference)?;
        assert_eq!((foot.lsn, &file.read(&foot.catalogue)?[12..]), (Lsn(3), b"catalogue".as_slice()));
        self.store.add(file);
        Ok(written)
    }

    fn keys(&self, run: u64, entries: &Listed) -> Option<Tree> {
        let root = self.write(run, |out| {
            let mut tree = TreeWriter::new(5);
            for ((key, slot), plus) in entries {
                tree.push(out, Entry { key, slot: *slot, plus: *plus })?;
            }
            tree.finish(out)
        });
        root.unwrap().map(|root| Tree::of_keys(5, run, root))
    }

    fn rows(&self, run: u64, rows: &Rows) -> Option<Tree> {
        let root = self.write(run, |out| {
            let mut tree = RowsWriter::new(6);
            for (slot, record) in rows {
                tree.push(out, *slot, record)?;
            }
            tree.finish(out)
        });
        root.unwrap().map(|root| Tree::of_rows(6, run, root))
    }
}

fn key(random: &mut fastrand::Rng) -> Vec<u8> {
    match random.u8(0..4) {
        0 => b"one of a few \x01".to_vec(),
        1 => [b"city ".as_slice(), &[random.u8(2..40)], &[1]].concat(),
        2 => (0..random.usize(0..6)).map(|_| random.u8(2..6)).chain([1]).collect(),
        _ => (0..random.usize(10..60)).map(|_| random.u8(2..)).chain([1]).collect(),
    }
}

fn listed(random: &mut fastrand::Rng, count: usize) -> Listed {
    (0..count).map(|_| ((key(random), random.u64(0..5_000)), random.u8(0..9) > 0)).collect()
}

fn walked(store: &PageStore, tree: &Tree, target: Target<'_>, access: Access) -> Vec<((Vec<u8>, u64), bool)> {
    let mut cursor = Cursor::at(store, tree.clone(), target, access).unwrap().unwrap();
    let mut all = Vec::new();
    while let Some(entry) = cursor.next(read).unwrap().unwrap() {
        all.push(entry);
    }
    all
}

fn read(page: &super::page::Page, at: usize) -> ((Vec<u8>, u64), bool) {
    let (entries, mut key) = (page.entries(), Vec::new());
    entries.key(at, &mut key);
    ((key, entries.slot(at)), entries.is_plus(at))
}

#[test]
fn a_tree_of_keys_answers_as_a_sorted_list_does() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for (round, count) in [0, 1, 2, 150, 3_000, 20_000].into_iter().enumerate() {
        let folder = Folder::new(if random.bool() { 1 << 14 } else { 1 << 30 });
        let entries = listed(&mut random, count);
        let Some(tree) = folder.keys(1, &entries) else {
            assert!(entries.is_empty());
            continue;
        };
        let expected: Vec<_> = entries.iter().map(|(entry, plus)| (entry.clone(), *plus)).collect();
        let bytes: Vec<Vec<u8>> = expected.iter().map(|((key, slot), _)| entry_bytes(key, *slot)).collect();
        assert!(bytes.is_sorted(), "seed {seed}");
        assert_eq!(check_tree(&folder.store, &tree).unwrap().entries, entries.len() as u64);
        for access in [Access::Pass, Access::Read] {
            assert_eq!(
                walked(&folder.store, &tree, Target::First, access),
                expected,
                "seed {seed}, round {round}"
            );
        }
        let net = |entries: &[((Vec<u8>, u64), bool)]| {
            entries.iter().map(|(_, plus)| if *plus { 1 } else { -1 }).sum::<i64>()
        };
        assert_eq!(tree.net(), net(&expected));
        for _ in 0..300 {
            let target = match random.usize(0..3) {
                0 => bytes[random.usize(0..bytes.len())].clone(),
                1 => {
                    let own = &bytes[random.usize(0..bytes.len())];
                    own[..random.usize(0..=own.len())].to_vec()
                }
                _ => key(&mut random),
            };
            let before = bytes.partition_point(|own| *own < target);
            let behind =
                bytes.partition_point(|own| &own[..own.len().min(target.len())] <= target.as_slice());
            for (target, at) in [(Target::Before(&target), before), (Target::Behind(&target), behind)] {
                let rank = tree.rank(&folder.store, target, Access::Read).unwrap();
                assert_eq!(rank, Some(net(&expected[..at])), "seed {seed}, round {round}, {target:?}");
                let mut cursor =
                    Cursor::at(&folder.store, tree.clone(), target, Access::Read).unwrap().unwrap();
                // To and fro, across the edges of pages.
                let mut at = at;
                for _ in 0..random.usize(0..30) {
                    let forward = random.bool();
                    for _ in 0..random.usize(0..200) {
                        let (found, next) = if forward {
                            (cursor.next(read).unwrap().unwrap(), expected.get(at).cloned())
                        } else {
                            (
                                cursor.previous(read).unwrap().unwrap(),
                                at.checked_sub(1).map(|at| expected[at].clone()),
                            )
                        };
                        assert_eq!(found, next, "seed {seed}, round {round}");
                        if next.is_some() {
                            at = if forward { at + 1 } else { at - 1 };
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_tree_of_rows_answers_as_a_map_does() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for count in [1, 60, 4_000] {
        let folder = Folder::new(1 << 20);
        let mut slot = random.u64(0..1 << 40);
        let rows: Rows = (0..count)
            .map(|_| {
                slot += if random.u8(0..50) == 0 { random.u64(1..1 << 34) } else { 1 };
                let length = if random.u8(0..200) == 0 { 40_000 } else { random.usize(0..300) };
                (slot, (0..length).map(|_| random.u8(..)).collect())
            })
            .collect();
        let tree = folder.rows(2, &rows).unwrap();
        assert_eq!(check_tree(&folder.store, &tree).unwrap().entries, rows.len() as u64);
        let net: i64 = rows.values().map(|record| if record.is_empty() { -1 } else { 1 }).sum();
        assert_eq!(tree.net(), net, "seed {seed}");
        for (slot, record) in &rows {
            for near in [*slot, slot.saturating_sub(1), slot + 1] {
                match (tree.row(&folder.store, near, Access::Read).unwrap(), rows.get(&near)) {
                    (Found::Row(row), Some(own)) => assert_eq!(row.record(), own.as_slice(), "seed {seed}"),
                    (Found::Nothing, None) => {}
                    _ => panic!("slot {near} of record {}: seed {seed}", record.len()),
                }
            }
        }
    }
}

#[test]
fn every_flipped_bit_and_every_cut_of_a_run_file_is_told() {
    let folder = Folder::new(1 << 20);
    let mut random = fastrand::Rng::with_seed(2);
    let entries = listed(&mut random, 300);
    let (tree, reference) = {
        let mut out = RunWriter::begin(&folder.host, &folder.path(1), DATABASE, 1).unwrap();
        let mut tree = TreeWriter::new(5);
        for ((key, slot), plus) in &entries {
            tree.push(&mut out, Entry { key, slot: *slot, plus: *plus }).unwrap();
        }
        let root = tree.finish(&mut out).unwrap().unwrap();
        (Tree::of_keys(5, 1, root), out.finish(b"catalogue", Lsn(1)).unwrap())
    };
    let whole = std::fs::read(folder.path(1)).unwrap();
    assert!(all(&folder.path(1), &reference, &tree).is_ok());
    let other = folder.dir.path().join("other.run");
    let mut damaged = 0;
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        std::fs::write(&other, &bytes).unwrap();
        let error = all(&other, &reference, &tree).expect_err(&format!("byte {at} of {}", whole.len()));
        assert!(matches!(error.kind(), Kind::Corrupt | Kind::Version), "{error}");
        damaged += 1;
        if at % 7 == 0 {
            std::fs::write(&other, &whole[..at]).unwrap();
            assert_eq!(all(&other, &reference, &tree).expect_err("a cut").kind(), Kind::Corrupt);
        }
    }
    assert_eq!(damaged, whole.len());
}

fn all(path: &Path, reference: &RunReference, tree: &Tree) -> Result<()> {
    let (file, foot) = RunFile::open(&Host::system(), path, &DATABASE, reference)?;
    file.read(&foot.catalogue)?;
    let store = PageStore::new(1 << 20);
    store.add(file);
    // A tree keeps its root, so this one is read anew.
    check_tree(&store, &Tree::of_keys(tree.number, tree.run, tree.root)).map(drop)
}

#[test]
fn what_is_not_in_memory_is_not_read_where_that_may_block() {
    let folder = Folder::new(1 << 30);
    let mut random = fastrand::Rng::with_seed(4);
    let tree = folder.keys(1, &listed(&mut random, 3_000)).unwrap();
    let target = Target::Before(b"city ");
    assert_eq!(tree.rank(&folder.store, target, Access::Resident).unwrap(), None);
    assert!(Cursor::at(&folder.store, tree.clone(), target, Access::Resident).unwrap().is_none());
    assert_eq!(folder.store.pages_read(), 0);
    let rank = tree.rank(&folder.store, target, Access::Read).unwrap();
    let read = folder.store.pages_read();
    assert!(rank.is_some() && read > 0);
    assert_eq!(tree.rank(&folder.store, target, Access::Resident).unwrap(), rank);
    assert_eq!(folder.store.pages_read(), read);
}

#[test]
fn the_cache_keeps_within_its_limit_beside_readers() {
    let folder = Arc::new(Folder::new(1 << 17));
    let mut random = fastrand::Rng::with_seed(4);
    let entries = listed(&mut random, 30_000);
    let tree = folder.keys(1, &entries).unwrap();
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let (folder, entries, tree) = (&folder, &entries, &tree);
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed);
                for _ in 0..400 {
                    let ((key, slot), plus) = entries.iter().nth(random.usize(0..entries.len())).unwrap();
                    let bytes = entry_bytes(key, *slot);
                    let mut cursor =
                        Cursor::at(&folder.store, tree.clone(), Target::Before(&bytes), Access::Read)
                            .unwrap()
                            .unwrap();
                    let found = cursor.next(super::tests::read).unwrap().unwrap();
                    assert_eq!(found, Some(((key.clone(), *slot), *plus)));
                    assert!(folder.store.cache().bytes() < (1 << 17) + 16 * 16_384);
                }
            });
        }
    });
    assert!(folder.store.pages_read() > 200);
    folder.store.cache().set_limit(0);
    assert!(folder.store.cache().bytes() <= 1 << 16, "{}", folder.store.cache().bytes());
    folder.store.remove(1);
    assert_eq!(folder.store.cache().bytes(), 0);
}
