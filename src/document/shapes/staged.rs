//! Shapes that an uncommitted write adds.
//!
//! A write is encoded before the commit lock is taken, so its new shapes have no numbers yet. They get the next
//! numbers of the table as it was when staging began. If the table has grown when the write commits and anything was
//! staged, those numbers mean other shapes, and the write is encoded again.

use super::shape::{MAX_SHAPES, Numbers, Shape, ShapeId, Shapes, first_repeated};

/// The most keys that an object with a shape has. Wider objects are usually dictionaries with keys of their own, and
/// a shape lives as long as its collection.
pub(crate) const WIDEST_SHAPE: usize = 512;

/// The largest average length of the keys of such an object, in bytes. A shape outlives its documents, and a tree
/// repeats the keys of each of its objects: with longer keys a small document could take any amount of memory.
pub(crate) const LONGEST_KEYS: usize = 64;

/// Whether an object of these keys may have a shape.
pub(crate) fn is_worth_a_shape<'k>(keys: impl ExactSizeIterator<Item = &'k str>) -> bool {
    let len = keys.len();
    len <= WIDEST_SHAPE && keys.map(str::len).sum::<usize>() <= LONGEST_KEYS * len
}

/// The shapes of a collection and, with the next numbers, those that a write adds.
pub struct StagedShapes<'a> {
    table: &'a Shapes,
    first: usize,
    staged: Vec<Shape>,
    numbers: Numbers,
}

impl<'a> StagedShapes<'a> {
    /// Nothing staged for this table.
    pub fn new(table: &'a Shapes) -> Self {
        StagedShapes { table, first: table.len(), staged: Vec::new(), numbers: Numbers::default() }
    }

    /// The table that numbers go on from.
    pub fn table(&self) -> &'a Shapes {
        self.table
    }

    /// Number of the shape with these keys: known, or staged now. `None` when the table is full, the object wider
    /// than [`WIDEST_SHAPE`] or its keys longer than [`LONGEST_KEYS`]: store it as a map. Duplicate keys get no
    /// number either, so what is staged can always be pushed.
    pub fn number<S: AsRef<str>>(&mut self, keys: &[S]) -> Option<ShapeId> {
        if keys.len() > WIDEST_SHAPE {
            return None;
        }
        let hash = self.table.hash(keys);
        if let Some(id) = self.table.find_hashed(hash, keys)
            && self.is_settled(id)
        {
            return Some(id);
        }
        let is_this = |id: &ShapeId| self.staged_shape(*id).is_some_and(|shape| shape.has_keys(keys));
        if let Some(id) = self.numbers.candidates(hash).iter().copied().find(is_this) {
            return Some(id);
        }
        let next = self.first + self.staged.len();
        let worth = is_worth_a_shape(keys.iter().map(AsRef::as_ref));
        if next >= MAX_SHAPES || !worth || first_repeated(keys).is_some() {
            return None;
        }
        let id = ShapeId(u16::try_from(next).ok()?);
        self.numbers.insert(hash, id);
        self.staged.push(Shape::new(keys));
        Some(id)
    }

    /// Whether nothing is staged: bytes written with it are final.
    pub fn is_empty(&self) -> bool {
        self.staged.is_empty()
    }

    /// The staged shapes; the first has the number [`StagedShapes::first_id`].
    pub fn staged(&self) -> &[Shape] {
        &self.staged
    }

    /// The number of the first staged shape: the length of the table when staging began.
    pub fn first_id(&self) -> u16 {
        // At most MAX_SHAPES.
        self.first as u16
    }

    /// The staged shapes, to be pushed in this order.
    pub fn into_staged(self) -> Vec<Shape> {
        self.staged
    }

    /// Whether a number means a shape of the table and not a staged one. A shape that was added to the table after
    /// staging began does not count, because a staged shape may have its number.
    pub(crate) fn is_settled(&self, id: ShapeId) -> bool {
        usize::from(id.0) < self.first
    }

    /// Forgets what was staged after there were this many.
    pub(crate) fn truncate(&mut self, len: usize) {
        while self.staged.len() > len {
            let Some(shape) = self.staged.pop() else { return };
            let id = ShapeId((self.first + self.staged.len()) as u16);
            self.numbers.remove(self.table.hash(shape.keys()), id);
        }
    }

    fn staged_shape(&self, id: ShapeId) -> Option<&Shape> {
        self.staged.get(usize::from(id.0).checked_sub(self.first)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_shapes_keep_their_number_and_new_ones_go_on_from_the_table() {
        let table = Shapes::new();
        table.push(Shape::new(&["a"])).unwrap();
        let mut staged = StagedShapes::new(&table);
        assert_eq!(staged.number(&["a"]), Some(ShapeId(0)));
        assert!(staged.is_empty());
        assert_eq!(staged.number(&["b"]), Some(ShapeId(1)));
        assert_eq!(staged.number(&["b", "a"]), Some(ShapeId(2)));
        assert_eq!(staged.number(&["b"]), Some(ShapeId(1)));
        assert_eq!(staged.first_id(), 1);
        for shape in staged.into_staged() {
            table.push(shape).unwrap();
        }
        assert_eq!(table.find(&["b", "a"]), Some(ShapeId(2)));
    }

    #[test]
    fn a_shape_that_the_table_got_meanwhile_is_staged_all_the_same() {
        let table = Shapes::new();
        let mut staged = StagedShapes::new(&table);
        assert_eq!(staged.number(&["a"]), Some(ShapeId(0)));
        table.push(Shape::new(&["b"])).unwrap();
        assert_eq!(staged.number(&["b"]), Some(ShapeId(1)));
        assert_ne!(usize::from(staged.first_id()), table.len());
    }

    #[test]
    fn a_full_table_and_a_wide_object_give_no_number() {
        let table = Shapes::new();
        for n in 0..MAX_SHAPES - 1 {
            table.push(Shape::new(&[n.to_string()])).unwrap();
        }
        let mut staged = StagedShapes::new(&table);
        assert_eq!(staged.number(&["last"]), Some(ShapeId(MAX_SHAPES as u16 - 1)));
        assert_eq!(staged.number(&["one more"]), None);
        assert_eq!(staged.number(&["last"]), Some(ShapeId(MAX_SHAPES as u16 - 1)));
        let wide: Vec<String> = (0..=WIDEST_SHAPE).map(|n| n.to_string()).collect();
        assert_eq!(StagedShapes::new(&Shapes::new()).number(&wide), None);
    }

    #[test]
    fn keys_that_are_long_on_average_get_no_number_but_keep_one_that_they_have() {
        let (just, long) = (["x".repeat(2 * LONGEST_KEYS - 1), "y".into()], ["x".repeat(LONGEST_KEYS + 1)]);
        let table = Shapes::new();
        assert_eq!(StagedShapes::new(&table).number(&just), Some(ShapeId(0)));
        assert_eq!(StagedShapes::new(&table).number(&long), None);
        table.push(Shape::new(&long)).unwrap();
        assert_eq!(StagedShapes::new(&table).number(&long), Some(ShapeId(0)));
    }

    #[test]
    fn what_was_staged_last_can_be_forgotten() {
        let table = Shapes::new();
        let mut staged = StagedShapes::new(&table);
        staged.number(&["a"]);
        staged.number(&["b"]);
        staged.truncate(1);
        assert_eq!(staged.number(&["c"]), Some(ShapeId(1)));
        assert_eq!(staged.number(&["b"]), Some(ShapeId(2)));
    }
}
