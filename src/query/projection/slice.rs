//! `$slice` of a projection: which elements of an array are kept.

use crate::document::{Node, NodeKind};
use crate::error::{Result, codes};
use crate::query::number::as_integer;
use crate::query::refusal::bad_query;

/// Where to start, counted from the end if negative, and how many elements to keep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slice {
    skip: i64,
    most: Option<usize>,
}

impl Slice {
    /// Parses a count, from the end if negative, or a pair of skip and count.
    pub(super) fn parse<'a>(path: &str, operand: impl Node<'a>) -> Result<Slice> {
        // Fractions are truncated, and numbers beyond int64 are clamped.
        let integer = |value: crate::document::Value| match value {
            crate::document::Value::Double(number) if number.is_finite() => Some(number as i64),
            other => as_integer(&other),
        };
        if !matches!(operand.seen(), NodeKind::Array(())) {
            let Some(count) = integer(operand.tree()) else {
                let message = format!("$slice at '{path}' needs a number, or two in an array");
                return Err(bad_query(path, message).with_code(codes::SLICE_COUNT));
            };
            let most = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
            return Ok(Slice { skip: count.min(0), most: Some(most) });
        }
        let mut items = operand.items().map(|item| integer(item.tree()));
        match (items.next().flatten(), items.next().flatten(), items.next()) {
            (Some(skip), Some(count), None) if count > 0 => {
                Ok(Slice { skip, most: usize::try_from(count).ok() })
            }
            (Some(_), Some(_), None) => {
                let message = format!("the count of $slice at '{path}' must be positive");
                Err(bad_query(path, message).with_code(codes::SLICE_COUNT))
            }
            _ => {
                let message = format!("$slice at '{path}' needs a number, or two in an array");
                Err(bad_query(path, message).with_code(codes::SLICE_COUNT))
            }
        }
    }

    /// The first element that is kept, of an array of this length.
    pub(super) fn start(&self, len: usize) -> usize {
        let skip = usize::try_from(self.skip.unsigned_abs()).unwrap_or(usize::MAX);
        if self.skip < 0 { len.saturating_sub(skip) } else { skip }
    }

    /// The largest number of elements that are kept, of an array of this length.
    pub(super) fn most(&self, len: usize) -> usize {
        self.most.unwrap_or(len)
    }
}
