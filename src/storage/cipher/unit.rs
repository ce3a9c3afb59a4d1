//! The key of one file, and the units that it seals. Without encryption a unit is its bytes.

use std::ops::Range;
use std::sync::Arc;

use blake2::Blake2bMac;
use blake2::digest::array::sizes::{U16, U32};
use blake2::digest::{KeyInit as _, Mac as _};
use zeroize::Zeroizing;

pub use super::aead::{TAG, is_same};
use super::aead::{decrypt, decrypt_parts, encrypt};
use super::nonces::{NONCE, Nonces};

/// What a sealed unit has more than its bytes.
pub const OVERHEAD: usize = NONCE + TAG;

/// A key.
pub(super) type Key = Zeroizing<[u8; 32]>;

/// Seals the units of one file, and opens them. Without encryption it changes nothing.
#[derive(Clone, Default)]
pub struct FileCipher(Option<Arc<Sealing>>);

struct Sealing {
    /// Of units.
    seal: Key,
    /// Of what stands in clear.
    mac: Key,
    nonces: Arc<Nonces>,
}

impl FileCipher {
    /// None.
    pub const PLAIN: FileCipher = FileCipher(None);

    /// One with keys that are made of this one.
    pub(super) fn new(key: &Key, nonces: Arc<Nonces>) -> FileCipher {
        let (seal, mac) = (subkey(key, "seal", &[]), subkey(key, "mac", &[]));
        FileCipher(Some(Arc::new(Sealing { seal, mac, nonces })))
    }

    /// Whether it encrypts.
    pub fn is_sealing(&self) -> bool {
        self.0.is_some()
    }

    /// What a unit has more than its bytes.
    pub fn overhead(&self) -> u32 {
        if self.is_sealing() { OVERHEAD as u32 } else { 0 }
    }

    /// Bytes of a unit before its own ones.
    pub fn before(&self) -> usize {
        if self.is_sealing() { NONCE } else { 0 }
    }

    /// Appends bytes as a unit, which opens only with the same place.
    pub fn seal(&self, place: &[u8], bytes: &[u8], out: &mut Vec<u8>) {
        let from = out.len();
        self.lay(bytes, out);
        self.seal_laid(place, out.get_mut(from..).unwrap_or_default());
    }

    /// Appends bytes as a unit that is still to be sealed: `seal_laid` does that, at any time, on any thread.
    pub fn lay(&self, bytes: &[u8], out: &mut Vec<u8>) {
        let Some(sealing) = &self.0 else { return out.extend_from_slice(bytes) };
        out.extend_from_slice(&sealing.nonces.next());
        out.extend_from_slice(bytes);
        out.extend_from_slice(&[0; TAG]);
    }

    /// Seals, once, what was laid out as a unit.
    pub fn seal_laid(&self, place: &[u8], unit: &mut [u8]) {
        let Some(sealing) = &self.0 else { return };
        if let Some((nonce, rest)) = unit.split_first_chunk_mut::<NONCE>()
            && let Some((bytes, tag)) = rest.split_last_chunk_mut::<TAG>()
        {
            *tag = encrypt(&sealing.seal, *nonce, place, bytes);
        }
    }

    /// The bytes of a unit; `None` where it was not sealed with this key for this place.
    pub fn open(&self, place: &[u8], unit: &[u8]) -> Option<Box<[u8]>> {
        let Some(sealing) = &self.0 else { return Some(unit.into()) };
        let (nonce, rest) = unit.split_first_chunk::<NONCE>()?;
        let (sealed, tag) = rest.split_last_chunk::<TAG>()?;
        let mut bytes: Box<[u8]> = sealed.into();
        decrypt(&sealing.seal, *nonce, place, &mut bytes, *tag).then_some(bytes)
    }

    /// Parts of the bytes of a unit, one after the other; all of the unit must be as it was sealed. `None` where a part is outside of it, too.
    pub fn open_parts(&self, place: &[u8], unit: &[u8], parts: &[Range<usize>]) -> Option<Box<[u8]>> {
        let Some(sealing) = &self.0 else {
            let mut bytes = Vec::with_capacity(parts.iter().map(Range::len).sum());
            for part in parts {
                bytes.extend_from_slice(unit.get(part.clone())?);
            }
            return Some(bytes.into());
        };
        let (nonce, rest) = unit.split_first_chunk::<NONCE>()?;
        let (sealed, tag) = rest.split_last_chunk::<TAG>()?;
        decrypt_parts(&sealing.seal, *nonce, place, (sealed, parts), *tag)
    }

    /// The same in place: the bytes are a part of those of the unit.
    pub fn open_in_place<'u>(&self, place: &[u8], unit: &'u mut [u8]) -> Option<&'u mut [u8]> {
        let Some(sealing) = &self.0 else { return Some(unit) };
        let (nonce, rest) = unit.split_first_chunk_mut::<NONCE>()?;
        let (bytes, tag) = rest.split_last_chunk_mut::<TAG>()?;
        decrypt(&sealing.seal, *nonce, place, bytes, *tag).then_some(bytes)
    }

    /// A mac of what stands in clear; zeros without encryption.
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; TAG] {
        let mut mac = self.begin_mac();
        parts.iter().for_each(|part| mac.add(part));
        mac.end()
    }

    /// Begins a mac over parts that come one by one.
    pub fn begin_mac(&self) -> UnitMac {
        let begin = |sealing: &Arc<Sealing>| Box::new(keyed::<U16>(&sealing.mac));
        UnitMac(self.0.as_ref().map(begin))
    }
}

/// A mac in the making.
pub struct UnitMac(Option<Box<Blake2bMac<U16>>>);

impl UnitMac {
    /// Adds a part; how parts are divided makes no difference.
    pub fn add(&mut self, part: &[u8]) {
        if let Some(mac) = &mut self.0 {
            mac.update(part);
        }
    }

    /// The mac.
    pub fn end(self) -> [u8; TAG] {
        self.0.map_or([0; TAG], |mac| mac.finalize().into_bytes().into())
    }
}

fn keyed<Size>(key: &Key) -> Blake2bMac<Size>
where
    Size: blake2::digest::array::ArraySize
        + blake2::digest::typenum::IsLessOrEqual<
            blake2::digest::consts::U64,
            Output = blake2::digest::typenum::True,
        >,
{
    Blake2bMac::new_from_slice(&key[..]).expect("a key of 32 bytes is not too long")
}

/// A key from another one, for a use, of what these parts identify. Parts are preceded by their lengths.
pub(super) fn subkey(key: &Key, usage: &str, parts: &[&[u8]]) -> Key {
    let mut mac = keyed::<U32>(key);
    for part in std::iter::once(&usage.as_bytes()).chain(parts) {
        mac.update(&(part.len() as u64).to_le_bytes());
        mac.update(part);
    }
    let mut derived = Zeroizing::new([0; 32]);
    derived.copy_from_slice(&mac.finalize().into_bytes());
    derived
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::EncryptionKey;
    use crate::storage::cipher::cipher::Cipher;
    use crate::storage::host::system::Host;

    #[test]
    fn a_unit_opens_with_its_key_at_its_place_and_no_flipped_bit_is_overlooked() {
        let key = EncryptionKey::raw(&[1; 32]).unwrap();
        let cipher = Cipher::create(&key, [2; 16], Host::system().random()).unwrap();
        let file = cipher.file("test", &[b"one"]);
        let (mut unit, mut again) = (Vec::new(), Vec::new());
        file.seal(b"place", b"some bytes", &mut unit);
        file.seal(b"place", b"some bytes", &mut again);
        assert_eq!((unit.len(), unit == again), (10 + OVERHEAD, false));
        assert_eq!(file.open(b"place", &unit).as_deref(), Some(b"some bytes".as_slice()));
        assert_eq!(file.open_in_place(b"place", &mut again).as_deref(), Some(b"some bytes".as_slice()));
        assert_eq!(file.open(b"other", &unit), None);
        let others = [cipher.file("test", &[b"two"]), cipher.file("tes", &[b"tone"]), FileCipher::PLAIN];
        assert!(others.iter().all(|other| other.open(b"place", &unit).as_deref() != Some(b"some bytes")));
        for bit in 0..unit.len() * 8 {
            let mut bad = unit.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(file.open(b"place", &bad), None, "bit {bit}");
        }
        assert!((0..unit.len()).all(|len| file.open(b"place", &unit[..len]).is_none()));
        let macs = [file.mac(&[b"a", b"b"]), file.mac(&[b"ab"]), others[0].mac(&[b"ab"])];
        assert!(is_same(&macs[0], &macs[1]) && !is_same(&macs[1], &macs[2]) && !is_same(&macs[0], &[]));
    }

    #[test]
    fn without_encryption_a_unit_is_its_bytes() {
        let mut unit = Vec::new();
        FileCipher::PLAIN.seal(b"place", b"bytes", &mut unit);
        assert_eq!((&unit[..], FileCipher::PLAIN.overhead()), (&b"bytes"[..], 0));
        assert_eq!(FileCipher::PLAIN.open(b"other", &unit).as_deref(), Some(&b"bytes"[..]));
        assert_eq!(FileCipher::PLAIN.mac(&[b"anything"]), [0; TAG]);
    }
}
