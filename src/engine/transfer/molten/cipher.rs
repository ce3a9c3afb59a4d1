//! Encrypted entries of MoltenDB, and its keys.

use argon2::Argon2;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, KeyInit};
use data_encoding::{BASE64, BASE64_NOPAD};

use crate::error::{Error, Kind, Result};
use crate::storage::Host;

/// Bytes of a nonce, which stands before what it has sealed.
const NONCE: usize = 24;
/// The salt that MoltenDB takes where the one that it is given is not base64, as most paths are not.
const USUAL_SALT: &str = "bW9sdGVuZGJkZWZhdWx0";
/// How much of the given salt it takes, and how it fills up what is shorter.
const SALT_LENGTH: usize = 22;

/// What the key comes from.
#[derive(Clone)]
pub enum Secret {
    /// A password, and the salt that was given to the derivation, if it was another than MoltenDB falls back to.
    Password(String, Option<String>),
    /// The key.
    Key([u8; 32]),
}

/// Seals and opens entries with one key.
pub(super) struct Cipher(XChaCha20Poly1305);

impl Cipher {
    fn new(key: &[u8; 32]) -> Cipher {
        Cipher(XChaCha20Poly1305::new(&(*key).into()))
    }

    /// The one that MoltenDB would use first for this secret.
    pub(super) fn first(secret: &Secret) -> Result<Cipher> {
        let salt = salts(secret, &[]).into_iter().next();
        Ok(Cipher::new(&key_of(secret, salt.as_deref())?))
    }

    /// An entry sealed in base64.
    pub(super) fn seal(&self, entry: &[u8], host: &Host) -> Result<String> {
        let mut nonce = [0; NONCE];
        host.rng.fill(&mut nonce);
        let sealed = self.0.encrypt(&nonce.into(), entry);
        let sealed = sealed.map_err(|_| Error::new(Kind::Limit, "an entry is too large to be encrypted"))?;
        Ok(BASE64.encode(&[&nonce[..], &sealed].concat()))
    }

    /// Opens it.
    pub(super) fn open(&self, sealed: &str) -> Option<Vec<u8>> {
        let bytes = BASE64.decode(sealed.as_bytes()).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        self.0.decrypt(&nonce.into(), sealed).ok()
    }
}

/// Finds the key that opens an entry. Where it was derived from a path, that may have been written in several ways.
pub(super) fn find(secret: &Secret, paths: &[&str], sealed: &str) -> Result<Option<Cipher>> {
    if let Secret::Key(key) = secret {
        return Ok(Some(Cipher::new(key)).filter(|cipher| cipher.open(sealed).is_some()));
    }
    for salt in salts(secret, paths) {
        let cipher = Cipher::new(&key_of(secret, Some(&salt))?);
        if cipher.open(sealed).is_some() {
            return Ok(Some(cipher));
        }
    }
    Ok(None)
}

/// The salts to try, the given one first.
fn salts(secret: &Secret, paths: &[&str]) -> Vec<Vec<u8>> {
    let Secret::Password(_, given) = secret else { return Vec::new() };
    let mut salts: Vec<Vec<u8>> = Vec::new();
    let usual = BASE64_NOPAD.decode(USUAL_SALT.as_bytes()).unwrap_or_default();
    let derived = given.iter().map(String::as_str).chain(paths.iter().copied());
    let derived: Vec<_> = derived.filter_map(salt_of).collect();
    let (first, rest) = derived.split_at(usize::from(given.is_some()).min(derived.len()));
    for salt in first.iter().chain([&usual]).chain(rest) {
        if !salts.contains(salt) {
            salts.push(salt.clone());
        }
    }
    salts
}

/// The salt that MoltenDB makes of a text; `None` where it takes the usual one, or fails.
fn salt_of(text: &str) -> Option<Vec<u8>> {
    let start = text.get(..text.len().min(SALT_LENGTH))?;
    BASE64_NOPAD.decode(format!("{start:0<SALT_LENGTH$}").as_bytes()).ok()
}

fn key_of(secret: &Secret, salt: Option<&[u8]>) -> Result<[u8; 32]> {
    match (secret, salt) {
        (Secret::Key(key), _) => Ok(*key),
        (Secret::Password(password, _), salt) => {
            let mut key = [0; 32];
            Argon2::default()
                .hash_password_into(password.as_bytes(), salt.unwrap_or_default(), &mut key)
                .map_err(|error| {
                    Error::new(Kind::Argument, format!("no key comes from the password: {error}"))
                })?;
            Ok(key)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_entry_is_opened_by_its_password_alone() {
        let secret = |password: &str| Secret::Password(password.to_owned(), None);
        let sealed = Cipher::first(&secret("right")).unwrap().seal(b"entry", &Host::system()).unwrap();
        let found = find(&secret("right"), &["app.log"], &sealed).unwrap().unwrap();
        assert_eq!(found.open(&sealed).unwrap(), b"entry");
        assert!(find(&secret("wrong"), &[], &sealed).unwrap().is_none());
        assert!(find(&Secret::Key([0; 32]), &[], &sealed).unwrap().is_none());
        for damaged in ["", "AAAA", "no base64!", &sealed[4..]] {
            assert!(found.open(damaged).is_none());
        }
    }

    #[test]
    fn a_salt_that_is_base64_is_tried_and_any_other_means_the_usual_one() {
        assert_eq!(salt_of("aaaaaaaaaaaaaaaaaaaaaA and more").unwrap().len(), 16);
        assert!(salt_of("./data/app.log").is_none());
        let given = Secret::Password("p".into(), Some("aaaaaaaaaaaaaaaaaaaaaA".into()));
        assert_eq!(salts(&given, &["bbbbbbbbbbbbbbbbbbbbbA", "/tmp/x_y"]).len(), 3);
    }
}
