//! What threads do to the queue, and what must hold in every interleaving.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use loom::thread;
use parking_lot::Mutex;
use smallvec::SmallVec;

use super::contract::backend::{FileId, Lsn, Place};
use super::contract::completion::Completion;
use super::log::queue::{Entry, Frame, Queue, Task};
use crate::error::{Error, Kind, Result};

/// Every scenario, named by its promise.
pub const ALL: [(&str, fn()); 7] = [
    ("frames are published once, in order, by one thread at a time", writers),
    ("a barrier settles behind the frames before it", barrier),
    ("a frame that meets the close is published or refused, never lost", closing),
    ("two closes both end", two_closes),
    ("a failure reaches every frame of its group and the ones behind", failing),
    ("a listener is called once, a waiter wakes", completion),
    ("a dropped write wakes its waiter with an error", dropped),
];

/// A queue, and a log that checks who writes it. The std locks used here are not modelled.
#[derive(Default)]
struct World {
    queue: Queue,
    /// The commit lock, and the last LSN.
    commits: Mutex<u64>,
    written: std::sync::Mutex<Vec<u64>>,
    called: std::sync::Mutex<Vec<u64>>,
    writing: AtomicBool,
    broken: AtomicBool,
}

fn place(lsn: u64) -> Place {
    Place {
        lsn: Lsn(lsn),
        file: FileId::Memory,
        offset: 0,
        blocks: SmallVec::new(),
        records: 0,
        durable_lag: 0,
    }
}

impl World {
    fn publish(&self, group: &[Entry]) -> Result<()> {
        assert!(!self.writing.swap(true, Ordering::SeqCst), "two threads write at once");
        // Lets others run in the middle of a write.
        thread::yield_now();
        let result = if self.broken.load(Ordering::SeqCst) {
            Err(Error::new(Kind::Io, "the disk is gone"))
        } else {
            let mut written = self.written.lock().unwrap();
            written.extend(group.iter().filter_map(|entry| match &entry.task {
                Task::Frame(frame) => Some(frame.place.lsn.0),
                Task::Turn(_) | Task::Barrier => None,
            }));
            Ok(())
        };
        self.writing.store(false, Ordering::SeqCst);
        result
    }

    /// A commit as the engine makes it: LSN, queue and callback under one lock, then the write.
    fn commit(self: &Arc<Self>) -> Result<()> {
        let (tell, told) = Completion::new();
        let completion = {
            let mut last = self.commits.lock();
            *last += 1;
            let lsn = *last;
            let completion =
                self.queue.push(Task::Frame(Frame { place: place(lsn), blocks: SmallVec::new() }));
            let world = self.clone();
            completion.then(move |result| {
                if result.is_ok() {
                    world.called.lock().unwrap().push(lsn);
                }
                tell.settle(result);
            });
            told
        };
        self.drive();
        completion.wait()
    }

    fn drive(&self) {
        self.queue.drive(|group| self.publish(group));
    }

    fn close(&self) {
        self.queue.stop(|group| self.publish(group));
    }

    fn written(&self) -> Vec<u64> {
        self.written.lock().unwrap().clone()
    }

    fn called(&self) -> Vec<u64> {
        self.called.lock().unwrap().clone()
    }
}

fn writers() {
    let world = Arc::new(World::default());
    let others: Vec<_> = (0..2)
        .map(|_| {
            let world = world.clone();
            thread::spawn(move || world.commit().unwrap())
        })
        .collect();
    world.commit().unwrap();
    others.into_iter().for_each(|other| other.join().unwrap());
    assert_eq!((world.written(), world.called()), (vec![1, 2, 3], vec![1, 2, 3]));
    assert_eq!(world.queue.bytes(), 0);
}

fn barrier() {
    let world = Arc::new(World::default());
    let writer = {
        let world = world.clone();
        thread::spawn(move || world.commit().unwrap())
    };
    // The holder of the commit lock has queued everything that it numbered.
    let queued = *world.commits.lock();
    let barrier = world.queue.push(Task::Barrier);
    world.drive();
    barrier.wait().unwrap();
    assert!(world.written().len() as u64 >= queued, "a barrier overtook a frame");
    writer.join().unwrap();
    assert_eq!(world.written(), [1]);
}

fn closing() {
    let world = Arc::new(World::default());
    let writers: Vec<_> = (0..2)
        .map(|_| {
            let world = world.clone();
            thread::spawn(move || world.commit())
        })
        .collect();
    world.close();
    let at_close = world.written();
    let results: Vec<_> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
    let acknowledged = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(world.written().len(), acknowledged);
    assert_eq!(world.written(), at_close, "something was written after the close");
    for result in results {
        assert!(result.is_ok() || result.is_err_and(|error| error.kind() == Kind::Closed));
    }
}

fn two_closes() {
    let world = Arc::new(World::default());
    let other = {
        let world = world.clone();
        thread::spawn(move || world.close())
    };
    let refused = world.commit();
    other.join().unwrap();
    world.close();
    assert_eq!(world.written().len(), usize::from(refused.is_ok()));
}

fn failing() {
    let world = Arc::new(World::default());
    let writer = {
        let world = world.clone();
        thread::spawn(move || world.commit())
    };
    let breaker = {
        let world = world.clone();
        thread::spawn(move || world.broken.store(true, Ordering::SeqCst))
    };
    let mine = world.commit();
    let other = writer.join().unwrap();
    breaker.join().unwrap();
    let acknowledged = usize::from(mine.is_ok()) + usize::from(other.is_ok());
    assert_eq!(world.written().len(), acknowledged);
    assert_eq!(world.called().len(), acknowledged);
}

fn completion() {
    let (completer, completion) = Completion::new();
    let called = Arc::new(std::sync::Mutex::new(0));
    let settler = thread::spawn(move || completer.settle(Ok(())));
    let counter = called.clone();
    completion.then(move |result| *counter.lock().unwrap() += i32::from(result.is_ok()));
    settler.join().unwrap();
    assert_eq!(*called.lock().unwrap(), 1);
    let (completer, completion) = Completion::new();
    let settler = thread::spawn(move || completer.settle(Ok(())));
    completion.wait().unwrap();
    settler.join().unwrap();
}

fn dropped() {
    let (completer, completion) = Completion::new();
    let dropper = thread::spawn(move || drop(completer));
    assert_eq!(completion.wait().unwrap_err().kind(), Kind::Internal);
    dropper.join().unwrap();
}
