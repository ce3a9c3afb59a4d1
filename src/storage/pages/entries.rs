//! Leaf pages: entries in order.
//!
//! A search compares heads, which lie side by side, and looks at the rest of a key only where heads are equal. Where all keys
//! of a page are equal, as in an index of few values, neither heads nor ends nor keys are stored.

use super::SLOT;
use super::head::{HEAD_LEN, Head, PageKind, common_prefix, take};
use super::target::{Target, slot_bytes, slot_of};

/// Bytes of a head.
const HEAD: usize = 4;
/// Some entry is a removal: there are signs.
const SIGNED: u8 = 1;
/// All keys are the prefix.
const SAME: u8 = 2;
/// Some key has fewer bytes after the prefix than a head: keys are stored with the bytes of their heads.
const SHORT: u8 = 4;

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The slot of the document.
    pub slot: u64,
    /// Whether the document gained the key; otherwise it lost it.
    pub plus: bool,
}

/// Collects the entries of one page.
#[derive(Default)]
pub struct EntriesBuilder {
    keys: Vec<u8>,
    ends: Vec<usize>,
    slots: Vec<u64>,
    signs: Vec<bool>,
    shortest: usize,
    longest: usize,
    minus: usize,
}

impl EntriesBuilder {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The first one.
    pub fn first(&self) -> Option<Entry<'_>> {
        let (slot, plus) = (*self.slots.first()?, *self.signs.first()?);
        Some(Entry { key: self.keys.get(..*self.ends.first()?)?, slot, plus })
    }

    fn first_key(&self) -> &[u8] {
        self.first().map_or(&[], |entry| entry.key)
    }

    /// The last one.
    pub fn last(&self) -> Option<Entry<'_>> {
        let (slot, plus) = (*self.slots.last()?, *self.signs.last()?);
        let begin = self.ends.len().checked_sub(2).map_or(0, |at| self.ends[at]);
        Some(Entry { key: self.keys.get(begin..)?, slot, plus })
    }

    /// The additions less the removals.
    pub fn net(&self) -> i64 {
        self.slots.len() as i64 - 2 * self.minus as i64
    }

    /// The length of the page with one more entry.
    pub fn len_with(&self, entry: Entry<'_>) -> usize {
        let count = self.slots.len() + 1;
        let (first, key) = (if self.is_empty() { entry.key } else { self.first_key() }, entry.key);
        let prefix = common_prefix(first, key);
        let shortest = if self.is_empty() { key.len() } else { self.shortest.min(key.len()) };
        let signs = if self.minus > 0 || !entry.plus { count.div_ceil(8) } else { 0 };
        let fixed = HEAD_LEN + prefix + count * SLOT + signs;
        if prefix == self.longest.max(key.len()) && prefix == shortest {
            return fixed;
        }
        let in_heads = if shortest - prefix < HEAD { 0 } else { HEAD };
        fixed + count * (HEAD + 2) + self.keys.len() + key.len() - count * (prefix + in_heads)
    }

    /// Adds an entry, which must come after the last one.
    pub fn push(&mut self, entry: Entry<'_>) {
        self.shortest = if self.is_empty() { entry.key.len() } else { self.shortest.min(entry.key.len()) };
        self.longest = self.longest.max(entry.key.len());
        self.keys.extend_from_slice(entry.key);
        self.ends.push(self.keys.len());
        self.slots.push(entry.slot);
        self.signs.push(entry.plus);
        self.minus += usize::from(!entry.plus);
    }

    /// The page, of this tree; the builder is empty afterwards.
    pub fn finish(&mut self, tree: u32, out: &mut Vec<u8>) {
        let last = self.last().map_or(&[][..], |entry| entry.key);
        let prefix = common_prefix(self.first_key(), last);
        let same = prefix == self.shortest && prefix == self.longest;
        let short = self.shortest - prefix < HEAD;
        let flags = match (same, short) {
            (true, _) => SAME,
            (false, true) => SHORT,
            (false, false) => 0,
        };
        let signed = if self.minus > 0 { SIGNED } else { 0 };
        let head = Head {
            kind: PageKind::Entries,
            flags: flags | signed,
            count: self.slots.len() as u16,
            tree,
            prefix: prefix as u16,
        };
        head.encode(out);
        out.extend_from_slice(&self.first_key()[..prefix]);
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        let rests = || begins.clone().zip(&self.ends).map(|(begin, end)| &self.keys[begin + prefix..*end]);
        if !same {
            for (rest, slot) in rests().zip(&self.slots) {
                let whole = rest.iter().copied().chain(slot_bytes(*slot));
                out.extend(whole.take(HEAD));
            }
        }
        self.slots.iter().for_each(|slot| out.extend_from_slice(&slot_bytes(*slot)));
        if signed != 0 {
            for signs in self.signs.chunks(8) {
                out.push(signs.iter().zip(0..).fold(0, |byte, (plus, bit)| byte | u8::from(*plus) << bit));
            }
        }
        if !same {
            let skipped = if short { 0 } else { HEAD };
            let mut end = 0_u16;
            for rest in rests() {
                end += (rest.len() - skipped) as u16;
                out.extend_from_slice(&end.to_le_bytes());
            }
            rests().for_each(|rest| out.extend_from_slice(&rest[skipped..]));
        }
        self.keys.clear();
        self.ends.clear();
        self.slots.clear();
        self.signs.clear();
        (self.shortest, self.longest, self.minus) = (0, 0, 0);
    }
}

/// The entries of a page.
#[derive(Clone, Copy)]
pub struct Entries<'a> {
    count: usize,
    flags: u8,
    prefix: &'a [u8],
    heads: &'a [u8],
    slots: &'a [u8],
    signs: &'a [u8],
    ends: &'a [u8],
    rests: &'a [u8],
}

impl<'a> Entries<'a> {
    /// No entries.
    pub const NONE: Entries<'static> = Entries {
        count: 0,
        flags: SAME,
        prefix: &[],
        heads: &[],
        slots: &[],
        signs: &[],
        ends: &[],
        rests: &[],
    };

    /// The entries of a page whose checksum holds; otherwise what is wrong with it. The ends are not checked here: a page that
    /// was read from a file is passed to [`Entries::check`] once.
    #[inline]
    pub fn of(page: &'a [u8]) -> Result<Entries<'a>, &'static str> {
        let head = Head::decode(page)?;
        if head.kind != PageKind::Entries {
            return Err("the page is of another kind than its tree says");
        }
        let (count, flags) = (usize::from(head.count), head.flags);
        let mut rest = page.get(HEAD_LEN..).unwrap_or_default();
        let prefix = take(&mut rest, usize::from(head.prefix))?;
        let same = flags & SAME != 0;
        let heads = take(&mut rest, if same { 0 } else { count * HEAD })?;
        let slots = take(&mut rest, count * SLOT)?;
        let signs = take(&mut rest, if flags & SIGNED != 0 { count.div_ceil(8) } else { 0 })?;
        let ends = take(&mut rest, if same { 0 } else { count * 2 })?;
        Ok(Entries { count, flags, prefix, heads, slots, signs, ends, rests: rest })
    }

    /// Whether the page can be read to its end, and its entries ascend; says what is wrong otherwise.
    pub fn check(&self) -> Result<(), &'static str> {
        let known = self.flags & !(SIGNED | SAME | SHORT) == 0 && self.flags & (SAME | SHORT) != SAME | SHORT;
        if self.count == 0 || !known {
            return Err("the page of entries has no entries, or is of no known format");
        }
        let (mut begin, mut ascending) = (0, true);
        for at in 0..if self.flags & SAME != 0 { 0 } else { self.count } {
            let end = self.end(at);
            ascending &= begin <= end;
            begin = end;
        }
        if !ascending || begin != self.rests.len() {
            return Err("the keys of a page of entries do not end where it ends");
        }
        let unused = self.signs.last().map_or(0, |last| u32::from(*last) >> ((self.count - 1) % 8 + 1));
        if unused != 0 {
            return Err("the signs of a page of entries are more than its entries");
        }
        let (is_plain, is_same) = (self.flags & (SAME | SHORT) == 0, self.flags & SAME != 0);
        for at in 1..self.count {
            let ascends = if is_same {
                self.slot_bytes(at - 1) < self.slot_bytes(at)
            } else if is_plain && self.head(at - 1) != self.head(at) {
                self.head(at - 1) < self.head(at)
            } else {
                let behind_heads = |at| (self.rest(at), self.slot_bytes(at));
                is_below(behind_heads(at - 1), behind_heads(at))
            };
            if !ascends {
                return Err("the entries of a page are not in order");
            }
        }
        for at in 0..if is_plain || is_same { 0 } else { self.count } {
            let key = self.rest(at).iter().chain(self.slot_bytes(at)).take(HEAD);
            if !key.eq(self.head_bytes(at)) {
                return Err("the head of an entry is not the beginning of its key");
            }
        }
        Ok(())
    }

    /// How many.
    #[inline]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The slot of an entry.
    #[inline]
    pub fn slot(&self, at: usize) -> u64 {
        slot_of(self.slots.get(at * SLOT..(at + 1) * SLOT).unwrap_or_default())
    }

    /// Whether an entry is an addition.
    #[inline]
    pub fn is_plus(&self, at: usize) -> bool {
        self.flags & SIGNED == 0 || self.signs.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1)
    }

    /// Writes the key of an entry into `key`.
    #[inline]
    pub fn key(&self, at: usize, key: &mut Vec<u8>) {
        key.clear();
        key.extend_from_slice(self.prefix);
        if self.flags & (SAME | SHORT) == 0 {
            key.extend_from_slice(self.head_bytes(at));
        }
        key.extend_from_slice(self.rest(at));
    }

    /// Whether an entry has this key.
    #[inline]
    pub fn has_key(&self, at: usize, key: &[u8]) -> bool {
        let Some(behind) = key.strip_prefix(self.prefix) else { return false };
        if self.flags & (SAME | SHORT) != 0 {
            return self.rest(at) == behind;
        }
        behind
            .split_at_checked(HEAD)
            .is_some_and(|(head, tail)| head == self.head_bytes(at) && tail == self.rest(at))
    }

    /// The number of entries before the target.
    #[inline]
    pub fn position(&self, target: Target<'_>) -> usize {
        let (bytes, behind) = match target {
            Target::First => return 0,
            Target::End => return self.count,
            Target::Before(bytes) => (bytes, false),
            Target::Behind(bytes) => (bytes, true),
        };
        let shared = self.prefix.len().min(bytes.len());
        let (start, rest) = bytes.split_at(shared);
        match self.prefix[..shared].cmp(start) {
            std::cmp::Ordering::Less => return self.count,
            std::cmp::Ordering::Greater => return 0,
            std::cmp::Ordering::Equal => {}
        }
        if rest.is_empty() {
            return if behind { self.count } else { 0 };
        }
        let target = if behind { Target::Behind(rest) } else { Target::Before(rest) };
        if self.flags & SAME != 0 {
            return partition(0, self.count, |at| target.is_behind(self.parts(at)));
        }
        // Heads below that of the target are before it, and those above are not, whatever follows.
        let mut padded = [if behind { 0xff } else { 0 }; HEAD];
        padded.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        let wanted = u32::from_be_bytes(padded);
        let from = partition(0, self.count, |at| self.head(at) < wanted);
        let mut to = from;
        while to < self.count && to < from + 8 && self.head(to) == wanted {
            to += 1;
        }
        if to == from + 8 {
            to = partition(to, self.count, |at| self.head(at) == wanted);
        }
        partition(from, to, |at| target.is_behind(self.parts(at)))
    }

    /// The additions less the removals among the entries before this one.
    pub fn net_before(&self, at: usize) -> i64 {
        let at = at.min(self.count);
        if self.flags & SIGNED == 0 {
            return at as i64;
        }
        let whole: u32 = self.signs.iter().take(at / 8).map(|byte| byte.count_ones()).sum();
        let part =
            self.signs.get(at / 8).map_or(0, |byte| (byte & ((1_u16 << (at % 8)) - 1) as u8).count_ones());
        2 * i64::from(whole + part) - at as i64
    }

    /// The bytes of an entry after the prefix.
    #[inline]
    fn parts(&self, at: usize) -> [&'a [u8]; 3] {
        let slot = self.slot_bytes(at);
        if self.flags & (SAME | SHORT) != 0 {
            return [self.rest(at), slot, &[]];
        }
        [self.head_bytes(at), self.rest(at), slot]
    }

    #[inline]
    fn slot_bytes(&self, at: usize) -> &'a [u8] {
        self.slots.get(at * SLOT..(at + 1) * SLOT).unwrap_or_default()
    }

    #[inline]
    fn head_bytes(&self, at: usize) -> &'a [u8] {
        self.heads.get(at * HEAD..(at + 1) * HEAD).unwrap_or_default()
    }

    #[inline]
    fn head(&self, at: usize) -> u32 {
        self.heads
            .get(at * HEAD..)
            .and_then(|heads| heads.first_chunk())
            .map_or(0, |head| u32::from_be_bytes(*head))
    }

    #[inline]
    fn end(&self, at: usize) -> usize {
        self.ends
            .get(at * 2..)
            .and_then(|ends| ends.first_chunk())
            .map_or(0, |end| usize::from(u16::from_le_bytes(*end)))
    }

    /// What is stored of a key after its head, or with it where keys are short.
    #[inline]
    fn rest(&self, at: usize) -> &'a [u8] {
        let begin = if at == 0 { 0 } else { self.end(at - 1) };
        self.rests.get(begin..self.end(at)).unwrap_or_default()
    }
}

/// Whether the bytes of one entry, the end of its key and its slot, are below those of another.
#[inline]
fn is_below((last, last_slot): (&[u8], &[u8]), (next, next_slot): (&[u8], &[u8])) -> bool {
    let shared = last.len().min(next.len());
    match last[..shared].cmp(&next[..shared]) {
        std::cmp::Ordering::Equal if last.len() == next.len() => last_slot < next_slot,
        std::cmp::Ordering::Equal => {
            last[shared..].iter().chain(last_slot).lt(next[shared..].iter().chain(next_slot))
        }
        order => order.is_lt(),
    }
}

/// The first number from `from` on, at most `to`, for which `before` is false; it must be true for those before that.
#[inline]
pub(super) fn partition(from: usize, to: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut at, mut size) = (from, to - from);
    while size > 0 {
        let half = size / 2;
        if before(at + half) {
            at += half + 1;
            size -= half + 1;
        } else {
            size = half;
        }
    }
    at
}

#[cfg(test)]
#[path = "entries_tests.rs"]
mod tests;
