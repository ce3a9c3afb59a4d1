//! Shapes: the key lists that objects share. A collection holds each once; an object stores only its number.
//!
//! The table only grows, and a number once given never changes its meaning, so readers need no lock: they
//! follow numbers found in bytes, and bytes that name a shape are published after the shape is.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::RwLock;

/// Shapes a collection may have; objects beyond are stored as plain maps.
pub const MAX_SHAPES: usize = 1024;
const CHUNK: usize = 64;

/// The number of a shape within its collection, given in order from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShapeId(pub u16);

/// The keys of an object, in order and distinct.
#[derive(Debug, PartialEq, Eq)]
pub struct Shape {
    keys: Box<[Box<str>]>,
}

impl Shape {
    /// A shape of these keys.
    pub fn new<S: AsRef<str>>(keys: &[S]) -> Shape {
        Shape { keys: keys.iter().map(|key| key.as_ref().into()).collect() }
    }

    /// The keys in order.
    pub fn keys(&self) -> &[Box<str>] {
        &self.keys
    }

    /// How many keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether this is the shape of `{}`.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The place of a key.
    pub fn position(&self, key: &str) -> Option<usize> {
        self.keys.iter().position(|own| &**own == key)
    }
}

type Chunk = Box<[OnceLock<Shape>; CHUNK]>;

/// The shapes of one collection.
#[derive(Default)]
pub struct Shapes {
    chunks: [OnceLock<Chunk>; MAX_SHAPES / CHUNK],
    len: AtomicUsize,
    numbers: RwLock<HashMap<Box<[Box<str>]>, ShapeId, foldhash::fast::RandomState>>,
}

impl Shapes {
    /// An empty table.
    pub fn new() -> Shapes {
        Shapes::default()
    }

    /// How many shapes there are; ids are `0..len`.
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shape with this number.
    #[inline]
    pub fn get(&self, id: ShapeId) -> Option<&Shape> {
        let index = usize::from(id.0);
        self.chunks.get(index / CHUNK)?.get()?[index % CHUNK].get()
    }

    /// The number of the shape with exactly these keys in this order.
    pub fn find<S: AsRef<str>>(&self, keys: &[S]) -> Option<ShapeId> {
        // The map is keyed by owned key lists; candidates are few, so a borrowed look-up walks a small copy.
        let owned: Box<[Box<str>]> = keys.iter().map(|key| key.as_ref().into()).collect();
        self.numbers.read().get(&owned).copied()
    }

    /// Appends a shape. `None` when the table is full, or when an equal shape is there already: numbers are
    /// given by the one commit path (or by replay, in the same order), so either is the caller's mistake.
    pub fn push(&self, shape: Shape) -> Option<ShapeId> {
        let mut numbers = self.numbers.write();
        let index = self.len();
        if index == MAX_SHAPES || numbers.contains_key(shape.keys()) {
            return None;
        }
        let id = ShapeId(u16::try_from(index).ok()?);
        numbers.insert(shape.keys().into(), id);
        let chunk = self.chunks[index / CHUNK].get_or_init(|| Box::new([const { OnceLock::new() }; CHUNK]));
        let placed = chunk[index % CHUNK].set(shape).is_ok();
        debug_assert!(placed, "the slot after the last shape is empty");
        self.len.store(index + 1, Ordering::Release);
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_in_order_and_found_again() {
        let shapes = Shapes::new();
        assert_eq!(shapes.push(Shape::new(&["_id", "a"])), Some(ShapeId(0)));
        assert_eq!(shapes.push(Shape::new(&["a", "_id"])), Some(ShapeId(1)));
        assert_eq!(shapes.push(Shape::new(&["a", "_id"])), None);
        assert_eq!(shapes.find(&["_id", "a"]), Some(ShapeId(0)));
        assert_eq!(shapes.find(&["_id"]), None);
        assert_eq!(shapes.get(ShapeId(1)).unwrap().position("_id"), Some(1));
        assert!(shapes.get(ShapeId(2)).is_none());
    }

    #[test]
    fn the_table_is_full_at_its_limit() {
        let shapes = Shapes::new();
        for n in 0..MAX_SHAPES {
            assert_eq!(shapes.push(Shape::new(&[n.to_string()])), Some(ShapeId(n as u16)));
        }
        assert_eq!(shapes.push(Shape::new(&["one more"])), None);
        assert_eq!(shapes.len(), MAX_SHAPES);
    }
}
