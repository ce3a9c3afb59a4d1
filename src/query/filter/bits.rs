//! `$bitsAllSet`, `$bitsAllClear`, `$bitsAnySet`, `$bitsAnyClear`: single bits of integers and of bytes.

use crate::document::{Node, NodeKind};
use crate::error::{Result, codes};
use crate::query::number::as_integer;
use crate::query::refusal::bad_query;

/// Longest mask; each bit of it that is 1 takes four bytes.
const MOST_BYTES: usize = 1 << 16;

/// Bits by their positions, the lowest of which is 0, and the state that they must have.
#[derive(Clone, Debug)]
pub(in crate::query) struct Bits {
    places: Vec<u32>,
    /// Whether they must be 1.
    set: bool,
    /// Whether all of them must be so, or any.
    all: bool,
}

impl Bits {
    /// Parses a mask, which is a number or bytes, or an array of positions.
    pub(in crate::query) fn parse<'a>(name: &str, operator: &str, operand: impl Node<'a>) -> Result<Bits> {
        let refuse = || {
            let message = format!(
                "{operator} at '{name}' needs a mask (an integer that is not negative, or bytes) or an array of the places of bits"
            );
            bad_query(name, message).with_code(codes::FAILED_TO_PARSE)
        };
        let places = match operand.seen() {
            NodeKind::Array(()) => {
                let place = |item| u32::try_from(as_integer(&Node::tree(item))?).ok();
                operand.items().map(place).collect::<Option<Vec<_>>>().ok_or_else(refuse)?
            }
            NodeKind::Binary(bytes) if bytes.len() > MOST_BYTES => {
                let message = format!(
                    "the mask of {operator} at '{name}' is longer than {MOST_BYTES} bytes; give the places of its bits"
                );
                return Err(bad_query(name, message));
            }
            NodeKind::Binary(bytes) => {
                let bits = u32::try_from(bytes.len()).unwrap_or_default() * 8;
                (0..bits).filter(|place| bit_of_bytes(bytes, *place)).collect()
            }
            _ => {
                let mask = as_integer(&operand.tree()).and_then(|mask| u64::try_from(mask).ok());
                let mask = mask.ok_or_else(refuse)?;
                (0..64).filter(|place| mask >> place & 1 == 1).collect()
            }
        };
        Ok(Bits { places, set: operator.ends_with("Set"), all: operator.starts_with("$bitsAll") })
    }

    /// Whether the value is an integer or bytes with these bits. Bits beyond an integer are its sign, beyond bytes 0.
    pub(in crate::query) fn are_of(&self, seen: NodeKind<'_>) -> bool {
        match seen {
            NodeKind::Binary(bytes) => self.test(|place| bit_of_bytes(bytes, place)),
            NodeKind::Int(value) => self.test(|place| bit_of_integer(i64::from(value), place)),
            NodeKind::Long(value) => self.test(|place| bit_of_integer(value, place)),
            NodeKind::Double(value) => {
                const TWO_63: f64 = 9_223_372_036_854_775_808.0;
                value.fract() == 0.0
                    && (-TWO_63..TWO_63).contains(&value)
                    && self.test(|place| bit_of_integer(value as i64, place))
            }
            _ => false,
        }
    }

    fn test(&self, is_set: impl Fn(u32) -> bool) -> bool {
        let mut places = self.places.iter();
        if self.all {
            places.all(|place| is_set(*place) == self.set)
        } else {
            places.any(|place| is_set(*place) == self.set)
        }
    }
}

fn bit_of_integer(value: i64, place: u32) -> bool {
    value >> place.min(63) & 1 == 1
}

fn bit_of_bytes(bytes: &[u8], place: u32) -> bool {
    bytes.get(place as usize / 8).is_some_and(|byte| byte >> (place % 8) & 1 == 1)
}
