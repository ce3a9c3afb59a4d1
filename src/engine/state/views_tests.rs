//! Which views keep what alive, and which readers end for it.

use super::*;
use crate::engine::exec::nonblocking::nonblocking;
use crate::engine::state::idle_readers::IdleReader;
use std::sync::Weak;
use std::sync::atomic::AtomicBool;

#[test]
fn what_a_view_leaves_in_a_nonblocking_scope_is_freed_by_the_next_thread_that_may_block() {
    let views = Views::new(Lsn(1), Arc::default(), Arc::default());
    let released = Arc::new(AtomicBool::new(false));
    nonblocking(|| {
        let _view = views.open(0);
        views.publish(Lsn(2), None, vec![Superseded::Collection(7)]);
        let released = released.clone();
        views.when_released(move || released.store(true, Ordering::Relaxed));
    });
    assert!(views.is_behind() && views.has_garbage() && !released.load(Ordering::Relaxed));
    views.catch_up();
    assert!(!views.is_behind() && !views.has_garbage() && released.load(Ordering::Relaxed));
}

#[test]
fn garbage_that_another_thread_drains_is_left_to_that_thread() {
    let views = Views::new(Lsn(1), Arc::default(), Arc::default());
    {
        let _draining = views.draining.lock();
        // Would wait for ever if it waited for the lock.
        views.publish(Lsn(2), None, vec![Superseded::Collection(7)]);
        assert!(views.is_behind() && views.has_garbage());
    }
    views.reclaim();
    assert!(!views.is_behind() && !views.has_garbage());
}

#[test]
fn nothing_stays_when_threads_that_leave_it_to_each_other_are_done() {
    for _ in 0..200 {
        let views = Views::new(Lsn(1), Arc::default(), Arc::default());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for lsn in 2..100 {
                    views.publish(Lsn(lsn), None, vec![Superseded::Collection(7)]);
                }
            });
            for _ in 0..2 {
                scope.spawn(|| (0..50).for_each(|_| drop(views.open(0))));
            }
        });
        assert!(!views.is_behind() && !views.has_garbage());
    }
}

/// A reader that records that it was ended.
struct Reader {
    view: Mutex<Option<View>>,
    reads: bool,
}

impl IdleReader for Reader {
    fn end(&self) -> bool {
        if !self.reads {
            let ended = self.view.lock().take();
            drop(ended);
        }
        !self.reads
    }
}

fn reader(views: &Arc<Views>, reads: bool) -> Arc<Reader> {
    let view = views.open(0);
    let ticket = view.ticket();
    let reader = Arc::new(Reader { view: Mutex::new(Some(view)), reads });
    let weak: Weak<Reader> = Arc::downgrade(&reader);
    views.readers().add(ticket, weak);
    reader
}

fn publish(views: &Arc<Views>, lsn: u64, bytes: u64) {
    let mut garbage = views.garbage.lock();
    garbage.lists.push_back((Lsn(lsn), bytes, Vec::new()));
    garbage.bytes += bytes;
    drop(garbage);
    views.publish(Lsn(lsn), None, Vec::new());
}

fn is_open(reader: &Reader) -> bool {
    reader.view.lock().is_some()
}

#[test]
fn no_more_idle_readers_end_than_must_and_none_where_that_frees_nothing() {
    let views = Views::new(Lsn(1), Arc::default(), Arc::default());
    let first = reader(&views, false);
    publish(&views, 2, 100);
    let second = reader(&views, false);
    publish(&views, 3, 10);
    let third = reader(&views, false);
    assert_eq!((views.end_beyond(110), views.held_bytes()), (0, 110));
    assert_eq!((views.end_beyond(50), views.held_bytes()), (1, 10));
    assert!(!is_open(&first) && is_open(&second) && is_open(&third));
    assert_eq!((views.end_beyond(0), views.held_bytes()), (1, 0));
    assert!(!is_open(&second) && is_open(&third));
    // The newest state holds nothing.
    assert_eq!(views.end_beyond(0), 0);
}

#[test]
fn no_reader_ends_while_an_older_view_or_a_reading_one_holds_the_same() {
    let views = Views::new(Lsn(1), Arc::default(), Arc::default());
    let other = views.open(0);
    let idle = reader(&views, false);
    publish(&views, 2, 100);
    let hold = views.when_released(|| {});
    assert_eq!((views.end_beyond(0), views.end_before(hold)), (0, 0));
    assert!(is_open(&idle));
    drop(other);
    let reading = reader(&views, true);
    publish(&views, 3, 10);
    assert_eq!((views.end_beyond(0), views.held_bytes()), (1, 10));
    let late = reader(&views, false);
    assert_eq!((views.end_beyond(0), views.held_bytes()), (0, 10));
    assert!(is_open(&reading) && is_open(&late));
}

#[test]
fn the_readers_of_all_holds_before_a_number_end_and_later_ones_do_not() {
    let views = Views::new(Lsn(1), Arc::default(), Arc::default());
    let (first, second) = (reader(&views, false), reader(&views, false));
    let released = Arc::new(AtomicBool::new(false));
    let told = released.clone();
    let hold = views.when_released(move || told.store(true, Ordering::Relaxed));
    let third = reader(&views, false);
    assert_eq!(views.end_before(hold), 2);
    assert!(!is_open(&first) && !is_open(&second) && is_open(&third));
    assert!(released.load(Ordering::Relaxed));
}

#[test]
fn what_is_retired_while_a_view_is_open_waits_for_its_copies_too_in_whichever_order_they_end() {
    for first_ends in [true, false] {
        let views = Views::new(Lsn(1), Arc::default(), Arc::default());
        let released = Arc::new(AtomicBool::new(false));
        let view = views.open(0);
        let flag = released.clone();
        views.when_released(move || flag.store(true, Ordering::Relaxed));
        let copy = view.again(0).again(0);
        let (ends, stays) = if first_ends { (view, copy) } else { (copy, view) };
        drop(ends);
        assert!(!released.load(Ordering::Relaxed));
        drop(stays);
        assert!(released.load(Ordering::Relaxed));
    }
}
