//! `spill-<16 hex>.tmp`: pages that one running operation has no room for in memory.
//!
//! ```text
//! page   crc u32 (of the file's salt and all that follows) | page u32 | next u32 | length u32 | bytes, padded to the size of a page
//! ```
//!
//! Of an encrypted database the content is a unit (`cipher`), which belongs to page, next and length; its key is made of the salt.
//!
//! The salt is random and only in memory: a page of another file, or of another place, does not verify. Nothing reads the
//! file after the operation, so it has no header, no version and no fsync.

use crate::storage::cipher::unit::FileCipher;

/// What seals the pages of one file, and their checksums.
#[derive(Clone)]
pub(crate) struct PageKeys {
    pub(crate) salt: [u8; 16],
    pub(crate) cipher: FileCipher,
}

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
pub(crate) fn encode(keys: &PageKeys, page: u32, next: u32, content: &[u8], size: usize, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&page.to_le_bytes());
    out.extend_from_slice(&next.to_le_bytes());
    out.extend_from_slice(&(content.len() as u32).to_le_bytes());
    keys.cipher.seal(&place(page, next, content.len() as u32), content, out);
    let crc = sum(keys.salt, out.get(4..).unwrap_or_default());
    for (to, from) in out.iter_mut().zip(crc.to_le_bytes()) {
        *to = from;
    }
    out.resize(size, 0);
}

/// Replaces a page by its content, and returns its `next`; `None` if it is damaged.
pub(crate) fn decode(keys: &PageKeys, page: u32, bytes: &mut Vec<u8>) -> Option<u32> {
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let (crc, own, next, len) = (word(0)?, word(4)?, word(8)?, word(12)?);
    let end = HEAD.checked_add(len as usize)?.checked_add(keys.cipher.overhead() as usize)?;
    let covered = bytes.get(4..end)?;
    if own != page || sum(keys.salt, covered) != crc {
        return None;
    }
    if keys.cipher.is_sealing() {
        let content = keys.cipher.open(&place(page, next, len), bytes.get(HEAD..end)?)?;
        bytes.clear();
        bytes.extend_from_slice(&content);
    } else {
        bytes.truncate(end);
        bytes.drain(..HEAD);
    }
    Some(next)
}

fn place(page: u32, next: u32, len: u32) -> [u8; 12] {
    let mut place = [0; 12];
    for (to, number) in place.chunks_exact_mut(4).zip([page, next, len]) {
        to.copy_from_slice(&number.to_le_bytes());
    }
    place
}

fn sum(salt: [u8; 16], bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&salt), bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::EncryptionKey;
    use crate::storage::cipher::cipher::Cipher;

    #[test]
    fn a_page_is_read_back_and_every_flipped_bit_of_it_is_told() {
        let key = EncryptionKey::raw(&[1; 32]).unwrap();
        let cipher = Cipher::create(&key, [2; 16], Box::new(|bytes| bytes.fill(3))).unwrap();
        for cipher in [FileCipher::PLAIN, cipher.file("test", &[])] {
            let (keys, mut bytes) = (PageKeys { salt: [7; 16], cipher }, Vec::new());
            let read = |keys: &PageKeys, page, bytes: &[u8]| {
                let mut bytes = bytes.to_vec();
                decode(keys, page, &mut bytes).map(|next| (next, bytes))
            };
            encode(&keys, 3, 9, b"content", 80, &mut bytes);
            assert_eq!((bytes.len(), read(&keys, 3, &bytes)), (80, Some((9, b"content".to_vec()))));
            assert_eq!(bytes.windows(7).any(|part| part == b"content"), !keys.cipher.is_sealing());
            for bit in 0..(HEAD + 7 + keys.cipher.overhead() as usize) * 8 {
                let mut damaged = bytes.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(read(&keys, 3, &damaged), None, "bit {bit}");
            }
            assert_eq!(read(&keys, 4, &bytes), None, "another place");
            let other = PageKeys { salt: [8; 16], cipher: keys.cipher.clone() };
            assert_eq!(read(&other, 3, &bytes), None, "another file");
            assert_eq!(read(&keys, 3, &bytes[..20]), None, "a cut");
        }
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
