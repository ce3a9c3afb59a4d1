//! `spill-<16 hex>.tmp`: pages that one running operation has no room for in memory.
//!
//! ```text
//! page   crc u32 (of the file's salt and all that follows) | page u32 | next u32 | length u32 | bytes, padded to the size of a page
//! ```
//!
//! The salt is random and only in memory: a page of another file, or of another place, does not verify. Nothing reads the
//! file after the operation, so it has no header, no version and no fsync.

/// Bytes of a page before its content.
pub(crate) const HEAD: usize = 16;

/// The name of the file with this number.
pub(crate) fn spill_name(number: u64) -> String {
    format!("spill-{number:016x}.tmp")
}

/// Whether it is such a name.
pub(crate) fn is_spill_name(name: &str) -> bool {
    let digits = name.strip_prefix("spill-").and_then(|rest| rest.strip_suffix(".tmp"));
    digits
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .is_some_and(|number| spill_name(number) == name)
}

/// Replaces `out` by the bytes of a page.
pub(crate) fn encode(salt: [u8; 16], page: u32, next: u32, content: &[u8], size: usize, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&page.to_le_bytes());
    out.extend_from_slice(&next.to_le_bytes());
    out.extend_from_slice(&(content.len() as u32).to_le_bytes());
    out.extend_from_slice(content);
    let crc = sum(salt, out.get(4..).unwrap_or_default());
    for (to, from) in out.iter_mut().zip(crc.to_le_bytes()) {
        *to = from;
    }
    out.resize(size, 0);
}

/// The `next` of a page, and the length of its content, which follows its head; `None` if it is damaged.
pub(crate) fn decode(salt: [u8; 16], page: u32, bytes: &[u8]) -> Option<(u32, usize)> {
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let (crc, own, next, len) = (word(0)?, word(4)?, word(8)?, word(12)? as usize);
    let covered = bytes.get(4..HEAD.checked_add(len)?)?;
    (own == page && sum(salt, covered) == crc).then_some((next, len))
}

fn sum(salt: [u8; 16], bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&salt), bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_back_and_every_flipped_bit_of_it_is_told() {
        let (salt, mut bytes) = ([7; 16], Vec::new());
        encode(salt, 3, 9, b"content", 64, &mut bytes);
        assert_eq!((bytes.len(), decode(salt, 3, &bytes)), (64, Some((9, 7))));
        for bit in 0..(HEAD + 7) * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(salt, 3, &damaged), None, "bit {bit}");
        }
        assert_eq!(decode(salt, 4, &bytes), None, "another place");
        assert_eq!(decode([8; 16], 3, &bytes), None, "another file");
        assert_eq!(decode(salt, 3, &bytes[..20]), None, "a cut");
    }

    #[test]
    fn only_exact_names_are_ours() {
        assert!(is_spill_name(&spill_name(0)) && is_spill_name(&spill_name(u64::MAX)));
        for other in [
            "spill-1.tmp",
            "spill-000000000000000g.tmp",
            "spill-0000000000000001.tmp2",
            "spill.tmp",
            "spill-+000000000000001.tmp",
        ] {
            assert!(!is_spill_name(other), "{other}");
        }
    }
}
