//! XChaCha20-Poly1305 (RFC 8439 with a nonce of 24 bytes), put together of the two parts.
//!
//! ChaCha20 makes four blocks in the time of one. The first block of a unit is the key of its tag, and the last ones rarely fill a step: with
//! each of them made alone, a unit of 150 bytes takes four steps, where one is enough. So the first step has the first block and the
//! bytes after it, and what is left at the end is one more. The tag is over the encrypted bytes and needs the first step only: a part of a
//! unit can be decrypted without the rest.

use std::ops::Range;

use chacha20::XChaCha20;
use chacha20::cipher::{KeyIvInit as _, StreamCipher as _, StreamCipherSeek as _};
use poly1305::Poly1305;
use poly1305::universal_hash::{KeyInit as _, UniversalHash as _};
use zeroize::{Zeroize as _, Zeroizing};

use super::nonces::NONCE;

/// Bytes of a tag, and of a mac.
pub const TAG: usize = 16;

/// Bytes that ChaCha20 makes in one step, with the instructions of any processor; of fewer it makes the blocks one by one.
const STEP: usize = 256;
/// Bytes of a block. Of the first one half is the key of the tag.
const BLOCK: usize = 64;

type Key = Zeroizing<[u8; 32]>;

/// Encrypts in place; returns the tag.
pub(super) fn encrypt(key: &Key, nonce: [u8; NONCE], place: &[u8], bytes: &mut [u8]) -> [u8; TAG] {
    let mut stream = Stream::of(key, nonce, bytes);
    let tag_key = stream.tag_key();
    stream.apply(bytes);
    tag(&tag_key, place, bytes)
}

/// Decrypts in place; `false` where the tag is not that of the bytes, which then stay as they are.
pub(super) fn decrypt(key: &Key, nonce: [u8; NONCE], place: &[u8], bytes: &mut [u8], due: [u8; TAG]) -> bool {
    let mut stream = Stream::of(key, nonce, bytes);
    let is_genuine = is_same(&tag(&stream.tag_key(), place, bytes), &due);
    if is_genuine {
        stream.apply(bytes);
    }
    is_genuine
}

/// Decrypts parts of the bytes, one after the other; `None` where the tag is not that of the bytes, or they do not have the parts.
pub(super) fn decrypt_parts(
    key: &Key,
    nonce: [u8; NONCE],
    place: &[u8],
    (bytes, parts): (&[u8], &[Range<usize>]),
    due: [u8; TAG],
) -> Option<Box<[u8]>> {
    let mut opened = Vec::with_capacity(parts.iter().map(Range::len).sum());
    let mut stream = Stream::of(key, nonce, bytes);
    if !is_same(&tag(&stream.tag_key(), place, bytes), &due) {
        return None;
    }
    for part in parts {
        stream.add(part.start, bytes.get(part.clone())?, &mut opened);
    }
    Some(opened.into())
}

/// The keystream of a unit, of which one step is made and applied to the beginning of the bytes.
struct Stream {
    cipher: XChaCha20,
    /// The first block of the keystream, then the first bytes.
    first: [u8; STEP],
}

impl Stream {
    fn of(key: &Key, nonce: [u8; NONCE], bytes: &[u8]) -> Stream {
        let mut first = [0; STEP];
        let len = bytes.len().min(STEP - BLOCK);
        first[BLOCK..BLOCK + len].copy_from_slice(&bytes[..len]);
        let mut cipher = XChaCha20::new((&**key).into(), (&nonce).into());
        cipher.apply_keystream(&mut first);
        Stream { cipher, first }
    }

    /// The key of the tag, once. The block with it is zeroed.
    fn tag_key(&mut self) -> Key {
        let mut key = Zeroizing::new([0; 32]);
        key.copy_from_slice(&self.first[..32]);
        self.first[..BLOCK].zeroize();
        key
    }

    /// Applies the keystream to all of the bytes.
    fn apply(mut self, bytes: &mut [u8]) {
        let (first, rest) = bytes.split_at_mut(bytes.len().min(STEP - BLOCK));
        first.copy_from_slice(&self.first[BLOCK..BLOCK + first.len()]);
        apply_steps(&mut self.cipher, rest);
    }

    /// Appends a part of the bytes, which begins there, with the keystream applied.
    fn add(&mut self, start: usize, part: &[u8], out: &mut Vec<u8>) {
        let end = start + part.len();
        if end <= STEP - BLOCK {
            return out.extend_from_slice(&self.first[BLOCK + start..BLOCK + end]);
        }
        let (mut at, mut left) = (start, part);
        while !left.is_empty() {
            // A step from the beginning of the block in which the rest begins.
            let (skipped, mut step) = (at % BLOCK, [0; STEP]);
            let (now, rest) = left.split_at(left.len().min(STEP - skipped));
            step[skipped..skipped + now.len()].copy_from_slice(now);
            self.cipher.seek((BLOCK + at - skipped) as u64);
            self.cipher.apply_keystream(&mut step);
            out.extend_from_slice(&step[skipped..skipped + now.len()]);
            (at, left) = (at + now.len(), rest);
        }
    }
}

/// Applies the keystream from a multiple of its blocks on.
fn apply_steps(cipher: &mut XChaCha20, bytes: &mut [u8]) {
    let (steps, last) = bytes.split_at_mut(bytes.len() / STEP * STEP);
    cipher.apply_keystream(steps);
    if !last.is_empty() {
        let mut step = [0; STEP];
        step[..last.len()].copy_from_slice(last);
        cipher.apply_keystream(&mut step);
        last.copy_from_slice(&step[..last.len()]);
    }
}

/// The tag of encrypted bytes at a place.
fn tag(key: &Key, place: &[u8], bytes: &[u8]) -> [u8; TAG] {
    let mut mac = Poly1305::new((&**key).into());
    mac.update_padded(place);
    mac.update_padded(bytes);
    let mut lengths = poly1305::Block::default();
    lengths[..8].copy_from_slice(&(place.len() as u64).to_le_bytes());
    lengths[8..].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    mac.update(&[lengths]);
    mac.finalize().into()
}

/// Compares two macs in a time that does not depend on them.
pub fn is_same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use chacha20poly1305::aead::{AeadInOut as _, inout::InOutBuf};
    use chacha20poly1305::{XChaCha20Poly1305, XNonce};

    use super::*;

    #[test]
    fn units_of_all_lengths_are_those_of_the_crate_that_has_both_parts() {
        let mut dice = fastrand::Rng::with_seed(7);
        for len in (0..1300).chain([4096, 4097, 65_536, 100_001]) {
            let (mut key, mut nonce) = (Key::default(), [0; NONCE]);
            key.iter_mut().chain(&mut nonce).for_each(|byte| *byte = dice.u8(..));
            let place: Vec<u8> = (0..dice.usize(0..60)).map(|_| dice.u8(..)).collect();
            let plain: Vec<u8> = (0..len).map(|_| dice.u8(..)).collect();
            let (mut own, mut due) = (plain.clone(), plain.clone());
            let own_tag = encrypt(&key, nonce, &place, &mut own);
            let cipher = XChaCha20Poly1305::new((&*key).into());
            let due_tag = cipher
                .encrypt_inout_detached(&XNonce::from(nonce), &place, InOutBuf::from(&mut due[..]))
                .unwrap();
            assert!(own == due && own_tag[..] == due_tag[..], "{len} bytes");
            let mut wrong = own_tag;
            wrong[dice.usize(0..TAG)] ^= 1 << dice.u8(0..8);
            assert!(!decrypt(&key, nonce, &place, &mut own, wrong) && own == due, "{len} bytes");
            for _ in 0..4 {
                let start = dice.usize(0..=len);
                let parts = [0..len.min(8), start..dice.usize(start..=len)];
                let due_parts = parts.clone().map(|part| &plain[part]).concat();
                let of = |parts, tag| decrypt_parts(&key, nonce, &place, (&due, parts), tag);
                assert_eq!(of(&parts, own_tag).as_deref(), Some(&due_parts[..]), "{parts:?} of {len} bytes");
                assert_eq!(
                    (of(&parts, wrong), of(&[0..0, start..len + 1], own_tag)),
                    (None, None),
                    "{len} bytes"
                );
            }
            assert!(decrypt(&key, nonce, &place, &mut own, own_tag) && own == plain, "{len} bytes");
        }
    }

    /// Units of databases that were written with other instructions must open.
    #[test]
    fn a_long_unit_has_the_tag_that_it_has_on_every_processor() {
        let mut bytes: Vec<u8> = (0..20_011_u32).map(|n| ((n * n) >> 5) as u8).collect();
        let (mut key, mut nonce) = (Key::default(), [0; NONCE]);
        key.iter_mut().zip(1..).for_each(|(byte, n)| *byte = n);
        nonce.iter_mut().zip(101..).for_each(|(byte, n)| *byte = n);
        let tag = encrypt(&key, nonce, b"place", &mut bytes);
        assert_eq!(data_encoding::HEXLOWER.encode(&tag), "7ab9f530c9cb335f8baa0d111976a9dd");
    }

    /// The example of draft-irtf-cfrg-xchacha-03, appendix A.3.1.
    #[test]
    fn the_example_of_the_draft_has_its_tag() {
        let mut bytes = *b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
        let mut key = Key::default();
        key.iter_mut().zip(0x80..).for_each(|(byte, n)| *byte = n);
        let mut nonce = [0; NONCE];
        nonce.iter_mut().zip(0x40..).for_each(|(byte, n)| *byte = n);
        let place = [0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7];
        let tag = encrypt(&key, nonce, &place, &mut bytes);
        assert_eq!(data_encoding::HEXLOWER.encode(&tag), "c0875924c1c7987947deafd8780acf49");
        assert_eq!(data_encoding::HEXLOWER.encode(&bytes[..8]), "bd6d179d3e83d43b");
    }
}
