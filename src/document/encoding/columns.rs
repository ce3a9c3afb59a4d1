//! Finding the same few fields in many documents. Their positions are computed once per shape, and the values before
//! them are skipped once, however many fields are read.

use smallvec::SmallVec;

use super::raw::{RawValue, step_over};
use super::token;
use crate::document::shapes::shape::{ShapeId, Shapes};

/// Fields that can be found together.
pub(crate) const MAX_COLUMNS: usize = 8;

/// Top-level fields to find, and their positions in the shapes seen so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    names: SmallVec<[Box<str>; 4]>,
    /// By shape number.
    layouts: Vec<Option<Layout>>,
    /// The table of shapes that the numbers belong to.
    table: Option<u64>,
}

/// The columns that documents of a shape have, in the order of the values.
#[derive(Clone, Debug)]
struct Layout {
    steps: SmallVec<[Step; 4]>,
    /// A bit a column.
    present: u8,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    /// Values from the column before to this one.
    values: u16,
    column: u8,
}

/// The columns of one document, found on demand.
pub(crate) struct Fields<'c, 'a> {
    document: &'a [u8],
    shapes: &'a Shapes,
    present: u8,
    /// The columns that were not found yet, and where the search continues.
    steps: &'c [Step],
    at: usize,
    /// Where values start; 0 for those not found.
    found: [u32; MAX_COLUMNS],
}

impl Columns {
    /// The number of the column of this name, which is added if it is new; `None` when there are [`MAX_COLUMNS`]
    /// others.
    pub(crate) fn column(&mut self, name: &str) -> Option<usize> {
        if let Some(known) = self.names.iter().position(|own| **own == *name) {
            return Some(known);
        }
        if self.names.len() == MAX_COLUMNS {
            return None;
        }
        self.names.push(name.into());
        self.layouts.clear();
        Some(self.names.len() - 1)
    }

    /// The columns of a document; `None` when it is no object of a known shape.
    #[inline]
    pub(crate) fn of<'a>(&mut self, document: RawValue<'a>) -> Option<Fields<'_, 'a>> {
        let (bytes, shapes) = (document.unread(), document.shapes());
        let &[token::RECORD, high, low, ..] = bytes else { return None };
        let id = ShapeId(u16::from_be_bytes([high, low]));
        let known = self.table == Some(shapes.serial())
            && self.layouts.get(usize::from(id.0)).is_some_and(Option::is_some);
        if !known {
            self.learn(id, shapes)?;
        }
        let layout = self.layouts.get(usize::from(id.0))?.as_ref()?;
        Some(Fields {
            document: bytes,
            shapes,
            present: layout.present,
            steps: &layout.steps,
            at: 3,
            found: [0; MAX_COLUMNS],
        })
    }

    #[cold]
    fn learn(&mut self, id: ShapeId, shapes: &Shapes) -> Option<()> {
        if self.table != Some(shapes.serial()) {
            self.layouts.clear();
            self.table = Some(shapes.serial());
        }
        let shape = shapes.get(id)?;
        let mut places: SmallVec<[(usize, u8); MAX_COLUMNS]> = self
            .names
            .iter()
            .zip(0..)
            .filter_map(|(name, column)| Some((shape.position(name)?, column)))
            .collect();
        places.sort_unstable();
        let mut layout = Layout { steps: SmallVec::new(), present: 0 };
        let mut last = 0;
        for (place, column) in places {
            layout.steps.push(Step { values: u16::try_from(place - last).ok()?, column });
            layout.present |= 1 << column;
            last = place;
        }
        let index = usize::from(id.0);
        if self.layouts.len() <= index {
            self.layouts.resize(index + 1, None);
        }
        *self.layouts.get_mut(index)? = Some(layout);
        Some(())
    }
}

impl<'a> Fields<'_, 'a> {
    /// The value of a column; `None` where the document has none, as [`RawValue::get`] would answer.
    #[inline]
    pub(crate) fn get(&mut self, column: usize) -> Option<RawValue<'a>> {
        if self.present >> column & 1 == 0 {
            return None;
        }
        loop {
            match *self.found.get(column)? {
                0 => self.find_next()?,
                at => return Some(RawValue::new(self.document.get(at as usize..)?, self.shapes)),
            }
        }
    }

    #[inline]
    fn find_next(&mut self) -> Option<()> {
        let (step, rest) = self.steps.split_first()?;
        self.steps = rest;
        self.at = step_over(self.document, self.at, usize::from(step.values), self.shapes);
        if self.at >= self.document.len() {
            // The bytes end early, so there are no later columns either.
            self.steps = &[];
            return None;
        }
        *self.found.get_mut(usize::from(step.column))? = u32::try_from(self.at).ok()?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Shape;
    use crate::document::StagedShapes;
    use crate::document::Value;
    use crate::document::encode;
    use crate::document::encode_plain;

    fn text(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    fn object(fields: &[(&str, Value)]) -> Value {
        Value::Object(fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    }

    /// Values of every form that the step over one has to know.
    fn documents() -> Vec<Value> {
        let long = Value::Array((0..70_000).map(|n| Value::Int(n % 300 - 150)).collect());
        let inner = object(&[("b", Value::Double(0.5)), ("c", text(&"x".repeat(40)))]);
        let values = [
            Value::Null,
            Value::Int(-40),
            Value::Int(70_000),
            Value::Long(1),
            Value::Double(1.5),
            Value::Bool(true),
            Value::Date(7),
            Value::ObjectId([3; 12]),
            Value::Binary(vec![1; 300]),
            text(&"y".repeat(70_000)),
            Value::Array(vec![inner.clone(), Value::Int(1), Value::Array(vec![inner.clone()])]),
            inner.clone(),
            long,
        ];
        let mut documents =
            vec![object(&[]), object(&[("z", Value::Int(1))]), object(&[("b", text("last"))])];
        for value in values {
            documents.push(object(&[("a", value.clone()), ("b", text("after")), ("c", value.clone())]));
            documents.push(object(&[("c", Value::Int(5)), ("x", value.clone()), ("a", value)]));
        }
        documents
    }

    fn encoded() -> (Shapes, Vec<Vec<u8>>) {
        let shapes = Shapes::new();
        let mut staged = StagedShapes::new(&shapes);
        let mut all = Vec::new();
        for document in documents() {
            let mut bytes = Vec::new();
            encode(&document, &mut staged, &mut bytes);
            all.push(bytes);
        }
        staged.into_staged().into_iter().for_each(|shape| assert!(shapes.push(shape).is_some()));
        (shapes, all)
    }

    fn assert_same(columns: &mut Columns, document: RawValue<'_>, order: &[&str]) {
        let numbers: Vec<usize> = order.iter().map(|name| columns.column(name).unwrap()).collect();
        let Some(mut fields) = columns.of(document) else { return };
        for (name, column) in order.iter().zip(numbers) {
            let (found, expected) = (fields.get(column), document.get(name));
            assert_eq!(found.map(|one| one.unread()), expected.map(|one| one.unread()), "{name}");
        }
    }

    #[test]
    fn columns_are_the_fields_that_the_object_has() {
        let (shapes, all) = encoded();
        let mut columns = Columns::default();
        ["b", "a", "missing", "c"].iter().for_each(|name| assert!(columns.column(name).is_some()));
        for bytes in &all {
            let document = RawValue::new(bytes, &shapes);
            assert!(columns.of(document).is_some());
            assert_same(&mut columns, document, &["c", "b", "a", "missing", "b"]);
            assert_same(&mut columns, document, &["a", "b", "c"]);
            // Bytes that end early, or are damaged, read as `get` reads them.
            for len in (0..bytes.len().min(600)).chain([bytes.len() - 1]) {
                assert_same(&mut columns, RawValue::new(&bytes[..len], &shapes), &["c", "a", "b"]);
            }
        }
    }

    #[test]
    fn numbers_of_shapes_are_those_of_the_table_at_hand() {
        let (one, two) = (Shapes::new(), Shapes::new());
        one.push(Shape::new(&["a", "b"])).unwrap();
        two.push(Shape::new(&["b", "a"])).unwrap();
        let bytes = [token::RECORD, 0, 0, 1, 2];
        let mut columns = Columns::default();
        let column = columns.column("a").unwrap();
        for (shapes, expected) in [(&one, 1), (&two, 2), (&one, 1)] {
            let found = columns.of(RawValue::new(&bytes, shapes)).unwrap().get(column).unwrap();
            assert_eq!(found.to_value(), Value::Int(expected));
        }
        assert!(columns.of(RawValue::new(&[token::RECORD, 0, 9, 1], &one)).is_none());
        let mut map = Vec::new();
        encode_plain(&object(&[("a", Value::Int(1))]), &mut map);
        assert!(columns.of(RawValue::new(&map, &one)).is_none());
    }

    #[test]
    fn there_are_so_many_columns_and_no_more() {
        let mut columns = Columns::default();
        for n in 0..MAX_COLUMNS {
            assert_eq!(columns.column(&n.to_string()), Some(n));
        }
        assert_eq!((columns.column("one more"), columns.column("3")), (None, Some(3)));
    }
}
