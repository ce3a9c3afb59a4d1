//! Sums without accumulated rounding errors: integers are added exactly, doubles in twice their precision, as in
//! MongoDB.

use super::number::{Num, whole};
use crate::document::Value;
use crate::error::Result;
use crate::query::spill::bytes::{Reading, put_u64};

/// A running sum.
#[derive(Clone, Debug, Default)]
pub(in crate::query) struct Total {
    integers: i128,
    long: bool,
    double: bool,
    sum: f64,
    /// The rounding error of `sum`.
    rest: f64,
    /// Infinities and NaN, which have no rounding error.
    special: f64,
}

impl Total {
    #[inline]
    pub(in crate::query) fn add(&mut self, number: Num) {
        match number {
            Num::Int(value) => self.integers += i128::from(value),
            Num::Long(value) => {
                self.long = true;
                self.integers += i128::from(value);
            }
            Num::Double(value) => {
                self.double = true;
                self.add_double(value);
            }
        }
    }

    fn add_double(&mut self, value: f64) {
        if !value.is_finite() {
            self.special += value;
            return;
        }
        let (sum, lost) = two_sum(self.sum, value);
        if sum.is_finite() {
            (self.sum, self.rest) = two_sum(sum, lost + self.rest);
        } else {
            self.special += sum;
        }
    }

    /// Adds another sum.
    pub(in crate::query) fn absorb(&mut self, other: &Total) {
        self.integers += other.integers;
        self.long |= other.long;
        self.double |= other.double;
        self.special += other.special;
        self.add_double(other.sum);
        self.rest += other.rest;
    }

    /// Appends the exact state.
    pub(in crate::query) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.integers.to_le_bytes());
        out.push(u8::from(self.long) | u8::from(self.double) << 1);
        [self.sum, self.rest, self.special].iter().for_each(|part| put_u64(part.to_bits(), out));
    }

    /// The state that was written.
    pub(in crate::query) fn read(reading: &mut Reading<'_>) -> Result<Total> {
        let low = reading.u64()?;
        let integers = (u128::from(reading.u64()?) << 64 | u128::from(low)) as i128;
        let kinds = reading.byte()?;
        let (sum, rest, special) = (reading.f64()?, reading.f64()?, reading.f64()?);
        Ok(Total { integers, long: kinds & 1 != 0, double: kinds & 2 != 0, sum, rest, special })
    }

    /// The nearest double.
    pub(in crate::query) fn as_f64(&self) -> f64 {
        if self.special != 0.0 {
            return self.special;
        }
        let high = self.integers as f64;
        let low = (self.integers - high as i128) as f64;
        let (sum, lost) = two_sum(self.sum, high);
        sum + (lost + self.rest + low)
    }

    /// The sum, of the type that its operands imply.
    pub(in crate::query) fn value(&self) -> Value {
        if self.double { Value::number(self.as_f64()) } else { whole(self.integers, self.long) }
    }
}

/// The rounded sum and its exact rounding error.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let part = sum - a;
    (sum, (a - (sum - part)) + (b - part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenths_add_up_to_whole_numbers() {
        let mut total = Total::default();
        (0..1_000_000).for_each(|_| total.add(Num::Double(0.1)));
        assert_eq!(total.value(), Value::Int(100_000));
        total.add(Num::Double(f64::INFINITY));
        assert_eq!(total.value(), Value::Double(f64::INFINITY));
    }

    #[test]
    fn sums_of_parts_add_up() {
        for doubles in [vec![0.1; 1_000], vec![1e100, 1.5, -1e100, 3.25], vec![f64::INFINITY, 1.0, 2.0]] {
            let (mut whole, mut parts) = (Total::default(), Total::default());
            for part in doubles.chunks(3) {
                let mut total = Total::default();
                for number in part {
                    whole.add(Num::Double(*number));
                    total.add(Num::Double(*number));
                    total.add(Num::Int(7));
                    whole.add(Num::Int(7));
                }
                parts.absorb(&total);
            }
            assert_eq!(parts.value(), whole.value());
        }
        let mut total = Total::default();
        total.add(Num::Double(f64::INFINITY));
        let mut other = Total::default();
        other.add(Num::Double(f64::NEG_INFINITY));
        total.absorb(&other);
        assert!(total.as_f64().is_nan());
    }

    #[test]
    fn small_numbers_beside_large_ones_are_kept() {
        let mut total = Total::default();
        for value in [1e100, 1.5, -1e100] {
            total.add(Num::Double(value));
        }
        assert_eq!(total.as_f64(), 1.5);
        let mut total = Total::default();
        total.add(Num::Long(i64::MAX));
        total.add(Num::Int(-1));
        assert_eq!(total.value(), Value::Long(i64::MAX - 1));
    }
}
