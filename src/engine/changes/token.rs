//! The place of an event as text: a later stream goes on from there, also after a restart.
//!
//! ```text
//! version (1)  lsn (8)  record (4)  kind (1)  salt of the segment (8)  id of the database (8)  crc of these (4), in hexadecimal
//! ```
//!
//! The salt and the id tell another history with the same numbers: one that was written after a power cut took the last commits, another
//! database, one in memory that is gone.

use data_encoding::HEXLOWER_PERMISSIVE;

use crate::error::{Error, Kind, Result, codes};
use crate::storage::Lsn;

const VERSION: u8 = 1;
const LENGTH: usize = 34;

/// What a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// An event.
    Event,
    /// The end of a commit, all of whose events were returned.
    Mark,
    /// The end of a stream whose collection or database is gone.
    Invalidate,
}

/// A token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(super) lsn: Lsn,
    pub(super) record: u32,
    pub(super) kind: TokenKind,
    pub(super) salt: u64,
    pub(super) database: [u8; 8],
}

impl Token {
    pub(super) fn encode(self) -> String {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.lsn.0.to_be_bytes());
        bytes.extend_from_slice(&self.record.to_be_bytes());
        bytes.push(match self.kind {
            TokenKind::Event => 0,
            TokenKind::Mark => 1,
            TokenKind::Invalidate => 2,
        });
        bytes.extend_from_slice(&self.salt.to_be_bytes());
        bytes.extend_from_slice(&self.database);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
        HEXLOWER_PERMISSIVE.encode(&bytes)
    }

    /// Reads the text of a token.
    pub(super) fn decode(text: &str) -> Result<Token> {
        Token::read(text).ok_or_else(|| {
            let message = "the resume token is none that this package has made; pass the _id of an event, or the \
                 resumeToken of a change stream";
            Error::new(Kind::BadQuery, message).with_code(codes::INVALID_RESUME_TOKEN)
        })
    }

    fn read(text: &str) -> Option<Token> {
        if text.len() != 2 * LENGTH {
            return None;
        }
        let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?;
        let (bytes, crc) = bytes.split_last_chunk::<4>()?;
        if crc32c::crc32c(bytes).to_be_bytes() != *crc {
            return None;
        }
        let (version, rest) = bytes.split_first()?;
        let (lsn, rest) = rest.split_first_chunk::<8>()?;
        let (record, rest) = rest.split_first_chunk::<4>()?;
        let (kind, rest) = rest.split_first()?;
        let (salt, rest) = rest.split_first_chunk::<8>()?;
        let kind = match kind {
            0 => TokenKind::Event,
            1 => TokenKind::Mark,
            2 => TokenKind::Invalidate,
            _ => return None,
        };
        let lsn = Lsn(u64::from_be_bytes(*lsn));
        let whole = *version == VERSION && lsn.0 < u64::MAX >> 1;
        whole.then_some(Token {
            lsn,
            record: u32::from_be_bytes(*record),
            kind,
            salt: u64::from_be_bytes(*salt),
            database: rest.try_into().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_nothing_else_is_one() {
        for kind in [TokenKind::Event, TokenKind::Mark, TokenKind::Invalidate] {
            let token = Token { lsn: Lsn(7), record: 3, kind, salt: u64::MAX - 5, database: *b"database" };
            let text = token.encode();
            assert_eq!(Token::decode(&text).unwrap(), token);
            assert_eq!(Token::decode(&text.to_uppercase()).unwrap(), token);
            for cut in 0..text.len() {
                assert!(Token::decode(&text[..cut]).is_err());
                let other = if text.as_bytes()[cut] == b'5' { "6" } else { "5" };
                let changed = [&text[..cut], other, &text[cut + 1..]].concat();
                assert!(Token::decode(&changed).is_err(), "{changed}");
            }
        }
        for wrong in ["", "zz", &"f".repeat(68), &"0".repeat(68), &"\u{e9}".repeat(34)] {
            let error = Token::decode(wrong).unwrap_err();
            assert_eq!(error.code(), Some(codes::INVALID_RESUME_TOKEN), "{wrong}");
        }
    }
}
