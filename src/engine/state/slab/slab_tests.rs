//! Slots: what views see in them, and what is freed.

use super::*;
use crate::engine::state::version::OnDisk;
use crate::storage::FileId;
use std::ops::ControlFlow;

fn document(lsn: u64, text: &str) -> Version {
    let place = BlockPlace { file: FileId::Memory, frame: 0, offset: 0, len: text.len() as u32 };
    let block = Arc::new(Block { place, base: 0, bytes: text.as_bytes().into(), transient: false });
    Version { lsn: Lsn(lsn), content: Content::Hot(block, Span::new(0..text.len(), 0, lsn)) }
}

fn tombstone(lsn: u64) -> Version {
    Version { lsn: Lsn(lsn), content: Content::Tombstone }
}

fn visible(slab: &Slab, view: u64) -> Vec<String> {
    let mut found = Vec::new();
    slab.scan(0, slab.end(), Lsn(view), |_, version| {
        if let Content::Hot(block, span) = &version.content {
            found.push(String::from_utf8(block.bytes[span.range()].to_vec()).unwrap());
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    found
}

/// Puts one document that was read into memory.
fn warm(slab: &Slab, id: SlotId, read: &OnDisk, block: &Arc<Block>) {
    slab.warm_block(id, block, |span| span == read.span());
}

#[test]
fn slots_filled_in_pieces_are_those_pushed_one_by_one() {
    let versions: Vec<_> = (0..3 * CHUNK + 70).map(|n| document(1, &format!("d{n}"))).collect();
    let (pushed, filled) = (Slab::default(), Slab::default());
    for version in &versions {
        pushed.push(version.clone(), None);
    }
    // Boundaries inside a page, at its end, at a chunk's end, and across chunks; the last piece comes first.
    let borders = [0, 0, 1, 10, 64, 70, 4_095, 4_096, 4_097, 9_000, versions.len()];
    for piece in borders.windows(2).rev() {
        filled.fill(SlotId(piece[0] as u64), versions[piece[0]..piece[1]].iter().cloned());
    }
    assert_eq!(visible(&filled, 1), visible(&pushed, 1));
    let figures = |slab: &Slab| {
        let chunks = slab.chunks.read();
        let occupied: Vec<_> =
            chunks.iter().flatten().map(|chunk| chunk.occupied.load(Ordering::Relaxed)).collect();
        (slab.end(), slab.hot_bytes(), slab.live_bytes(), occupied)
    };
    assert_eq!(figures(&filled), figures(&pushed));
}

#[test]
fn each_view_sees_its_own_state() {
    let slab = Slab::default();
    let a = slab.push(document(1, "a1"), None);
    slab.push(document(2, "b"), None);
    slab.supersede(a, document(3, "a3"));
    slab.supersede(a, tombstone(4));
    let again = slab.push(document(5, "a5"), Some(a));
    assert_eq!(visible(&slab, 0), Vec::<String>::new());
    assert_eq!(visible(&slab, 1), ["a1"]);
    assert_eq!(visible(&slab, 2), ["a1", "b"]);
    assert_eq!(visible(&slab, 3), ["a3", "b"]);
    assert_eq!(visible(&slab, 4), ["b"]);
    assert_eq!(visible(&slab, 5), ["b", "a5"]);
    slab.seen(again, || Lsn(3), |seen| assert!(matches!(seen, VisibleVersion::Before(slot) if slot == a)))
        .unwrap();
}

#[test]
fn pruning_keeps_what_the_oldest_view_sees_and_frees_the_rest() {
    let slab = Slab::default();
    let a = slab.push(document(1, "one"), None);
    slab.supersede(a, document(3, "three"));
    slab.supersede(a, document(5, "five"));
    let bytes = |text: &str| document(1, text).content.hot_bytes();
    assert_eq!(slab.hot_bytes(), bytes("one") + bytes("three") + bytes("five"));
    slab.prune(a, Lsn(4));
    assert_eq!(
        (visible(&slab, 4), slab.hot_bytes()),
        (vec!["three".to_owned()], bytes("three") + bytes("five"))
    );
    slab.supersede(a, tombstone(7));
    assert!(!slab.bury(a, Lsn(6)));
    assert_eq!(visible(&slab, 6), ["five"]);
    assert!(slab.bury(a, Lsn(7)));
    assert_eq!((visible(&slab, 9).len(), slab.hot_bytes()), (0, 0));
}

#[test]
fn a_chunk_without_documents_is_freed() {
    let slab = Slab::default();
    for lsn in 1..=CHUNK + 1 {
        slab.push(document(lsn, "x"), None);
    }
    for id in 0..CHUNK {
        slab.supersede(SlotId(id), tombstone(CHUNK + 2 + id));
        assert!(slab.bury(SlotId(id), Lsn::NEWEST));
    }
    assert!(slab.chunks.read()[0].is_none());
    assert_eq!(visible(&slab, u64::MAX), ["x"]);
}

#[test]
fn a_scan_stops_where_it_is_told_and_goes_on_from_there() {
    let slab = Slab::default();
    for lsn in 1..=200 {
        slab.push(document(lsn, "x"), None);
    }
    let mut seen = 0;
    let next = slab
        .scan(0, slab.end(), Lsn(200), |_, _| {
            seen += 1;
            if seen == 70 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!(next, 70);
    slab.scan(next, slab.end(), Lsn(200), |_, _| {
        seen += 1;
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(seen, 200);
}

/// Documents of ten bytes, `count` per block, as a write of many leaves them.
fn together(lsn: u64, count: u32) -> Vec<Version> {
    let len = 8 + 10 * count;
    let place = BlockPlace { file: FileId::Segment(1), frame: lsn, offset: lsn, len };
    let block = Arc::new(Block { place, base: 0, bytes: vec![b'x'; len as usize].into(), transient: false });
    let content =
        |n| Content::Hot(block.clone(), Span::new(10 + 10 * n as usize..18 + 10 * n as usize, 2, 1));
    (0..count).map(|n| Version { lsn: Lsn(lsn), content: content(n) }).collect()
}

/// What a read of one document of [`together`] caches.
fn alone(disk: &OnDisk) -> Arc<Block> {
    let place = **disk.place();
    let whole = Block { place, base: 0, bytes: vec![b'x'; place.len as usize].into(), transient: false };
    Arc::new(disk.span().alone(&whole).unwrap())
}

fn counted(slab: &Slab) -> u64 {
    let chunks = slab.chunks.read();
    let pages = chunks.iter().flatten().flat_map(|chunk| chunk.pages.iter());
    pages.map(|page| page.slots.read().iter().map(|(_, slot)| bytes_of(slot)).sum::<u64>()).sum()
}

fn bytes_of(slot: &Slot) -> u64 {
    let older = slot.history.iter().flat_map(|history| &history.older);
    older.chain([&slot.newest]).map(|version| version.content.hot_bytes()).sum()
}

#[test]
fn the_count_is_what_is_held_however_documents_come_and_go() {
    for seed in 1..=40_u64 {
        let mut state = seed;
        let mut roll = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let slab = Slab::default();
        for lsn in 1..=30 {
            for version in together(lsn, 1 + roll(30) as u32) {
                slab.push(version, None);
            }
            for _ in 0..20 {
                let id = SlotId(roll(slab.end()));
                match roll(6) {
                    0 => {
                        slab.supersede(id, together(lsn, 1).remove(0));
                    }
                    1 => slab.prune(id, Lsn(lsn)),
                    2 => drop(slab.cool_page(id.0, Lsn(lsn))),
                    3 => slab.seen(id, || Lsn(lsn), |_| ()).unwrap(),
                    4 => {
                        let Some(disk) = slab.newest(id, Version::on_disk).unwrap().flatten() else {
                            continue;
                        };
                        warm(&slab, id, &disk, &alone(&disk));
                    }
                    _ => {
                        let Content::Hot(block, span) = together(99, 4).remove(2).content else { continue };
                        slab.repoint(id, Lsn(lsn), Some(&block), &Arc::new(block.place), span);
                    }
                }
                assert_eq!(slab.hot_bytes(), counted(&slab), "seed {seed}, lsn {lsn}");
                for page in (0..slab.end()).step_by(PAGE) {
                    let all = page..slab.end().min(page + PAGE as u64);
                    let hot =
                        |n| slab.newest(SlotId(n), |version| version.content.is_hot()).unwrap() == Some(true);
                    let warm = slab.next_warm(page) < page + PAGE as u64;
                    assert!(warm || !all.clone().any(hot), "seed {seed}: the clock passes slots {all:?} by");
                }
            }
        }
    }
}

#[test]
fn documents_that_come_and_go_one_by_one_share_the_place_of_their_block() {
    let slab = Slab::default();
    for version in together(1, 20) {
        slab.push(version, None);
    }
    let cold = |n| slab.newest(SlotId(n), Version::on_disk).unwrap().unwrap().unwrap();
    let places =
        || (0..20).map(|n| Arc::as_ptr(cold(n).place())).collect::<std::collections::HashSet<_>>().len();
    slab.cool_page(0, Lsn(1));
    assert_eq!((slab.hot_bytes(), places()), (0, 1));
    for n in 0..20 {
        warm(&slab, SlotId(n), &cold(n), &alone(&cold(n)));
        assert!(slab.hot_bytes() > 100, "a block of its own is counted with what it costs");
        slab.cool_page(0, Lsn(1));
    }
    assert_eq!((slab.hot_bytes(), places()), (0, 1));
}

#[test]
fn the_clock_looks_only_where_something_is_in_memory() {
    let slab = Slab::default();
    for lsn in 0..300 {
        for version in together(lsn, 60) {
            slab.push(version, None);
        }
    }
    let round = || {
        let (mut pages, mut slot) = (0, slab.next_warm(0));
        while slot < slab.end() {
            pages += 1;
            slot = slab.next_warm(slab.cool_page(slot, Lsn(300)).0);
        }
        pages
    };
    let all = slab.end().div_ceil(PAGE as u64);
    assert_eq!((round(), round(), slab.hot_bytes()), (all, 0, 0));
    for id in [70, 5_000, 17_999] {
        slab.supersede(SlotId(id), together(300, 1).remove(0));
    }
    assert_eq!((round(), round(), slab.hot_bytes()), (3, 0, 0));
}

/// Three documents in a block of a compaction's snapshot: as long as those of [`together`].
fn moved() -> (Arc<Block>, Arc<BlockPlace>, Vec<Span>) {
    let place = BlockPlace { file: FileId::Snapshot(2), frame: 64, offset: 72, len: 8 + 3 * 14 };
    let block =
        Arc::new(Block { place, base: 0, bytes: vec![b'y'; place.len as usize].into(), transient: false });
    let spans = (0..3).map(|n| Span::new(8 + 14 * n + 6..8 + 14 * n + 14, 6, 1)).collect();
    (block, Arc::new(place), spans)
}

/// Regression: a read by `_id` read a document of the log from disk, a compaction moved it into a snapshot, and the read
/// cached the block of the log under the span of the snapshot, because the commit was the same. The slot then named half of
/// another document.
/// block of the log under the span of the snapshot: the commit was the same. The slot then named half of another document.
#[test]
fn what_was_read_before_a_compaction_is_not_put_where_the_compaction_points() {
    let slab = Slab::default();
    for version in together(1, 3) {
        slab.push(version, None);
    }
    slab.cool_page(0, Lsn(1));
    let read = slab.newest(SlotId(1), Version::on_disk).unwrap().flatten().unwrap();
    let (block, place, spans) = moved();
    assert!(slab.repoint(SlotId(1), Lsn(1), Some(&block), &place, spans[1]));
    warm(&slab, SlotId(1), &read, &alone(&read));
    let now = slab.newest(SlotId(1), Version::on_disk).unwrap().flatten().unwrap();
    assert_eq!((**now.place(), now.span(), now.lsn()), (*place, spans[1], read.lsn()));
    assert_eq!(slab.hot_bytes(), 0);
    warm(&slab, SlotId(1), &now, &block);
    assert!(slab.newest(SlotId(1), |version| version.content.is_hot()).unwrap().unwrap());
}

/// Regression: an update that was applied and not published yet hid the version before it from the compaction. That version
/// kept its place in a file that was deleted, and every reader failed until the update was published.
/// file that was deleted, and every reader failed until the update was published.
#[test]
fn a_version_behind_a_newer_one_names_its_new_place_too() {
    let slab = Slab::default();
    for version in together(1, 3) {
        slab.push(version, None);
    }
    slab.cool_page(0, Lsn(1));
    let (block, place, spans) = moved();
    slab.supersede(SlotId(0), together(5, 1).remove(0));
    slab.supersede(SlotId(1), tombstone(5));
    for id in 0..3 {
        assert!(slab.repoint(SlotId(id), Lsn(4), Some(&block), &place, spans[id as usize]));
    }
    let mut places = Vec::new();
    slab.scan(0, slab.end(), Lsn(4), |_, version| {
        places.push(version.on_disk().map(|disk| **disk.place()));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(places, [Some(*place); 3]);
    assert!(
        slab.newest(SlotId(0), |version| version.lsn == Lsn(5) && version.content.is_hot()).unwrap().unwrap()
    );
    assert!(
        !slab.repoint(SlotId(1), Lsn(5), Some(&block), &place, spans[1]),
        "a deleted document has no place"
    );
    assert!(
        !slab.repoint(SlotId(2), Lsn(4), Some(&block), &place, Span::new(14..22, 6, 2)),
        "another version"
    );
    assert_eq!(slab.hot_bytes(), counted(&slab));
}

#[test]
fn only_pages_with_documents_take_memory() {
    let slab = Slab::default();
    for version in together(1, PAGE as u32 + 1) {
        slab.push(version, None);
    }
    let page = size_of::<[Slot; PAGE]>() as u64;
    assert_eq!(slab.slot_bytes(), 2 * page);
    let chunk = slab.chunk(0).unwrap();
    chunk.pages[2].touch(0);
    assert!(
        slab.newest(SlotId(2 * PAGE as u64), |version| version.content.is_document()).unwrap() == Some(false)
    );
    assert_eq!(slab.slot_bytes(), 2 * page);
}

#[test]
fn slots_in_memory_hide_those_of_a_checkpoint_and_the_others_do_not() {
    let below: Vec<(usize, Version)> =
        [0, 3, 5, 63].map(|at| (at, document(1, &format!("old {at}")))).into_iter().collect();
    let mut slots = Slots::default();
    let text = |slots: &Slots, view: u64| -> Vec<(usize, String)> {
        let seen = slots.seen(&below, Lsn(view)).filter_map(|(at, seen)| match seen {
            VisibleVersion::Version(Version { content: Content::Hot(block, span), .. }) => {
                Some((at, String::from_utf8(span.of(block).to_vec()).unwrap()))
            }
            _ => None,
        });
        seen.collect()
    };
    let old: Vec<_> = [0, 3, 5, 63].map(|at| (at, format!("old {at}"))).into();
    assert_eq!((text(&slots, 9), slots.bytes()), (old.clone(), 0));
    slots.put(63, Some(document(1, "old 63")));
    slots.put(3, Some(document(1, "old 3")));
    slots.put(7, None);
    slots.put(3, None);
    assert!(slots.has(3) && slots.has(7) && !slots.has(5) && slots.at_mut(5).is_none());
    let slot = slots.at_mut(3).unwrap();
    let before = std::mem::replace(&mut slot.newest, document(9, "new 3"));
    slot.history.get_or_insert_default().older.push_back(before);
    slots.at_mut(63).unwrap().newest = tombstone(9);
    let new = vec![(0, "old 0".to_owned()), (3, "new 3".to_owned()), (5, "old 5".to_owned())];
    assert_eq!((text(&slots, 9), text(&slots, 8).get(1)), (new.clone(), old.get(1)));
    assert!(slots.bytes() < 4 * size_of::<(u8, Slot)>() as u64 + 100);
    assert_eq!(slots.iter().map(|(at, _)| at).collect::<Vec<_>>(), [63, 3, 7]);
    slots.fill(below.clone());
    assert!(slots.is_all());
    assert_eq!(text(&slots, 9), new);
}
