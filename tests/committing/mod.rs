//! Commits of tests of storage.

use std::sync::Arc;

use moltendb_node::storage::{Block, FrameSize, Opened};

/// Commits these payloads and waits until they are durable, or written; returns their blocks.
pub fn append(opened: &Opened, payloads: &[Vec<u8>]) -> Vec<Arc<Block>> {
    let blocks = payloads.iter().map(|payload| payload.len() as u32).collect();
    let place = opened.backend.reserve(&FrameSize { blocks, records: 1 }).unwrap();
    let blocks = payloads.iter().zip(&place.blocks).map(|(payload, place)| {
        Arc::new(Block { place: *place, base: 0, bytes: payload.clone().into(), transient: false })
    });
    let blocks: Vec<_> = blocks.collect();
    let completion = opened.backend.append(place, &blocks);
    opened.backend.drive();
    completion.wait().unwrap();
    blocks
}

/// The payloads of commit `n`, of different numbers and lengths.
pub fn payloads_of(n: usize) -> Vec<Vec<u8>> {
    (0..n % 4).map(|at| vec![(n + at) as u8 | 1; 40 + n * 37 % 300]).collect()
}
