//! The tree, compared with an ordered map.

use super::*;
use crate::index::entry::MAX_KEY;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::Bound;

type Model = BTreeMap<(Vec<u8>, u64), u32>;

/// Keys of which none is a prefix of another: they end in a zero byte and contain no other.
fn any_key() -> impl Strategy<Value = Vec<u8>> {
    let bytes = prop_oneof![
        4 => proptest::collection::vec(1..4u8, 0..4),
        1 => proptest::collection::vec(1..=255u8, 0..12),
        1 => (1..4u8, 0..900usize).prop_map(|(byte, len)| vec![byte; len]),
    ];
    bytes.prop_map(|mut key| {
        key.push(0);
        key
    })
}

fn any_bound() -> impl Strategy<Value = Vec<u8>> {
    (any_key(), any::<bool>(), 0..4usize).prop_map(|(mut key, whole, len)| {
        if !whole {
            key.truncate(len.min(key.len() - 1));
        }
        key
    })
}

#[derive(Clone, Debug)]
enum Act {
    Insert(Vec<u8>, u64),
    Remove(Vec<u8>, u64),
    RemoveNth(usize),
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (any_key(), 0..400u64).prop_map(|(key, slot)| Act::Insert(key, slot)),
        1 => (any_key(), 0..400u64).prop_map(|(key, slot)| Act::Remove(key, slot)),
        1 => any::<usize>().prop_map(Act::RemoveNth),
    ]
}

/// Every other operation starts at the leaf of an earlier one, which may have changed since.
fn play(tree: &mut Tree, model: &mut Model, acts: &[Act]) {
    let mut last = None;
    for (n, act) in acts.iter().enumerate() {
        let near = if n % 2 == 0 { last } else { None };
        match act {
            Act::Insert(key, slot) => {
                last = tree.insert_near(near, key, *slot);
                *model.entry((key.clone(), *slot)).or_default() += 1;
            }
            Act::Remove(key, slot) => {
                let there = take(model, &(key.clone(), *slot));
                let (leaf, found) = tree.remove_near(near, key, *slot);
                assert_eq!(found, there);
                last = leaf;
            }
            Act::RemoveNth(n) => {
                let nth = model.keys().nth(n % model.len().max(1)).cloned();
                if let Some((key, slot)) = nth {
                    take(model, &(key.clone(), slot));
                    let (leaf, found) = tree.remove_near(near, &key, slot);
                    assert!(found);
                    last = leaf;
                }
            }
        }
    }
}

fn take(model: &mut Model, entry: &(Vec<u8>, u64)) -> bool {
    let Some(times) = model.get_mut(entry) else { return false };
    *times -= 1;
    if *times == 0 {
        model.remove(entry);
    }
    true
}

fn all(tree: &Tree) -> Model {
    let mut found = Model::new();
    tree.each(|key, slot, times| {
        assert!(found.insert((key.to_vec(), slot), times).is_none());
    });
    found
}

fn check(tree: &Tree, model: &Model) {
    assert_eq!(&all(tree), model);
    assert_eq!(tree.len(), model.len() as u64);
    let leaves: u64 = tree.chunks.iter().flat_map(|chunk| &chunk.leaves).map(Leaf::allocated).sum();
    assert_eq!(tree.allocated, leaves);
    for chunk in &tree.chunks {
        assert_eq!(chunk.len, chunk.leaves.iter().map(Leaf::len).sum::<usize>());
    }
}

fn within(model: &Model, range: &Range) -> Vec<(Vec<u8>, u64)> {
    let from = (Bound::Included((range.low.clone(), 0)), Bound::Unbounded);
    model.range(from).map(|(entry, _)| entry.clone()).filter(|(key, _)| range.contains(key)).collect()
}

fn pages(tree: &Tree, range: &Range, direction: ScanDirection, max: usize) -> Vec<(Vec<u8>, u64)> {
    let mut found = Vec::new();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let before = found.len();
        after =
            tree.page(range, after.as_deref(), direction, max, |key, slot| found.push((key.to_vec(), slot)));
        assert!(found.len() - before <= max);
        if after.is_none() {
            return found;
        }
        assert_eq!(found.len() - before, max);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_tree_holds_what_an_ordered_map_holds(
        acts in proptest::collection::vec(any_act(), 0..2_000),
        bounds in proptest::collection::vec((any_bound(), any_bound()), 1..20),
        max in 1..300usize,
    ) {
        let (mut tree, mut model) = (Tree::new(), Model::new());
        play(&mut tree, &mut model, &acts);
        check(&tree, &model);
        for (low, high) in bounds {
            let mut slots = Vec::new();
            tree.slots_of(&low, |slot| {
                slots.push(slot);
                ControlFlow::Continue(())
            });
            let of_low = model.keys().filter(|(key, _)| *key == low).map(|(_, slot)| *slot);
            prop_assert_eq!(slots, of_low.collect::<Vec<_>>());
            let range = Range { low, high };
            let expected = within(&model, &range);
            prop_assert_eq!(tree.estimate(&range), expected.len() as u64, "{:?}", range);
            prop_assert_eq!(&pages(&tree, &range, ScanDirection::Forward, max), &expected, "{:?}", range);
            let mut backward = pages(&tree, &range, ScanDirection::Backward, max);
            backward.reverse();
            prop_assert_eq!(&backward, &expected, "{:?} backward", range);
        }
    }

    #[test]
    fn a_tree_built_from_sorted_entries_goes_on_as_one_that_grew(
        keys in proptest::collection::vec((any_key(), 0..40u64), 0..3_000),
        acts in proptest::collection::vec(any_act(), 0..500),
    ) {
        let mut model = Model::new();
        let mut entries = crate::index::Entries::default();
        for (key, slot) in keys {
            entries.push(&key, slot);
            *model.entry((key, slot)).or_default() += 1;
        }
        entries.sort();
        let mut tree = crate::index::merge(&[entries], |_| {});
        check(&tree, &model);
        play(&mut tree, &mut model, &acts);
        check(&tree, &model);
    }
}

#[test]
fn a_million_entries_come_and_go_in_any_order() {
    let mut tree = Tree::new();
    let scrambled = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    for n in 0..1_000_000 {
        tree.insert(&scrambled(n).to_be_bytes(), n);
    }
    assert_eq!(tree.len(), 1_000_000);
    let mut last = Vec::new();
    tree.each(|key, _, _| {
        assert!(*last < *key);
        last = key.to_vec();
    });
    for n in 0..999_000 {
        assert!(tree.remove(&scrambled(n).to_be_bytes(), n), "{n}");
    }
    assert_eq!(tree.len(), 1_000);
    assert!(tree.bytes() < 200_000, "{} bytes for 1,000 entries", tree.bytes());
    for n in 999_000..1_000_000 {
        assert!(tree.remove(&scrambled(n).to_be_bytes(), n), "{n}");
    }
    assert_eq!((tree.len(), tree.bytes()), (0, 0));
}

#[test]
fn keys_that_grow_fill_their_leaves() {
    let mut tree = Tree::new();
    for n in 0..100_000u64 {
        tree.insert(&n.to_be_bytes(), n);
    }
    let bytes = tree.bytes() / tree.len();
    assert!(bytes <= 8 + 6 + 4, "{bytes} bytes an entry of 14");
}

#[test]
fn a_key_that_is_too_long_is_cut_and_found_by_its_whole() {
    let mut tree = Tree::new();
    let long: Vec<u8> = vec![7; 5_000];
    tree.insert(&long, 3);
    let mut found = Vec::new();
    tree.page(&Range::only(&long), None, ScanDirection::Forward, 10, |key, slot| {
        found.push((key.len(), slot))
    });
    assert_eq!(found, [(MAX_KEY, 3)]);
    assert!(tree.remove(&long, 3));
}
