//! What every page begins with.

use super::bytes::{array_at, u32_at};

/// Length of the head before the prefix.
pub const HEAD_LEN: usize = 12;

/// What a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageKind {
    /// Documents.
    Rows,
    /// Entries of a tree of keys.
    Entries,
    /// Pointers to pages of a tree.
    Inner,
    /// A part of the catalogue.
    Catalogue,
}

impl PageKind {
    const ALL: [PageKind; 4] = [PageKind::Rows, PageKind::Entries, PageKind::Inner, PageKind::Catalogue];

    fn number(self) -> u8 {
        match self {
            PageKind::Rows => 1,
            PageKind::Entries => 2,
            PageKind::Inner => 3,
            PageKind::Catalogue => 5,
        }
    }
}

/// The head of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// What the page holds.
    pub kind: PageKind,
    /// Their meaning depends on the kind.
    pub flags: u8,
    /// How many entries, rows or pointers.
    pub count: u16,
    /// The tree that it belongs to.
    pub tree: u32,
    /// Bytes that all its keys begin with.
    pub prefix: u16,
}

impl Head {
    /// Appends it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.kind.number(), self.flags]);
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(&self.tree.to_le_bytes());
        out.extend_from_slice(&self.prefix.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
    }

    /// Decodes the head of a page; says what is wrong.
    pub fn decode(page: &[u8]) -> Result<Head, &'static str> {
        let head = page.get(..HEAD_LEN).ok_or("the page is shorter than its head")?;
        let kind = PageKind::ALL.into_iter().find(|kind| kind.number() == head[0]);
        if head[10..] != [0; 2] {
            return Err("the page's head holds fields of no known format");
        }
        Ok(Head {
            kind: kind.ok_or("the page is of no known kind")?,
            flags: head[1],
            count: u16::from_le_bytes(array_at(head, 2)),
            tree: u32_at(head, 4),
            prefix: u16::from_le_bytes(array_at(head, 8)),
        })
    }
}

/// Takes this many bytes from the front.
pub(super) fn take<'a>(rest: &mut &'a [u8], bytes: usize) -> Result<&'a [u8], &'static str> {
    let (taken, left) = rest.split_at_checked(bytes).ok_or("the page is shorter than it says")?;
    *rest = left;
    Ok(taken)
}

/// The number of bytes that all begin with, at most `most`.
pub(super) fn common_prefix(first: &[u8], last: &[u8]) -> usize {
    first.iter().zip(last).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_reads_as_it_was_written_and_no_other_way() {
        for kind in PageKind::ALL {
            let head = Head { kind, flags: 3, count: 300, tree: 70_000, prefix: 9 };
            let mut bytes = Vec::new();
            head.encode(&mut bytes);
            assert_eq!(bytes.len(), HEAD_LEN);
            assert_eq!(Head::decode(&bytes), Ok(head));
            assert!(Head::decode(&bytes[..HEAD_LEN - 1]).is_err());
            for (at, byte) in [(0, 0), (0, 4), (0, 6), (10, 1), (11, 1)] {
                let mut other = bytes.clone();
                other[at] = byte;
                assert!(Head::decode(&other).is_err(), "{at}: {byte}");
            }
        }
    }
}
