//! Filters: which keys a tree of a run cannot hold. A blocked Bloom filter: all bits of a key are in one line of the processor's
//! cache.

/// Bytes of a block.
const BLOCK: usize = 64;
/// Bits of the filter for each key.
const BITS_A_KEY: usize = 10;
/// Bits that a key sets.
const PROBES: u32 = 6;

/// A number that stands for a key; the same in every version, as filters are stored.
#[inline]
pub fn hash(key: &[u8]) -> u64 {
    // The finalizer of a multiplicative hash: it spreads the 32 bits of the checksum over 64.
    let mut hash = u64::from(crc32c::crc32c(key)) | (key.len() as u64) << 32;
    hash = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ hash >> 31
}

/// The filter of keys with these hashes.
pub fn build(hashes: &[u64]) -> Vec<u8> {
    let blocks = (hashes.len() * BITS_A_KEY).div_ceil(8 * BLOCK).max(1);
    let mut bits = vec![0; blocks * BLOCK];
    for hash in hashes {
        let block = block_of(*hash, blocks);
        for bit in bits_of(*hash) {
            bits[block * BLOCK + bit / 8] |= 1 << (bit % 8);
        }
    }
    bits
}

/// Whether the filter may hold a key with this hash.
#[inline]
pub fn may_hold(bits: &[u8], hash: u64) -> bool {
    let Some(last) = (bits.len() / BLOCK).checked_sub(1) else { return true };
    let Some(block) = bits.get(block_of(hash, last + 1) * BLOCK..) else { return true };
    bits_of(hash).all(|bit| block.get(bit / 8).is_none_or(|byte| byte >> (bit % 8) & 1 == 1))
}

#[inline]
fn block_of(hash: u64, blocks: usize) -> usize {
    (((hash >> 32) * blocks as u64) >> 32) as usize
}

/// The lower half of the hash decides the bits: 9 bits each, from a second product.
#[inline]
fn bits_of(hash: u64) -> impl Iterator<Item = usize> {
    let spread = (hash & 0xffff_ffff).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..PROBES).map(move |probe| (spread >> (10 + 9 * probe) & 511) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_holds_its_keys_and_few_others() {
        let keys =
            |from: u32, to: u32| (from..to).map(|n| hash(format!("key {n}").as_bytes())).collect::<Vec<_>>();
        for count in [0, 1, 100, 20_000] {
            let own = keys(0, count);
            let bits = build(&own);
            assert!(bits.len() <= count as usize * 10 / 8 + BLOCK);
            assert!(own.iter().all(|hash| may_hold(&bits, *hash)));
            let others = keys(1_000_000, 1_020_000);
            let wrong = others.iter().filter(|hash| may_hold(&bits, **hash)).count();
            assert!(wrong < 600, "{wrong} of 20,000 beside {count}");
        }
    }

    #[test]
    fn no_filter_excludes_nothing() {
        assert!(may_hold(&[], 7));
        assert!(may_hold(&[0; 10], 7));
    }

    #[test]
    fn hashes_are_stored_and_stay() {
        assert_eq!(hash(b""), 0);
        assert_ne!(hash(b"a"), hash(b"b"));
        assert_ne!(hash(b"\0"), hash(b"\0\0"));
    }
}
