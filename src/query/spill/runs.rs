//! Sorted runs on disk, and their merge.
//!
//! A run is a chain of records in order. As many runs are merged at a time as a quarter of the memory holds of their pages
//! and longest records; if there are more, some are merged into one before. The comparison has no equal items, so that it
//! does not matter which runs are merged first.

use std::cmp::Ordering;

use super::chain::{Chain, Reader, Writer};
use crate::error::Result;
use crate::work::{Hold, Work};

/// Runs that are merged at a time at most.
const MOST: usize = 128;

/// How items are compared, and written to a record.
pub(crate) trait Form {
    type Item;
    /// A total order.
    fn compare(&self, a: &Self::Item, b: &Self::Item) -> Ordering;
    fn write(&mut self, item: &Self::Item, out: &mut Vec<u8>);
    fn read(&mut self, bytes: &[u8]) -> Result<Self::Item>;
}

/// The runs of one sort.
pub(crate) struct Runs<F: Form> {
    form: F,
    chains: Vec<Chain>,
    work: Work,
    /// How many of the first items are wanted.
    keep: usize,
    /// The last item of a run that is as long as that: nothing after it is wanted.
    cutoff: Option<F::Item>,
}

impl<F: Form> Runs<F> {
    pub(crate) fn new(form: F, keep: usize, work: &Work) -> Runs<F> {
        Runs { form, chains: Vec::new(), work: work.clone(), keep, cutoff: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.chains.is_empty()
    }

    pub(crate) fn form(&self) -> &F {
        &self.form
    }

    /// Whether the item cannot be among those that are wanted.
    pub(crate) fn is_behind(&self, item: &F::Item) -> bool {
        self.cutoff.as_ref().is_some_and(|last| self.form.compare(item, last).is_gt())
    }

    /// Writes a run of items that are in order.
    pub(crate) fn add(&mut self, sorted: impl IntoIterator<Item = F::Item>) -> Result<()> {
        self.work.count_spill();
        let mut writer = Writer::new(&self.work)?;
        let (mut record, mut written) = (Vec::new(), 0);
        for item in sorted.into_iter().take(self.keep) {
            self.work.step(1)?;
            record.clear();
            self.form.write(&item, &mut record);
            writer.push(&record);
            if writer.is_full() {
                writer.flush()?;
            }
            written += 1;
            if written == self.keep {
                self.cutoff = Some(item);
            }
        }
        self.chains.push(writer.finish()?);
        Ok(())
    }

    /// Takes over the runs of another sort in the same order.
    pub(crate) fn absorb(&mut self, other: Runs<F>) {
        self.chains.extend(other.chains);
    }

    /// All items in order: those of the runs, and these, which are in order and are held by `hold`.
    pub(crate) fn merged(mut self, mut rest: Vec<F::Item>, mut hold: Hold) -> Result<Merged<F>> {
        if hold.bytes() > self.work.memory() / 2 {
            self.add(std::mem::take(&mut rest))?;
            hold.release(usize::MAX);
        }
        while self.chains.len() > self.reach(self.chains.len()) {
            // The first are the shortest: runs of merges are appended.
            let some = self.reach(self.chains.len());
            let chains: Vec<Chain> = self.chains.drain(..some).collect();
            let mut merged = Merged::open(&mut self.form, chains, Vec::new(), self.keep, &self.work)?;
            let mut writer = Writer::new(&self.work)?;
            let mut record = Vec::new();
            while let Some(item) = merged.next(&mut self.form)? {
                record.clear();
                self.form.write(&item, &mut record);
                writer.push(&record);
                if writer.is_full() {
                    writer.flush()?;
                }
            }
            self.chains.push(writer.finish()?);
        }
        let longest: usize = self.chains.iter().map(|chain| chain.longest + self.work.page()).sum();
        hold.add(longest)?;
        let sources = Merged::open(&mut self.form, self.chains, rest, self.keep, &self.work)?;
        Ok(Merged { form: self.form, sources, hold: Some(hold) })
    }

    /// How many of the first so many runs can be merged at a time.
    fn reach(&self, count: usize) -> usize {
        let (mut room, page) = (self.work.memory() / 4, self.work.page());
        let mut reached = 0;
        for chain in self.chains.iter().take(count.min(MOST)) {
            match room.checked_sub(page + 2 * chain.longest) {
                Some(left) => room = left,
                None if reached < 2 => room = 0,
                None => break,
            }
            reached += 1;
        }
        reached
    }
}

/// Items in order.
pub(crate) struct Merged<F: Form> {
    form: F,
    sources: Sources<F>,
    hold: Option<Hold>,
}

struct Sources<F: Form> {
    readers: Vec<Reader>,
    rest: std::vec::IntoIter<F::Item>,
    /// A heap: the next item of each source, with the number of the source.
    heads: Vec<(F::Item, usize)>,
    /// Of those that are wanted.
    left: usize,
    /// Of all.
    total: u64,
    work: Work,
}

impl<F: Form> Merged<F> {
    fn open(
        form: &mut F,
        chains: Vec<Chain>,
        rest: Vec<F::Item>,
        keep: usize,
        work: &Work,
    ) -> Result<Sources<F>> {
        let count: u64 = chains.iter().map(|chain| chain.records).sum();
        let readers = chains.into_iter().map(Chain::into_reader).collect::<Result<Vec<_>>>()?;
        let heads = Vec::with_capacity(readers.len() + 1);
        let total = count + rest.len() as u64;
        let work = work.clone();
        let mut sources = Sources { readers, rest: rest.into_iter(), heads, left: keep, total, work };
        for source in 0..=sources.readers.len() {
            if let Some(item) = sources.pull(form, source)? {
                sources.heads.push((item, source));
            }
        }
        for at in (0..sources.heads.len() / 2).rev() {
            sources.sift(form, at);
        }
        Ok(sources)
    }

    /// Whether nothing is left.
    pub(crate) fn is_done(&self) -> bool {
        self.sources.left == 0 || self.sources.heads.is_empty()
    }

    /// How many are left.
    pub(crate) fn len(&self) -> u64 {
        self.sources.total.min(self.sources.left as u64)
    }

    /// The next item.
    pub(crate) fn next(&mut self) -> Result<Option<F::Item>> {
        let next = self.sources.next(&mut self.form)?;
        if next.is_none() {
            self.hold = None;
        }
        Ok(next)
    }
}

impl<F: Form> Sources<F> {
    fn next(&mut self, form: &mut F) -> Result<Option<F::Item>> {
        let Some((_, source)) = self.heads.first().filter(|_| self.left > 0) else { return Ok(None) };
        self.work.step(1)?;
        self.left -= 1;
        self.total -= 1;
        let following = self.pull(form, *source)?;
        let taken = match following {
            Some(item) => self.heads.first_mut().map(|(head, _)| std::mem::replace(head, item)),
            None => Some(self.heads.swap_remove(0).0),
        };
        self.sift(form, 0);
        Ok(taken)
    }

    /// The next item of a source; the last source are the items in memory.
    fn pull(&mut self, form: &mut F, source: usize) -> Result<Option<F::Item>> {
        match self.readers.get_mut(source) {
            Some(reader) => reader.next()?.map(|record| form.read(record)).transpose(),
            None => Ok(self.rest.next()),
        }
    }

    /// Moves a head down to its place.
    fn sift(&mut self, form: &F, mut at: usize) {
        let before = |heads: &[(F::Item, usize)], a: usize, b: usize| match (heads.get(a), heads.get(b)) {
            (Some(a), Some(b)) => form.compare(&a.0, &b.0).is_lt(),
            _ => false,
        };
        loop {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            let mut least = at;
            for child in [left, right] {
                if child < self.heads.len() && before(&self.heads, child, least) {
                    least = child;
                }
            }
            if least == at {
                return;
            }
            self.heads.swap(at, least);
            at = least;
        }
    }
}
