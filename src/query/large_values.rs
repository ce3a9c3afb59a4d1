//! Large values for tests that count the work of a query, and the rule that they hold to.
//!
//! Steps are counted instead of time: an operator on n values must count a number of steps proportional to n, besides
//! those of its operands, or it would miss its deadline. An operator that allocates more than its operands take must
//! be refused beyond the memory of its query.

use std::fmt::Write;
use std::sync::Arc;

use super::testing::value;
use crate::document::Value;
use crate::work::{Stop, Work};

/// Elements, fields and characters of the operands.
pub(in crate::query) const N: usize = 20_000;
/// The largest number of them that one step may cover.
pub(in crate::query) const COARSE: usize = 256;

pub(in crate::query) fn list(count: usize, item: impl Fn(usize) -> String) -> String {
    let mut out = String::from("[");
    for n in 0..count {
        let _ = write!(out, "{}{}", if n > 0 { "," } else { "" }, item(n));
    }
    out + "]"
}

pub(in crate::query) fn wide(count: usize) -> String {
    let mut out = String::from("{");
    for n in 0..count {
        let _ = write!(out, "{}\"k{n}\":{}", if n > 0 { "," } else { "" }, n + 1);
    }
    out + "}"
}

/// A document with large values of every type.
pub(in crate::query) fn large() -> Value {
    value(&format!(
        r#"{{"_id": 1, "l": {}, "m": {}, "p": {}, "t": "{}a", "w": {}, "s": {}}}"#,
        list(N, |n| (N - n).to_string()),
        list(N, |n| (n * 2).to_string()),
        list(N, |n| format!("[\"k{n}\",{n}]")),
        "ab,".repeat(N),
        wide(N),
        list(N, |n| format!("\"s{n}\"")),
    ))
}

pub(in crate::query) fn unlimited() -> Work {
    Work::new(Arc::new(|| 0), Stop::default(), usize::MAX)
}
