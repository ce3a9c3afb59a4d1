//! Whether one flipped bit explains why bytes do not match their checksum.
//!
//! The effect of a flipped bit on a CRC depends only on its distance from the end: the last bit changes the CRC by the
//! polynomial, and each bit before it by the effect of the following bit times x. So one flipped bit explains a mismatch if
//! the difference of the two checksums is such a power of x within range. Short inputs are searched step by step. Long ones
//! use baby-step giant-step with a table of 2^16 powers and steps of 2^16, which takes a millisecond for 256 MiB.

use std::collections::HashMap;

/// The polynomial of crc32c, bit-reversed: the effect of the last bit on the checksum.
const LAST: u32 = 0x82f6_3b78;
/// x^0, bit-reversed.
const ONE: u32 = 0x8000_0000;
/// Powers of one giant step.
const GIANT: u64 = 1 << 16;
/// Bits that are tried one by one.
const SHORT: u64 = 1 << 18;

/// Whether one flipped bit in the first `within` of `len` bytes turns the checksum `expected` into `found`.
pub(crate) fn is_one_bit_off(found: u32, expected: u32, len: u64, within: u64) -> bool {
    let (bits, within) = (len.saturating_mul(8), within.saturating_mul(8));
    // The candidate bits, counted from the last one, which is bit 0.
    let from = bits.saturating_sub(within);
    let wanted = found ^ expected;
    if bits <= SHORT {
        let mut effect = LAST;
        for bit in 0..bits {
            if effect == wanted && bit >= from {
                return true;
            }
            effect = times_x(effect);
        }
        return false;
    }
    let mut behind: HashMap<u32, u64, foldhash::fast::FixedState> = HashMap::default();
    let mut power = wanted;
    for steps in 0..GIANT {
        behind.insert(power, steps);
        power = times_x(power);
    }
    let giant = (0..GIANT).fold(ONE, |power, _| times_x(power));
    let mut effect = LAST;
    for giants in 1..=bits.div_ceil(GIANT) {
        effect = product(effect, giant);
        if let Some(steps) = behind.get(&effect) {
            // LAST * x^(giants * GIANT) is wanted * x^steps.
            let bit = giants * GIANT - steps;
            return (from..bits).contains(&bit);
        }
    }
    wanted == LAST && from == 0
}

fn times_x(power: u32) -> u32 {
    (power >> 1) ^ if power & 1 == 1 { LAST } else { 0 }
}

fn product(mut left: u32, mut right: u32) -> u32 {
    let mut sum = 0;
    while right != 0 {
        if right & ONE != 0 {
            sum ^= left;
        }
        left = times_x(left);
        right <<= 1;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &[u8], within: usize, expected: u32) -> bool {
        is_one_bit_off(crc32c::crc32c(body), expected, body.len() as u64, within as u64)
    }

    #[test]
    fn a_body_with_one_flipped_bit_is_told_from_one_that_was_cut_short() {
        let body: Vec<u8> = (1..200).chain([0; 40]).collect();
        let crc = crc32c::crc32c(&body);
        for bit in 0..body.len() * 8 {
            let mut flipped = body.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(check(&flipped, body.len(), crc), "bit {bit}");
            assert_eq!(check(&flipped, 100, crc), bit < 800, "bit {bit}");
        }
        for end in 1..198 {
            let mut short = body.clone();
            short[end..].fill(0);
            assert!(!check(&short, end, crc), "cut at {end}");
        }
        assert!(!check(&[], 0, 1));
    }

    #[test]
    fn giant_steps_find_what_single_steps_find() {
        let len = 100_003_usize;
        let body: Vec<u8> = (0..len).map(|n| (n * 31 + n / 7) as u8).collect();
        let crc = crc32c::crc32c(&body);
        let ends = (0..70).chain((1..12).map(|n| n * 65_536 - 1)).chain((1..12).map(|n| n * 65_536));
        let bits = len * 8;
        for bit in ends.chain((0..bits).step_by(7_919)).chain(bits - 70..bits).filter(|bit| *bit < bits) {
            let mut flipped = body.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(check(&flipped, len, crc), "bit {bit}");
            assert!(check(&flipped, bit / 8 + 1, crc), "bit {bit}");
            assert!(!check(&flipped, bit / 8, crc), "bit {bit}");
        }
        assert!(!check(&body, len, crc), "nothing was flipped");
        for n in 1..2_000_u32 {
            assert!(!check(&body, len, crc ^ n.wrapping_mul(0x9e37_79b9)), "{n}");
        }
    }
}
