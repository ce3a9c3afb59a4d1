//! The table of a snapshot while that is being written: in memory until the last block is there, and packed, because it grows with the
//! database.

use std::collections::BTreeMap;

use super::snapshot::{BlockKind, Entry, HEADER_LEN};

/// The entries of a snapshot that is being written, packed: about 8 bytes each.
#[derive(Default)]
pub(crate) struct PackedTable {
    /// Of each its length, its documents and its checksum.
    bytes: Vec<u8>,
    /// The collections, and the blocks of each in a row.
    collections: Vec<(u32, u64)>,
    blocks: u64,
}

impl PackedTable {
    /// Adds a block, which begins where the one before ends.
    pub(crate) fn push(&mut self, collection: u32, len: u32, documents: u32, crc: u32) {
        for mut number in [len, documents] {
            while number >= 0x80 {
                self.bytes.push(number as u8 | 0x80);
                number >>= 7;
            }
            self.bytes.push(number as u8);
        }
        self.bytes.extend_from_slice(&crc.to_le_bytes());
        match self.collections.last_mut().filter(|(last, _)| *last == collection) {
            Some((_, blocks)) => *blocks += 1,
            None => self.collections.push((collection, 1)),
        }
        self.blocks += 1;
    }

    /// The number of blocks.
    pub(crate) fn blocks(&self) -> u64 {
        self.blocks
    }

    /// The entries, in order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> {
        let mut bytes = self.bytes.iter().copied();
        let (mut offset, mut before) = (HEADER_LEN, BTreeMap::<u32, u64>::new());
        let repeated = |(collection, blocks): &(u32, u64)| std::iter::repeat_n(*collection, *blocks as usize);
        self.collections.iter().flat_map(repeated).map(move |collection| {
            let mut number = || {
                let mut value = 0;
                for shift in (0..32).step_by(7) {
                    let byte = bytes.next().unwrap_or_default();
                    value |= u32::from(byte & 0x7f) << shift;
                    if byte < 0x80 {
                        break;
                    }
                }
                value
            };
            let (len, documents) = (number(), number());
            let crc = u32::from_le_bytes(std::array::from_fn(|_| bytes.next().unwrap_or_default()));
            let first = before.entry(collection).or_default();
            let kind = if collection == 0 { BlockKind::Database } else { BlockKind::Documents };
            let entry = Entry { offset, len, crc, collection, documents, first_document: *first, kind };
            *first += u64::from(documents);
            offset = entry.end();
            entry
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_out_as_they_went_in_and_take_few_bytes() {
        let mut table = PackedTable::default();
        let mut expected = Vec::new();
        let (mut offset, mut before) = (HEADER_LEN, BTreeMap::new());
        for n in 0..3_000_u32 {
            let collection = [0, 4, 7][(n / 1_000) as usize];
            let (len, documents) = ([90, 4_000, 200_000, u32::MAX][n as usize % 4], n % 300);
            let crc = n.wrapping_mul(0x9e37_79b9);
            table.push(collection, len, documents, crc);
            let kind = if collection == 0 { BlockKind::Database } else { BlockKind::Documents };
            let first = before.entry(collection).or_insert(0);
            let entry = Entry { offset, len, crc, collection, documents, first_document: *first, kind };
            *first += u64::from(documents);
            offset = entry.end();
            expected.push(entry);
        }
        assert_eq!(table.blocks(), 3_000);
        assert_eq!(table.entries().collect::<Vec<_>>(), expected);
        assert!(table.bytes.len() < 10 * expected.len(), "{} bytes", table.bytes.len());
    }
}
