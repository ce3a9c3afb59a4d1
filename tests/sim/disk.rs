//! One simulated file: what its readers see, what is on the disk, and every version of a sector in between.

use std::collections::BTreeMap;

use super::Dice;

const SECTOR: usize = 512;

#[derive(Clone, Default)]
pub(super) struct Disk {
    pub(super) cached: Vec<u8>,
    durable: Vec<u8>,
    sectors: BTreeMap<usize, Vec<[u8; SECTOR]>>,
    lengths: Vec<usize>,
    /// The length of the newest write.
    pub(super) wrote: usize,
}

impl Disk {
    fn sector(&self, index: usize) -> [u8; SECTOR] {
        let mut sector = [0; SECTOR];
        let from = (index * SECTOR).min(self.cached.len());
        let to = (from + SECTOR).min(self.cached.len());
        sector[..to - from].copy_from_slice(&self.cached[from..to]);
        sector
    }

    pub(super) fn touch(&mut self, from: usize, to: usize) {
        for index in from / SECTOR..to.div_ceil(SECTOR) {
            let sector = self.sector(index);
            self.sectors.entry(index).or_default().push(sector);
        }
        self.lengths.push(self.cached.len());
    }

    fn put(durable: &mut Vec<u8>, index: usize, sector: &[u8; SECTOR]) {
        let to = (index + 1) * SECTOR;
        if durable.len() < to {
            durable.resize(to, 0);
        }
        durable[index * SECTOR..to].copy_from_slice(sector);
    }

    pub(super) fn sync(&mut self) {
        let len = if self.lengths.is_empty() { self.durable.len() } else { self.cached.len() };
        for index in std::mem::take(&mut self.sectors).into_keys() {
            let sector = self.sector(index);
            Disk::put(&mut self.durable, index, &sector);
        }
        self.durable.resize(len, 0);
        self.lengths.clear();
    }

    pub(super) fn settle(&mut self, dice: &mut Dice) {
        let choice = dice.below(self.lengths.len() + 1);
        let len = if choice == 0 { self.durable.len() } else { self.lengths[choice - 1] };
        self.lengths.clear();
        for (index, versions) in std::mem::take(&mut self.sectors) {
            let choice = dice.below(versions.len() + 1);
            if choice > 0 {
                Disk::put(&mut self.durable, index, &versions[choice - 1]);
            }
        }
        self.durable.resize(len, 0);
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.cached.truncate(len);
        self.durable = self.cached.clone();
        self.sectors.clear();
        self.lengths.clear();
    }

    pub(super) fn cut(&mut self, dice: &mut Dice) {
        self.settle(dice);
        self.cached = self.durable.clone();
    }
}
