//! Encryption: keys, and units of bytes that are sealed with them. No files, no formats.
//!
//! - `key_block`: how the data key of a database is kept, wrapped with what a password or a key gives
//! - `cipher`: the keys of an open database, or none
//! - `aead`: XChaCha20-Poly1305, of whole units and of parts of them
//! - `beside`: sealing and opening on a second thread
//! - `unit`: the key of one file, and the units that it seals
//! - `nonces`: random nonces
//!
//! ```text
//! data key   32 random bytes, made with the database
//! key of a file, of a use   BLAKE2b-256 with the data key over the name of the use and what identifies the file
//! unit       nonce, 24 random bytes    ciphertext    tag, 16 bytes: XChaCha20-Poly1305
//! mac        16 bytes: BLAKE2b with a key of its own
//! ```

mod aead;
pub(crate) mod beside;
pub mod cipher;
pub mod key_block;
mod nonces;
pub mod unit;
