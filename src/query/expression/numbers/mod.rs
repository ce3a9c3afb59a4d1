//! Numbers.
//!
//! - `number`: int, long and double; `total`: sums without drift
//! - `arithmetic`, `trigonometry`, `bits`: operators

pub(super) mod arithmetic;
pub(super) mod bits;
mod number;
mod total;
pub(super) mod trigonometry;

pub(in crate::query) use number::Num;
pub(in crate::query) use total::Total;
