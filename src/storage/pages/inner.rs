//! Inner pages: pointers to the pages below, and the separators between them.
//!
//! The separator of a page is the shortest beginning of its first entry that is above the last entry before it. The first page
//! below an inner page has none.

use super::entries::partition;
use super::head::{HEAD_LEN, Head, PageKind, common_prefix, take};
use super::pointer::{POINTER_LEN, Pointer};
use super::target::Target;

/// Bytes of a head.
const HEAD: usize = 8;

/// A page below, as its inner page names it.
#[derive(Clone, Debug)]
pub struct Child {
    /// The separator before it; without a meaning in the first one.
    pub low: Vec<u8>,
    /// The page.
    pub pointer: Pointer,
}

/// The separator between two entries.
pub fn separator(last: &[u8], next: &[u8]) -> Vec<u8> {
    let same = common_prefix(last, next);
    next[..next.len().min(same + 1)].to_vec()
}

/// The length of an inner page of these children, at least: prefixes make it shorter.
pub fn len_of(child: &Child) -> usize {
    HEAD + POINTER_LEN + 2 + child.low.len()
}

/// The inner page of these children, at least one.
pub fn encode(children: &[Child], tree: u32, out: &mut Vec<u8>) {
    let lows = || children.iter().skip(1).map(|child| child.low.as_slice());
    let prefix = match (lows().next(), lows().next_back()) {
        (Some(first), Some(last)) => common_prefix(first, last),
        _ => 0,
    };
    let head =
        Head { kind: PageKind::Inner, flags: 0, count: children.len() as u16, tree, prefix: prefix as u16 };
    head.encode(out);
    out.extend_from_slice(lows().next().map_or(&[][..], |low| &low[..prefix]));
    for low in lows() {
        out.extend_from_slice(&padded(&low[prefix..], 0));
    }
    children.iter().for_each(|child| child.pointer.encode(out));
    let mut end = 0_u16;
    for low in lows() {
        end += (low.len() - prefix) as u16;
        out.extend_from_slice(&end.to_le_bytes());
    }
    lows().for_each(|low| out.extend_from_slice(&low[prefix..]));
}

fn padded(bytes: &[u8], with: u8) -> [u8; HEAD] {
    let mut head = [with; HEAD];
    head.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    head
}

/// The pointers of an inner page.
#[derive(Clone, Copy)]
pub struct Inner<'a> {
    count: usize,
    prefix: &'a [u8],
    heads: &'a [u8],
    pointers: &'a [u8],
    ends: &'a [u8],
    rests: &'a [u8],
}

impl<'a> Inner<'a> {
    /// The pointers of a page whose checksum holds; says what is wrong with it otherwise. A page that was read from a file is
    /// passed to [`Inner::check`] once.
    #[inline]
    pub fn of(page: &'a [u8]) -> Result<Inner<'a>, &'static str> {
        let head = Head::decode(page)?;
        if head.kind != PageKind::Inner || head.flags != 0 {
            return Err("the page is of another kind than its tree says");
        }
        let count = usize::from(head.count);
        let separators = count.checked_sub(1).ok_or("the inner page has no pages below it")?;
        let mut rest = page.get(HEAD_LEN..).unwrap_or_default();
        let prefix = take(&mut rest, usize::from(head.prefix))?;
        let heads = take(&mut rest, separators * HEAD)?;
        let pointers = take(&mut rest, count * POINTER_LEN)?;
        let ends = take(&mut rest, separators * 2)?;
        Ok(Inner { count, prefix, heads, pointers, ends, rests: rest })
    }

    /// Whether the page can be read to its end, and its separators ascend; says what is wrong otherwise.
    pub fn check(&self) -> Result<(), &'static str> {
        let (mut begin, mut last) = (0, None);
        for at in 0..self.count - 1 {
            let end = self.end(at);
            if end < begin {
                return Err("the separators of an inner page do not end where it ends");
            }
            let own = self.separator(at);
            if padded(own, 0).as_slice() != self.heads.get(at * HEAD..(at + 1) * HEAD).unwrap_or_default() {
                return Err("the head of a separator is not its beginning");
            }
            if last.is_some_and(|last| last >= own) || (self.prefix.is_empty() && own.is_empty()) {
                return Err("the separators of an inner page are not in order");
            }
            (begin, last) = (end, Some(own));
        }
        if begin != self.rests.len() {
            return Err("the separators of an inner page do not end where it ends");
        }
        Ok(())
    }

    /// How many pages are below.
    #[inline]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The pointer to a page below.
    #[inline]
    pub fn pointer(&self, at: usize) -> Pointer {
        self.pointers.get(at * POINTER_LEN..).and_then(Pointer::decode).unwrap_or_default()
    }

    /// Writes the separator before a page below into `low`; the first one has none.
    pub fn low(&self, at: usize, low: &mut Vec<u8>) {
        low.clear();
        if let Some(at) = at.checked_sub(1) {
            low.extend_from_slice(self.prefix);
            low.extend_from_slice(self.separator(at));
        }
    }

    /// The page below that the target is in, or at the end of.
    #[inline]
    pub fn child(&self, target: Target<'_>) -> usize {
        let (bytes, behind) = match target {
            Target::First => return 0,
            Target::End => return self.count - 1,
            Target::Before(bytes) => (bytes, false),
            Target::Behind(bytes) => (bytes, true),
        };
        let separators = self.count - 1;
        let shared = self.prefix.len().min(bytes.len());
        let (start, rest) = bytes.split_at(shared);
        match self.prefix[..shared].cmp(start) {
            std::cmp::Ordering::Less => return separators,
            std::cmp::Ordering::Greater => return 0,
            std::cmp::Ordering::Equal => {}
        }
        if shared < self.prefix.len() {
            // All separators begin with the bytes.
            return if behind { separators } else { 0 };
        }
        // The last separator that is not above the target.
        let wanted = u64::from_be_bytes(padded(rest, if behind { 0xff } else { 0 }));
        let from = partition(0, separators, |at| self.head(at) < wanted);
        let to = partition(from, separators, |at| self.head(at) == wanted);
        partition(from, to, |at| {
            let own = self.separator(at);
            own <= rest || behind && own.starts_with(rest)
        })
    }

    /// Separators and entries that lie between a short target and its continuations have heads in between.
    #[inline]
    fn head(&self, at: usize) -> u64 {
        self.heads
            .get(at * HEAD..)
            .and_then(|heads| heads.first_chunk())
            .map_or(0, |head| u64::from_be_bytes(*head))
    }

    #[inline]
    fn end(&self, at: usize) -> usize {
        self.ends
            .get(at * 2..)
            .and_then(|ends| ends.first_chunk())
            .map_or(0, |end| usize::from(u16::from_le_bytes(*end)))
    }

    /// A separator after the prefix.
    #[inline]
    fn separator(&self, at: usize) -> &'a [u8] {
        let begin = if at == 0 { 0 } else { self.end(at - 1) };
        self.rests.get(begin..self.end(at)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_of(lows: &[Vec<u8>]) -> Vec<u8> {
        let child = |(at, low): (usize, &Vec<u8>)| Child {
            low: low.clone(),
            pointer: Pointer { offset: at as u64, ..Pointer::default() },
        };
        let children: Vec<Child> = lows.iter().enumerate().map(child).collect();
        let mut page = Vec::new();
        encode(&children, 1, &mut page);
        page
    }

    fn lows(random: &mut fastrand::Rng) -> Vec<Vec<u8>> {
        let (start, letters) = (random.usize(0..12), if random.bool() { 0..3 } else { 0..255 });
        let mut all: Vec<Vec<u8>> = (0..random.usize(1..60))
            .map(|_| {
                let length = random.usize(1..12);
                std::iter::repeat_n(7, start).chain((0..length).map(|_| random.u8(letters.clone()))).collect()
            })
            .collect();
        all.sort();
        all.dedup();
        all.insert(0, Vec::new());
        all
    }

    #[test]
    fn the_page_below_is_the_last_whose_separator_is_not_above_the_target() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        for round in 0..600 {
            let lows = lows(&mut random);
            let page = page_of(&lows);
            let read = Inner::of(&page).unwrap();
            read.check().unwrap_or_else(|why| panic!("{why}: seed {seed}, round {round}"));
            let mut low = Vec::new();
            for (at, own) in lows.iter().enumerate() {
                read.low(at, &mut low);
                assert_eq!((&low, read.pointer(at).offset), (own, at as u64));
            }
            let mut targets = lows.clone();
            targets.extend((0..30).map(|_| {
                let mut bytes = lows[random.usize(0..lows.len())].clone();
                bytes.truncate(random.usize(0..=bytes.len()));
                bytes.extend((0..random.usize(0..10)).map(|_| random.u8(..)));
                bytes
            }));
            for bytes in &targets {
                let before = lows.partition_point(|low| low <= bytes) - 1;
                assert_eq!(
                    read.child(Target::Before(bytes)),
                    before,
                    "seed {seed}, round {round}: {bytes:?}"
                );
                let cut = |low: &[u8]| low[..low.len().min(bytes.len())].to_vec();
                let behind = lows.partition_point(|low| cut(low) <= *bytes) - 1;
                assert_eq!(
                    read.child(Target::Behind(bytes)),
                    behind,
                    "seed {seed}, round {round}: {bytes:?}"
                );
            }
            assert_eq!((read.child(Target::First), read.child(Target::End)), (0, lows.len() - 1));
        }
    }

    #[test]
    fn a_damaged_page_is_told_or_read_without_a_panic() {
        let mut random = fastrand::Rng::with_seed(3);
        let page = page_of(&lows(&mut random));
        for at in 0..page.len() {
            for bit in 0..8 {
                let mut other = page.clone();
                other[at] ^= 1 << bit;
                if let Ok(read) = Inner::of(&other) {
                    let _ = read.check();
                    let mut low = Vec::new();
                    for child in 0..read.len() {
                        read.low(child, &mut low);
                        let _ = (
                            read.pointer(child),
                            read.child(Target::Before(&low)),
                            read.child(Target::Behind(&low)),
                        );
                    }
                }
            }
            assert!(Inner::of(&page[..at]).and_then(|read| read.check()).is_err());
        }
    }

    #[test]
    fn a_separator_is_above_the_one_and_not_above_the_other() {
        for (last, next, expected) in [
            (b"abc".as_slice(), b"abd".as_slice(), b"abd".as_slice()),
            (b"a", b"abc", b"ab"),
            (b"", b"x", b"x"),
        ] {
            assert_eq!(separator(last, next), expected);
        }
    }
}
