//! Shapes: the key lists that objects share. A collection holds each once; an object stores only its number.
//!
//! The table only grows, and the meaning of a number never changes, so readers need no lock: they look up numbers
//! found in bytes, and a shape is published before the bytes that name it.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{LazyLock, OnceLock};

use parking_lot::RwLock;
use smallvec::SmallVec;

/// Shapes a collection may have; objects beyond are stored as plain maps.
pub const MAX_SHAPES: usize = 1024;
/// Keys a shape may have: its definition counts them in 16 bits.
pub const MAX_SHAPE_KEYS: usize = u16::MAX as usize;
const CHUNK: usize = 64;

/// The number of a shape within its collection, counted from 0.
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

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether this is the shape of `{}`.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether these are its keys, in this order.
    pub fn has_keys<S: AsRef<str>>(&self, keys: &[S]) -> bool {
        self.keys.len() == keys.len() && self.keys.iter().zip(keys).all(|(own, key)| **own == *key.as_ref())
    }

    /// The position of a key.
    pub fn position(&self, key: &str) -> Option<usize> {
        self.keys.iter().position(|own| &**own == key)
    }
}

/// A duplicate key, if there is one.
pub(crate) fn first_repeated<S: AsRef<str>>(keys: &[S]) -> Option<&str> {
    if keys.len() <= 16 {
        let again = |at: usize| keys.iter().take(at).any(|other| other.as_ref() == keys[at].as_ref());
        return (0..keys.len()).find(|&at| again(at)).map(|at| keys[at].as_ref());
    }
    let mut sorted: Vec<&str> = keys.iter().map(AsRef::as_ref).collect();
    sorted.sort_unstable();
    sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// Numbers by the hash of their key lists. Different lists may share a hash, so the caller compares the keys.
#[derive(Default)]
pub(crate) struct Numbers {
    by_hash: HashMap<u64, SmallVec<[ShapeId; 2]>, foldhash::fast::FixedState>,
}

impl Numbers {
    /// The numbers whose key lists have this hash.
    pub(crate) fn candidates(&self, hash: u64) -> &[ShapeId] {
        self.by_hash.get(&hash).map(SmallVec::as_slice).unwrap_or_default()
    }

    /// Remembers a number.
    pub(crate) fn insert(&mut self, hash: u64, id: ShapeId) {
        self.by_hash.entry(hash).or_default().push(id);
    }

    /// Forgets a number.
    pub(crate) fn remove(&mut self, hash: u64, id: ShapeId) {
        if let Some(ids) = self.by_hash.get_mut(&hash) {
            ids.retain(|own| *own != id);
        }
    }
}

type Chunk = Box<[OnceLock<Shape>; CHUNK]>;

/// The shapes of one collection.
pub struct Shapes {
    serial: u64,
    chunks: [OnceLock<Chunk>; MAX_SHAPES / CHUNK],
    len: AtomicUsize,
    numbers: RwLock<Numbers>,
    hasher: foldhash::fast::RandomState,
}

impl Default for Shapes {
    fn default() -> Shapes {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Shapes {
            serial: NEXT.fetch_add(1, Ordering::Relaxed),
            chunks: Default::default(),
            len: AtomicUsize::new(0),
            numbers: RwLock::default(),
            hasher: foldhash::fast::RandomState::default(),
        }
    }
}

impl Shapes {
    /// An empty table.
    pub fn new() -> Shapes {
        Shapes::default()
    }

    /// An empty table that stays empty, for bytes whose objects are maps. A table allocates space for many shapes,
    /// which would take longer than reading such a value.
    pub fn none() -> &'static Shapes {
        static NONE: LazyLock<Shapes> = LazyLock::new(Shapes::new);
        &NONE
    }

    /// An id of this table that no other table of the process has or had.
    pub(crate) fn serial(&self) -> u64 {
        self.serial
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
        self.find_hashed(self.hash(keys), keys)
    }

    /// The hash of a key list, stable for the lifetime of the table.
    pub(crate) fn hash<S: AsRef<str>>(&self, keys: &[S]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        for key in keys {
            key.as_ref().hash(&mut hasher);
        }
        hasher.finish()
    }

    /// [`Shapes::find`] for keys whose hash is known.
    pub(crate) fn find_hashed<S: AsRef<str>>(&self, hash: u64, keys: &[S]) -> Option<ShapeId> {
        self.matching(&self.numbers.read(), hash, keys)
    }

    fn matching<S: AsRef<str>>(&self, numbers: &Numbers, hash: u64, keys: &[S]) -> Option<ShapeId> {
        let is_this = |id: &ShapeId| self.get(*id).is_some_and(|shape| shape.has_keys(keys));
        numbers.candidates(hash).iter().copied().find(is_this)
    }

    /// Appends a shape. `None` when the table is full, when it has an equal shape already, or when the shape has a
    /// duplicate key or more than [`MAX_SHAPE_KEYS`]: so every shape of a table has distinct keys. The commit path
    /// assigns numbers, and replay in the same order.
    pub fn push(&self, shape: Shape) -> Option<ShapeId> {
        if shape.len() > MAX_SHAPE_KEYS || first_repeated(shape.keys()).is_some() {
            return None;
        }
        let hash = self.hash(shape.keys());
        let mut numbers = self.numbers.write();
        let index = self.len();
        if index == MAX_SHAPES || self.matching(&numbers, hash, shape.keys()).is_some() {
            return None;
        }
        let id = ShapeId(u16::try_from(index).ok()?);
        numbers.insert(hash, id);
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
    fn a_shape_that_repeats_a_key_is_refused() {
        let shapes = Shapes::new();
        assert_eq!(shapes.push(Shape::new(&["a", "b", "a"])), None);
        let mut many: Vec<String> = (0..40).map(|n| n.to_string()).collect();
        many.push("7".into());
        assert_eq!(shapes.push(Shape::new(&many)), None);
        assert!(shapes.is_empty());
    }

    #[test]
    fn key_lists_that_share_a_hash_are_distinguished() {
        let shapes = Shapes::new();
        let one = shapes.push(Shape::new(&["a"])).unwrap();
        let two = shapes.push(Shape::new(&["b"])).unwrap();
        let mut numbers = Numbers::default();
        numbers.insert(7, one);
        numbers.insert(7, two);
        assert_eq!(shapes.matching(&numbers, 7, &["b"]), Some(two));
        assert_eq!(shapes.matching(&numbers, 7, &["a"]), Some(one));
        assert_eq!(shapes.matching(&numbers, 7, &["c"]), None);
        numbers.remove(7, two);
        assert_eq!(shapes.matching(&numbers, 7, &["b"]), None);
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
