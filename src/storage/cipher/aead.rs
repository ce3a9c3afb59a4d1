//! XChaCha20-Poly1305 (RFC 8439 with a nonce of 24 bytes). A short unit is put together of the two parts.
//!
//! ChaCha20 makes four blocks in the time of one. The first block of a unit is the key of its tag, and the last is rarely full: with each of
//! them made alone, as for longer units, one of 150 bytes takes four steps, where one is enough.

use chacha20::XChaCha20;
use chacha20::cipher::{KeyIvInit as _, StreamCipher as _};
use chacha20poly1305::aead::{AeadInOut as _, inout::InOutBuf};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use poly1305::Poly1305;
use poly1305::universal_hash::{KeyInit as _, UniversalHash as _};
use zeroize::{Zeroize as _, Zeroizing};

use super::nonces::NONCE;

/// Bytes of a tag, and of a mac.
pub const TAG: usize = 16;

/// Bytes that ChaCha20 makes in one step.
const STEP: usize = 256;
/// Bytes of the first block, of which half is the key of the tag.
const BLOCK: usize = 64;

type Key = Zeroizing<[u8; 32]>;

/// Encrypts in place; returns the tag.
pub(super) fn encrypt(key: &Key, nonce: [u8; NONCE], place: &[u8], bytes: &mut [u8]) -> [u8; TAG] {
    let Some(mut step) = Step::of(key, nonce, bytes) else {
        let cipher = XChaCha20Poly1305::new((&**key).into());
        let sealed = cipher.encrypt_inout_detached(&XNonce::from(nonce), place, InOutBuf::from(bytes));
        return sealed.expect("a unit is shorter than 256 GiB").into();
    };
    step.copy_to(bytes);
    step.tag(place, bytes)
}

/// Decrypts in place; `false` where the tag is not that of the bytes, which then stay as they are.
pub(super) fn decrypt(key: &Key, nonce: [u8; NONCE], place: &[u8], bytes: &mut [u8], tag: [u8; TAG]) -> bool {
    let Some(mut step) = Step::of(key, nonce, bytes) else {
        let cipher = XChaCha20Poly1305::new((&**key).into());
        let (nonce, tag) = (XNonce::from(nonce), Tag::from(tag));
        return cipher.decrypt_inout_detached(&nonce, place, InOutBuf::from(bytes), &tag).is_ok();
    };
    let is_genuine = is_same(&step.tag(place, bytes), &tag);
    if is_genuine {
        step.copy_to(bytes);
    }
    is_genuine
}

/// A short unit: the first block of the keystream, and the bytes with the blocks after it applied.
struct Step([u8; STEP]);

impl Step {
    /// `None` where one step is not enough.
    fn of(key: &Key, nonce: [u8; NONCE], bytes: &[u8]) -> Option<Step> {
        let mut step = Step([0; STEP]);
        step.0.get_mut(BLOCK..BLOCK + bytes.len())?.copy_from_slice(bytes);
        XChaCha20::new((&**key).into(), (&nonce).into()).apply_keystream(&mut step.0);
        Some(step)
    }

    fn copy_to(&self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.0[BLOCK..BLOCK + bytes.len()]);
    }

    /// The tag of encrypted bytes at a place. The block with its key is zeroed.
    fn tag(&mut self, place: &[u8], bytes: &[u8]) -> [u8; TAG] {
        let mut key = Zeroizing::new([0; 32]);
        key.copy_from_slice(&self.0[..32]);
        self.0[..BLOCK].zeroize();
        let mut mac = Poly1305::new((&*key).into());
        mac.update_padded(place);
        mac.update_padded(bytes);
        let mut lengths = poly1305::Block::default();
        lengths[..8].copy_from_slice(&(place.len() as u64).to_le_bytes());
        lengths[8..].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
        mac.update(&[lengths]);
        mac.finalize().into()
    }
}

/// Compares two macs in a time that does not depend on them.
pub fn is_same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
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
            assert!(decrypt(&key, nonce, &place, &mut own, own_tag) && own == plain, "{len} bytes");
        }
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
