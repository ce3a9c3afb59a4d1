//! Sorting that can be interrupted: runs are sorted one by one, then merged.

use std::cmp::Ordering;

use crate::error::Result;
use crate::work::Work;

/// Elements that are sorted without a check for interruption: some milliseconds.
const RUN: usize = 16_384;

/// A stable sort. Fails if the work is stopped.
pub(super) fn sort_by<T>(
    mut items: Vec<T>,
    work: &Work,
    mut compare: impl FnMut(&T, &T) -> Ordering,
) -> Result<Vec<T>> {
    if items.len() <= RUN {
        work.step(items.len())?;
        items.sort_by(&mut compare);
        return Ok(items);
    }
    let mut runs = Vec::with_capacity(items.len() / RUN + 1);
    let mut rest = items.into_iter();
    loop {
        let mut run: Vec<T> = rest.by_ref().take(RUN).collect();
        if run.is_empty() {
            break;
        }
        work.step(run.len() * 4)?;
        run.sort_by(&mut compare);
        runs.push(run);
    }
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        let mut pairs = runs.into_iter();
        while let Some(left) = pairs.next() {
            merged.push(match pairs.next() {
                Some(right) => merge(left, right, work, &mut compare)?,
                None => left,
            });
        }
        runs = merged;
    }
    Ok(runs.pop().unwrap_or_default())
}

fn merge<T>(
    mut left: Vec<T>,
    right: Vec<T>,
    work: &Work,
    compare: &mut impl FnMut(&T, &T) -> Ordering,
) -> Result<Vec<T>> {
    // Runs that are in order already are only concatenated.
    if let (Some(last), Some(first)) = (left.last(), right.first())
        && compare(last, first).is_le()
    {
        work.step(right.len() / 64)?;
        left.extend(right);
        return Ok(left);
    }
    let mut out = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let next = if compare(a, b).is_le() { left.next() } else { right.next() };
        out.extend(next);
        work.step(1)?;
    }
    out.extend(left);
    out.extend(right);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn runs_are_merged_in_order_and_equal_elements_keep_theirs() {
        for count in [0, 1, RUN, RUN + 1, RUN * 3 + 7] {
            let numbers = (0..count as u64).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 50, n));
            let mut expected: Vec<_> = numbers.collect();
            let sorted = sort_by(expected.clone(), &Work::default(), |a, b| a.0.cmp(&b.0)).unwrap();
            expected.sort_by_key(|(key, _)| *key);
            assert!(sorted == expected, "{count} elements");
        }
    }

    #[test]
    fn a_sort_of_many_is_stopped() {
        let items: Vec<u64> = (0..RUN as u64 * 8).rev().collect();
        let stopped = sort_by(items, &Work::of_steps(RUN as u64, usize::MAX), u64::cmp);
        assert_eq!(stopped.unwrap_err().kind(), Kind::Timeout);
    }
}
