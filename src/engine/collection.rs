//! A collection.

use crate::document::Shapes;

/// One collection: its shapes, its documents.
pub struct Collection {
    number: u32,
    shapes: Shapes,
}

impl Collection {
    /// Its number, never reused.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Its shapes.
    pub fn shapes(&self) -> &Shapes {
        &self.shapes
    }
}
