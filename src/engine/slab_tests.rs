//! Slots: what views see in them, and what is let go.

use super::*;
use crate::storage::FileId;
use std::ops::ControlFlow;

fn document(lsn: u64, text: &str) -> Version {
    let place = BlockPlace { file: FileId::Memory, frame: 0, offset: 0, len: text.len() as u32 };
    let block = Arc::new(Block { place, base: 0, bytes: text.as_bytes().into() });
    Version { lsn: Lsn(lsn), content: Content::Hot(block, Span::new(0, text.len() as u32, 0)) }
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
    });
    found
}

#[test]
fn slots_filled_in_pieces_are_those_pushed_one_by_one() {
    let versions: Vec<_> = (0..3 * CHUNK + 70).map(|n| document(1, &format!("d{n}"))).collect();
    let (pushed, filled) = (Slab::default(), Slab::default());
    for version in &versions {
        pushed.push(version.clone(), None);
    }
    // Borders inside a page, at its end, at a chunk's end, and across chunks; the last piece comes first.
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
    slab.seen(again, || Lsn(3), |seen| assert!(matches!(seen, Seen::Before(slot) if slot == a)));
}

#[test]
fn pruning_keeps_what_the_oldest_view_sees_and_frees_the_rest() {
    let slab = Slab::default();
    let a = slab.push(document(1, "one"), None);
    slab.supersede(a, document(3, "three"));
    slab.supersede(a, document(5, "five"));
    assert_eq!(slab.hot_bytes(), 12);
    slab.prune(a, Lsn(4));
    assert_eq!((visible(&slab, 4), slab.hot_bytes()), (vec!["three".to_owned()], 9));
    slab.supersede(a, tombstone(7));
    assert!(!slab.bury(a, Lsn(6)));
    assert_eq!(visible(&slab, 6), ["five"]);
    assert!(slab.bury(a, Lsn(7)));
    assert_eq!((visible(&slab, 9).len(), slab.hot_bytes()), (0, 0));
}

#[test]
fn a_chunk_without_documents_is_let_go() {
    let slab = Slab::default();
    for lsn in 1..=CHUNK + 1 {
        slab.push(document(lsn, "x"), None);
    }
    for id in 0..CHUNK {
        slab.supersede(SlotId(id), tombstone(CHUNK + 2 + id));
        assert!(slab.bury(SlotId(id), Lsn(u64::MAX)));
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
    let next = slab.scan(0, slab.end(), Lsn(200), |_, _| {
        seen += 1;
        if seen == 70 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(next, 70);
    slab.scan(next, slab.end(), Lsn(200), |_, _| {
        seen += 1;
        ControlFlow::Continue(())
    });
    assert_eq!(seen, 200);
}
