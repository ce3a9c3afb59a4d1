//! How the data key is kept: encrypted with a key that a password or 32 bytes give. Both parts stand in the manifest.
//!
//! ```text
//! derivation   0 u8 kind: 1 password, 2 key of 32 bytes    1 u8 algorithm: 1 Argon2id, 0 for a key    2 zero
//!  64 bytes    4 u32 version of Argon2: 19   8 u32 memory in KiB   12 u32 passes   16 u32 lanes (all 0 for a key)   20 zero
//!             24 salt, 32 bytes             56 zero
//! wrapped      0 nonce, 24 bytes            24 the data key, encrypted           56 tag, 16 bytes
//!  72 bytes    associated data: id of the database, derivation
//! ```

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use super::aead::{TAG, decrypt, encrypt};
use super::nonces::{NONCE, Random};
use super::unit::{Key, subkey};
use crate::error::{Error, Kind, Result};
use crate::options::{EncryptionKey, Secret};

/// Bytes of both parts.
pub const DERIVATION: usize = 64;
/// Bytes of the wrapped key.
pub const WRAPPED: usize = 72;

const PASSWORD: u8 = 1;
const RAW: u8 = 2;
const ARGON2ID: u8 = 1;
const VERSION: u32 = 0x13;

/// What is written: the second recommendation of RFC 9106, on one lane.
const MEMORY_KIB: u32 = 64 << 10;
const PASSES: u32 = 3;
const LANES: u32 = 1;

/// What is read: no weaker than OWASP's least, and no work or memory without bound for a manifest that was made to ask for it.
const LEAST_KIB: u32 = 19 << 10;
const MOST_KIB: u32 = 1 << 20;
const MOST_LANES: u32 = 16;
/// KiB times passes: 4 GiB, which takes a few seconds.
const MOST_WORK: u64 = 4 << 20;

/// The data key of a database as its manifest holds it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyBlock {
    /// Parameters and salt of the derivation.
    pub derivation: [u8; DERIVATION],
    /// The data key, encrypted with the derived key.
    pub wrapped: [u8; WRAPPED],
}

/// A key that was derived, and what it opened.
pub(super) struct Opened {
    pub(super) derived: Key,
    pub(super) data: Key,
}

impl KeyBlock {
    /// Wraps a data key for this key; also returns the derived one.
    pub(super) fn wrap(
        key: &EncryptionKey,
        database: &[u8; 16],
        data: &Key,
        random: &Random,
    ) -> Result<(KeyBlock, Key)> {
        let derivation = match key.secret() {
            Secret::Derived(_, derivation) => *derivation,
            secret => {
                let mut fresh = [0; DERIVATION];
                if let Secret::Password(_) = secret {
                    fresh[..2].copy_from_slice(&[PASSWORD, ARGON2ID]);
                    for (at, number) in [VERSION, MEMORY_KIB, PASSES, LANES].into_iter().enumerate() {
                        fresh[4 + at * 4..][..4].copy_from_slice(&number.to_le_bytes());
                    }
                } else {
                    fresh[0] = RAW;
                }
                random(&mut fresh[24..56]);
                fresh
            }
        };
        let Some(derived) = derive(key, &derivation)? else {
            return Err(Error::new(Kind::Internal, "a key is derived in a way that is not known"));
        };
        let mut wrapped = [0; WRAPPED];
        let (nonce, rest) = wrapped.split_at_mut(NONCE);
        random(nonce);
        let mut drawn = [0; NONCE];
        drawn.copy_from_slice(nonce);
        let (sealed, tag) = rest.split_at_mut(32);
        sealed.copy_from_slice(&data[..]);
        tag.copy_from_slice(&encrypt(&derived, drawn, &place(database, &derivation), sealed));
        Ok((KeyBlock { derivation, wrapped }, derived))
    }

    /// The data key, if this key opens it; an error where the derivation asks for more than is allowed.
    pub(super) fn unwrap(&self, key: &EncryptionKey, database: &[u8; 16]) -> Result<Option<Opened>> {
        let Some(derived) = derive(key, &self.derivation)? else { return Ok(None) };
        let mut data = Zeroizing::new([0; 32]);
        let (mut nonce, mut tag) = ([0; NONCE], [0; TAG]);
        nonce.copy_from_slice(&self.wrapped[..NONCE]);
        data.copy_from_slice(&self.wrapped[NONCE..NONCE + 32]);
        tag.copy_from_slice(&self.wrapped[NONCE + 32..]);
        let place = place(database, &self.derivation);
        let is_opened = decrypt(&derived, nonce, &place, &mut data[..], tag);
        Ok(is_opened.then_some(Opened { derived, data }))
    }
}

fn place(database: &[u8; 16], derivation: &[u8; DERIVATION]) -> [u8; 16 + DERIVATION] {
    let mut place = [0; 16 + DERIVATION];
    place[..16].copy_from_slice(database);
    place[16..].copy_from_slice(derivation);
    place
}

/// The key that is derived in this way; `None` where the way is for a key of another kind.
pub(super) fn derive(key: &EncryptionKey, derivation: &[u8; DERIVATION]) -> Result<Option<Key>> {
    let number = |at: usize| {
        derivation.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
    };
    let malformed = || Error::new(Kind::Corrupt, "the key derivation holds fields of no known format");
    let zeros = derivation[2..4].iter().chain(&derivation[20..24]).chain(&derivation[56..]);
    let numbers = [number(4), number(8), number(12), number(16)];
    if zeros.into_iter().any(|byte| *byte != 0) {
        return Err(malformed());
    }
    let [version, memory, passes, lanes] = numbers;
    let is_password = match (derivation[0], derivation[1]) {
        (PASSWORD, ARGON2ID) => {
            let work = u64::from(memory) * u64::from(passes);
            let is_bounded = (LEAST_KIB..=MOST_KIB).contains(&memory) && work <= MOST_WORK;
            if version != VERSION || !is_bounded || passes == 0 || !(1..=MOST_LANES).contains(&lanes) {
                return Err(malformed());
            }
            true
        }
        (RAW, 0) if numbers == [0; 4] => false,
        _ => return Err(malformed()),
    };
    let salt = &derivation[24..56];
    match key.secret() {
        Secret::Derived(derived, own) => Ok((own == derivation).then(|| derived.clone())),
        Secret::Raw(raw) if !is_password => Ok(Some(subkey(raw, "moltendb key", &[salt]))),
        Secret::Password(password) if is_password => {
            let mut derived = Zeroizing::new([0; 32]);
            let params = Params::new(memory, passes, lanes, Some(derived.len())).map_err(|_| malformed())?;
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let hashed = argon2.hash_password_into(password, salt, &mut derived[..]);
            hashed.map_err(|error| {
                let mebibytes = memory >> 10;
                let what =
                    format!("the key could not be derived, which takes {mebibytes} MiB of memory: {error}");
                Error::new(Kind::Limit, what)
            })?;
            Ok(Some(derived))
        }
        Secret::Raw(_) | Secret::Password(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random() -> Random {
        Box::new(|bytes| bytes.iter_mut().zip(1..).for_each(|(byte, n)| *byte = n))
    }

    fn password(text: &str) -> EncryptionKey {
        EncryptionKey::password(Zeroizing::new(text.as_bytes().to_vec())).unwrap()
    }

    fn opens(block: &KeyBlock, key: &EncryptionKey, database: &[u8; 16]) -> Option<[u8; 32]> {
        block.unwrap(key, database).unwrap().map(|opened| *opened.data)
    }

    #[test]
    fn a_data_key_opens_with_its_password_or_key_in_its_database_and_no_other_way() {
        let data: Key = Zeroizing::new([9; 32]);
        let raw = |byte| EncryptionKey::raw(&[byte; 32]).unwrap();
        for (right, wrong) in [(password("a word"), password("a Word")), (raw(1), raw(2))] {
            let (block, derived) = KeyBlock::wrap(&right, &[3; 16], &data, &random()).unwrap();
            assert!(!block.wrapped.windows(32).any(|part| part == &data[..]));
            assert_eq!(opens(&block, &right, &[3; 16]), Some([9; 32]));
            let known = EncryptionKey::derived(derived, block.derivation);
            assert_eq!(opens(&block, &known, &[3; 16]), Some([9; 32]));
            assert_eq!(opens(&block, &right, &[4; 16]), None, "another database");
            assert_eq!(opens(&block, &wrong, &[3; 16]), None);
            // One of them is of the other kind.
            assert_eq!(opens(&block, &password("x"), &[3; 16]), None);
            assert_eq!(opens(&block, &raw(7), &[3; 16]), None);
            for at in 0..WRAPPED {
                let mut bad = block;
                bad.wrapped[at] ^= 1;
                assert_eq!(opens(&bad, &known, &[3; 16]), None, "byte {at} of the wrapped key");
            }
        }
    }

    #[test]
    fn a_derivation_that_asks_for_too_little_or_too_much_is_refused_before_it_is_done() {
        let (block, _) =
            KeyBlock::wrap(&password("x"), &[3; 16], &Zeroizing::new([9; 32]), &random()).unwrap();
        for (at, number) in [
            (4, 0x10),
            (8, 0),
            (8, LEAST_KIB - 1),
            (8, MOST_KIB + 1),
            (8, u32::MAX),
            (12, 0),
            (12, 10_000),
            (16, 0),
            (16, 17),
        ] {
            let mut bad = block;
            bad.derivation[at..at + 4].copy_from_slice(&number.to_le_bytes());
            let refused = bad.unwrap(&password("x"), &[3; 16]).err().unwrap();
            assert_eq!(refused.kind(), Kind::Corrupt, "{number} at {at}");
        }
        for at in [0, 1, 2, 3, 20, 23, 56, 63] {
            let mut bad = block;
            bad.derivation[at] ^= 0x40;
            assert!(bad.unwrap(&password("x"), &[3; 16]).is_err(), "byte {at}");
        }
    }

    #[test]
    fn the_default_is_the_second_recommendation_of_rfc_9106_on_one_lane() {
        let (block, _) =
            KeyBlock::wrap(&password("x"), &[3; 16], &Zeroizing::new([9; 32]), &random()).unwrap();
        let numbers: Vec<u32> = block.derivation[4..20]
            .chunks_exact(4)
            .map(|at| u32::from_le_bytes(at.try_into().unwrap()))
            .collect();
        assert_eq!((block.derivation[0], block.derivation[1], numbers), (1, 1, vec![19, 65_536, 3, 1]));
    }
}
