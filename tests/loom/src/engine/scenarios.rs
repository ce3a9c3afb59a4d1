//! Documents on disk while a compaction moves them: a reader finds the bytes of the version that it sees, in a file that
//! still exists, and what is cached in memory fits the slot.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use loom::thread;

use super::state::holds::Holds;
use super::state::slab::{Content, VisibleVersion, Slab, SlotId, Span, Version};
use crate::storage::contract::backend::FileId;
use crate::storage::{Block, BlockPlace, Lsn};

/// Every scenario, named by its promise.
pub const ALL: [(&str, fn()); 4] = [
    ("a read beside a compaction puts back what fits", reading),
    ("a read beside an update that a compaction meets finds a file", updating),
    ("what turns cold and warm beside a compaction stays whole", cooling),
    ("a file is there as long as somebody reads it", holding),
];

const LOG: FileId = FileId::Segment(1);
const LATER: FileId = FileId::Segment(2);
const SNAPSHOT: FileId = FileId::Snapshot(2);

/// Two documents, of which an update replaces the second. The files are not modelled.
struct World {
    slab: Slab,
    holds: Holds,
    published: AtomicU64,
    files: std::sync::Mutex<BTreeMap<FileId, Arc<Block>>>,
}

fn text(slot: u64, version: u64) -> String {
    format!("document {slot}/{version}")
}

/// A block of these documents, each after a header of so many bytes, and their spans.
fn block(file: FileId, head: usize, texts: &[(String, u64)]) -> (Arc<Block>, Vec<Span>) {
    let (mut bytes, mut spans) = (vec![b'.'; 8], Vec::new());
    for (text, version) in texts {
        bytes.resize(bytes.len() + head, b'.');
        let start = bytes.len();
        bytes.extend_from_slice(text.as_bytes());
        spans.push(Span::new(start..bytes.len(), head as u32, *version));
    }
    let place = BlockPlace { file, frame: 0, offset: 64, len: bytes.len() as u32 };
    (Arc::new(Block { place, base: 0, bytes: bytes.into(), transient: false }), spans)
}

impl World {
    /// With the documents on disk, or in memory.
    fn new(cold: bool) -> Arc<World> {
        let world = World {
            slab: Slab::default(),
            holds: Holds::default(),
            published: AtomicU64::new(1),
            files: std::sync::Mutex::default(),
        };
        let (block, spans) = block(LOG, 2, &[(text(0, 1), 1), (text(1, 1), 1)]);
        for span in spans {
            world.slab.push(Version { lsn: Lsn(1), content: Content::Hot(block.clone(), span) }, None);
        }
        world.files.lock().unwrap().insert(LOG, block);
        if cold {
            world.slab.cool_page(0, Lsn(1));
        }
        Arc::new(world)
    }

    fn file(&self, place: &BlockPlace) -> Arc<Block> {
        let files = self.files.lock().unwrap();
        let file = files.get(&place.file).expect("a file that a slot names was forgotten").clone();
        assert_eq!(file.place, *place);
        file
    }

    fn check(slot: u64, span: Span, block: &Block) {
        let found = String::from_utf8_lossy(span.of(block)).into_owned();
        let version = (1..=2).find(|version| span.is_of(*version)).unwrap();
        assert_eq!(found, text(slot, version), "slot {slot} names other bytes");
    }

    /// A read by `_id`, as the store does it.
    fn read(&self, slot: u64) {
        let ticket = self.holds.take();
        let view = || Lsn(self.published.load(Ordering::SeqCst));
        let version = self.slab.seen(SlotId(slot), view, |seen| match seen {
            VisibleVersion::Version(version) => version.clone(),
            _ => panic!("the document is there in every state"),
        }).unwrap();
        match (&version.content, version.on_disk()) {
            (Content::Hot(block, span), _) => World::check(slot, *span, block),
            (_, Some(disk)) => {
                thread::yield_now();
                let block = self.file(disk.place());
                World::check(slot, disk.span(), &block);
                let alone = Arc::new(disk.span().alone(&block).unwrap());
                self.slab.warm_block(SlotId(slot), &alone, |span| span == disk.span());
            }
            _ => panic!("the document is there in every state"),
        }
        self.holds.give_back(ticket);
        self.holds.forget_retired();
    }

    /// A commit that replaces the second document: applied, then published.
    fn update(&self) {
        let (block, spans) = block(LATER, 2, &[(text(1, 2), 2)]);
        self.files.lock().unwrap().insert(LATER, block.clone());
        self.slab.supersede(SlotId(1), Version { lsn: Lsn(2), content: Content::Hot(block, spans[0]) });
        thread::yield_now();
        self.published.store(2, Ordering::SeqCst);
        thread::yield_now();
    }

    /// A compaction whose cut is the first commit.
    fn compact(self: &Arc<Self>) {
        let ticket = self.holds.take();
        let (new, spans) = block(SNAPSHOT, 6, &[(text(0, 1), 1), (text(1, 1), 1)]);
        self.files.lock().unwrap().insert(SNAPSHOT, new.clone());
        let place = Arc::new(new.place);
        for (slot, span) in spans.into_iter().enumerate() {
            assert!(self.slab.repoint(SlotId(slot as u64), Lsn(1), Some(&new), &place, span));
        }
        let world = self.clone();
        self.holds.when_released(move || drop(world.files.lock().unwrap().remove(&LOG)));
        self.holds.give_back(ticket);
        self.holds.forget_retired();
    }

    /// What the next compaction would write.
    fn check_all(&self) {
        for slot in 0..2 {
            self.read(slot);
            self.read(slot);
        }
        assert!(!self.files.lock().unwrap().contains_key(&LOG), "a file stays that nobody reads");
    }
}

fn reading() {
    let world = World::new(true);
    let (reader, compactor) = (world.clone(), world.clone());
    let reader = thread::spawn(move || reader.read(1));
    let compactor = thread::spawn(move || compactor.compact());
    world.read(1);
    reader.join().unwrap();
    compactor.join().unwrap();
    world.check_all();
}

fn updating() {
    let world = World::new(true);
    let (writer, compactor) = (world.clone(), world.clone());
    let writer = thread::spawn(move || writer.update());
    let compactor = thread::spawn(move || compactor.compact());
    world.read(1);
    writer.join().unwrap();
    compactor.join().unwrap();
    world.check_all();
}

fn cooling() {
    let world = World::new(false);
    let (clock, compactor) = (world.clone(), world.clone());
    let clock = thread::spawn(move || {
        // Twice: the first round clears the use bits.
        clock.slab.cool_page(0, Lsn(1));
        clock.slab.cool_page(0, Lsn(1));
    });
    let compactor = thread::spawn(move || compactor.compact());
    world.read(1);
    clock.join().unwrap();
    compactor.join().unwrap();
    world.check_all();
}

fn holding() {
    let holds = Arc::new(Holds::default());
    let file = Arc::new(AtomicU64::new(1));
    let (readers, gone) = (holds.clone(), file.clone());
    let reader = thread::spawn(move || {
        let ticket = readers.take();
        let named = gone.load(Ordering::SeqCst) == 1;
        thread::yield_now();
        let still = gone.load(Ordering::SeqCst) != 0;
        assert!(!named || still, "a file was forgotten while it was read");
        readers.give_back(ticket);
        readers.forget_retired();
    });
    // From here on nothing refers to it.
    file.store(2, Ordering::SeqCst);
    let forgotten = file.clone();
    holds.when_released(move || forgotten.store(0, Ordering::SeqCst));
    reader.join().unwrap();
    assert_eq!(file.load(Ordering::SeqCst), 0);
    assert!(!holds.has_retired());
}
