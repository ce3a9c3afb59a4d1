//! Pointers to pages. A pointer holds the checksum of its page, so that a page is known by its place and its bytes together.

use super::bytes::{u32_at, u64_at};

/// Bytes of an encoded pointer.
pub const POINTER_LEN: usize = 32;

/// Where a page is, and what its bytes must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pointer {
    /// The run file; 0 is the file that holds the pointer.
    pub file: u64,
    /// Where it begins.
    pub offset: u64,
    /// Its length.
    pub length: u32,
    /// Its checksum.
    pub sum: u32,
    /// The additions less the removals in the leaves below; of rows, the records less the tombstones.
    pub net: i64,
}

impl Pointer {
    /// Appends it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.file.to_le_bytes());
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(&self.length.to_le_bytes());
        out.extend_from_slice(&self.sum.to_le_bytes());
        out.extend_from_slice(&self.net.to_le_bytes());
    }

    /// Decodes it from the first bytes.
    pub fn decode(bytes: &[u8]) -> Option<Pointer> {
        let bytes = bytes.get(..POINTER_LEN)?;
        Some(Pointer {
            file: u64_at(bytes, 0),
            offset: u64_at(bytes, 8),
            length: u32_at(bytes, 16),
            sum: u32_at(bytes, 20),
            net: u64_at(bytes, 24).cast_signed(),
        })
    }
}

/// Computes the checksums of the pages of one run file: they depend on the file and on the place, so that no page passes for
/// another one with the same bytes.
#[derive(Clone, Copy, Debug)]
pub struct PageSeed(u32);

impl PageSeed {
    /// Of the run file with this salt and number.
    pub fn new(salt: &[u8; 16], run: u64) -> PageSeed {
        PageSeed(crc32c::crc32c_append(crc32c::crc32c(salt), &run.to_le_bytes()))
    }

    /// The checksum of a page.
    pub fn sum(self, offset: u64, page: &[u8]) -> u32 {
        let mut place = [0; 12];
        place[..8].copy_from_slice(&offset.to_le_bytes());
        place[8..].copy_from_slice(&(page.len() as u32).to_le_bytes());
        crc32c::crc32c_append(crc32c::crc32c_append(self.0, &place), page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_reads_as_it_was_written() {
        let pointer = Pointer { file: 7, offset: 1 << 40, length: 4096, sum: 0xdead_beef, net: -12 };
        let mut bytes = Vec::new();
        pointer.encode(&mut bytes);
        assert_eq!(bytes.len(), POINTER_LEN);
        assert_eq!(Pointer::decode(&bytes), Some(pointer));
        assert_eq!(Pointer::decode(&bytes[..POINTER_LEN - 1]), None);
    }

    #[test]
    fn the_sum_depends_on_file_place_and_bytes() {
        let page = b"some page".as_slice();
        let sums = [
            PageSeed::new(&[1; 16], 1).sum(96, page),
            PageSeed::new(&[2; 16], 1).sum(96, page),
            PageSeed::new(&[1; 16], 2).sum(96, page),
            PageSeed::new(&[1; 16], 1).sum(97, page),
            PageSeed::new(&[1; 16], 1).sum(96, &page[..8]),
            PageSeed::new(&[1; 16], 1).sum(96, b"some Page"),
        ];
        for (at, sum) in sums.iter().enumerate() {
            assert!(!sums[..at].contains(sum), "{at}");
        }
    }
}
