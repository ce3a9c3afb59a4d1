//! The keys of an open database, or none.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::key_block::{KeyBlock, derive};
use super::nonces::Nonces;
pub use super::nonces::Random;
use super::unit::{FileCipher, Key, OVERHEAD, is_same, subkey};
use crate::error::Result;
use crate::options::EncryptionKey;

/// Gives each file its key. Without encryption there are none.
#[derive(Clone, Default)]
pub struct Cipher(Option<Arc<Keys>>);

/// The keys of a database.
struct Keys {
    database: [u8; 16],
    block: KeyBlock,
    /// What the data key is wrapped with.
    derived: Key,
    data: Key,
    nonces: Arc<Nonces>,
}

impl Cipher {
    /// No encryption.
    pub const PLAIN: Cipher = Cipher(None);

    /// The keys of a new database, which this key will open.
    pub fn create(key: &EncryptionKey, database: [u8; 16], random: Random) -> Result<Cipher> {
        let mut data = Zeroizing::new([0; 32]);
        random(&mut data[..]);
        let (block, derived) = KeyBlock::wrap(key, &database, &data, &random)?;
        let nonces = Arc::new(Nonces::new(random));
        Ok(Cipher(Some(Arc::new(Keys { database, block, derived, data, nonces }))))
    }

    /// The keys of a database with this block; `None` where this is not its key.
    pub fn unlock(
        key: &EncryptionKey,
        database: [u8; 16],
        block: KeyBlock,
        random: Random,
    ) -> Result<Option<Cipher>> {
        let Some(opened) = block.unwrap(key, &database)? else { return Ok(None) };
        let (derived, data, nonces) = (opened.derived, opened.data, Arc::new(Nonces::new(random)));
        Ok(Some(Cipher(Some(Arc::new(Keys { database, block, derived, data, nonces })))))
    }

    /// The same keys, which another key will open from now on.
    pub fn with_key(&self, key: &EncryptionKey, random: Random) -> Result<Cipher> {
        let Some(keys) = &self.0 else { return Ok(Cipher::PLAIN) };
        let (block, derived) = KeyBlock::wrap(key, &keys.database, &keys.data, &random)?;
        let (database, data, nonces) = (keys.database, keys.data.clone(), Arc::new(Nonces::new(random)));
        Ok(Cipher(Some(Arc::new(Keys { database, block, derived, data, nonces }))))
    }

    /// Whether it encrypts.
    pub fn is_sealing(&self) -> bool {
        self.0.is_some()
    }

    /// What a unit has more than its bytes.
    pub fn overhead(&self) -> u32 {
        if self.is_sealing() { OVERHEAD as u32 } else { 0 }
    }

    /// The id of the database.
    pub fn database(&self) -> Option<[u8; 16]> {
        self.0.as_ref().map(|keys| keys.database)
    }

    /// What the manifest holds of it.
    pub fn block(&self) -> Option<&KeyBlock> {
        self.0.as_ref().map(|keys| &keys.block)
    }

    /// What opens a copy that the same key is to open; `None` without encryption.
    pub fn key(&self) -> Option<EncryptionKey> {
        let keys = self.0.as_ref()?;
        Some(EncryptionKey::derived(keys.derived.clone(), keys.block.derivation))
    }

    /// Whether this is the key that opens the database.
    pub fn is_opened_by(&self, key: &EncryptionKey) -> Result<bool> {
        let Some(keys) = &self.0 else { return Ok(false) };
        let derived = derive(key, &keys.block.derivation)?;
        Ok(derived.is_some_and(|derived| is_same(&derived[..], &keys.derived[..])))
    }

    /// What seals a file, or a part of the manifest: of this use, identified by these bytes.
    pub fn file(&self, usage: &str, identity: &[&[u8]]) -> FileCipher {
        let Some(keys) = &self.0 else { return FileCipher::PLAIN };
        let mut parts: Vec<&[u8]> = vec![&keys.database];
        parts.extend(identity);
        FileCipher::new(&subkey(&keys.data, usage, &parts), keys.nonces.clone())
    }
}
