//! The key of a document in its collection's directory: its `_id`, encoded so that equal `_id`s have equal keys.
//!
//! Keys are held in memory for every document, so the common forms are short: a UUID string takes 17 bytes, which are stored
//! inline; other strings are stored as they are.

use data_encoding::HEXLOWER;
use smallvec::SmallVec;

use crate::document::{RawKind, RawValue};
use crate::index::key::encode_key;

const ORDERED: u8 = 0;
const STRING: u8 = 1;
const UUID: u8 = 2;
/// The positions of dashes in a UUID.
const DASHES: [usize; 4] = [8, 13, 18, 23];

/// A directory key. Up to 24 bytes are stored inline.
pub(crate) type Key = SmallVec<[u8; 24]>;

/// The key of this `_id`.
pub(crate) fn key_of(id: RawValue<'_>) -> Key {
    let mut key = Key::new();
    match id.kind() {
        RawKind::String(text) => match uuid_bytes(text) {
            Some(bytes) => {
                key.push(UUID);
                key.extend_from_slice(&bytes);
            }
            None => {
                key.push(STRING);
                key.extend_from_slice(text);
            }
        },
        _ => {
            let mut bytes = vec![ORDERED];
            encode_key(id, &mut bytes);
            key.extend_from_slice(&bytes);
        }
    }
    key
}

/// The bytes of a UUID in its canonical form (36 characters, lower case); no other text has such a key.
fn uuid_bytes(text: &[u8]) -> Option<[u8; 16]> {
    let text: &[u8; 36] = text.try_into().ok()?;
    if DASHES.iter().any(|at| text[*at] != b'-') {
        return None;
    }
    // The digits without the dashes.
    let mut digits = [0; 32];
    digits[..8].copy_from_slice(&text[..8]);
    digits[8..12].copy_from_slice(&text[9..13]);
    digits[12..16].copy_from_slice(&text[14..18]);
    digits[16..20].copy_from_slice(&text[19..23]);
    digits[20..].copy_from_slice(&text[24..]);
    let mut bytes = [0; 16];
    HEXLOWER.decode_mut(&digits, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Shapes;

    fn string_key(text: &str) -> Key {
        let mut bytes = vec![0xd9, text.len() as u8];
        bytes.extend_from_slice(text.as_bytes());
        key_of(RawValue::new(&bytes, &Shapes::new()))
    }

    #[test]
    fn a_uuid_is_short_and_its_near_misses_are_not_mistaken_for_it() {
        let uuid = "0190b3c4-7e1f-7abc-8def-0123456789ab";
        assert_eq!(string_key(uuid).len(), 17);
        let misses = [&uuid.to_uppercase(), &uuid.replace('-', "0"), &uuid[1..], &format!("{uuid}0")];
        for (n, miss) in misses.iter().enumerate() {
            assert_ne!(string_key(miss), string_key(uuid), "{n}");
            assert_eq!(string_key(miss)[0], STRING);
        }
        assert_ne!(string_key("0190b3c4-7e1f-7abc-8def-0123456789ac"), string_key(uuid));
    }
}
