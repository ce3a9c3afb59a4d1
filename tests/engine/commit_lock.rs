//! A commit that needs a page of the checkpoint from a slow device holds nobody up.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use moltendb_node::OpenOptions;
use moltendb_node::document::Value;
use moltendb_node::engine::InsertOrder;

use crate::checkpoint::{document, filled, options};
use crate::disk::{DIR, Disk};
use crate::files::{Word, with_words};
use crate::support::{Client, object};

/// Reads of the checkpoint wait, once it is armed, until the test lets them go on.
#[derive(Clone)]
struct SlowDevice {
    is_armed: Arc<AtomicBool>,
    waits: Sender<()>,
    may_go_on: Arc<Mutex<()>>,
}

impl Word for SlowDevice {
    fn before(&self, verb: &'static str, path: &Path, _bytes: usize) -> io::Result<()> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if verb == "read" && name.starts_with("chk-") && self.is_armed.load(Ordering::Acquire) {
            self.waits.send(()).map_err(io::Error::other)?;
            drop(self.may_go_on.lock().unwrap());
        }
        Ok(())
    }
}

#[test]
fn writers_go_on_while_a_commit_waits_for_a_page_of_the_checkpoint() {
    let disk = Disk::default();
    filled(&disk, &options());
    let (sender, waits) = channel();
    let device = SlowDevice { is_armed: Arc::default(), waits: sender, may_go_on: Arc::default() };
    let host = with_words(disk.host(), device.clone());
    let client =
        Client::open_on(&host, DIR, OpenOptions { memory_limit: Some(1).into(), ..options() }).unwrap();
    let other = Client { database: client.database.clone(), session: client.database.session() };
    let held = device.may_go_on.lock().unwrap();
    device.is_armed.store(true, Ordering::Release);
    std::thread::scope(|scope| {
        let inserts = scope.spawn(|| client.insert("a", &[document(5_000, "new")], InsertOrder::Ordered));
        waits.recv_timeout(Duration::from_secs(20)).expect("the insert looks its key up in the checkpoint");
        let (done, is_done) = channel();
        let other = &other;
        scope.spawn(move || {
            let one = object(&[("_id", Value::Int(1))]);
            let written = other.insert("elsewhere", &[one], InsertOrder::Ordered);
            done.send(written.is_ok()).unwrap();
        });
        let written = is_done.recv_timeout(Duration::from_secs(20));
        device.is_armed.store(false, Ordering::Release);
        drop(held);
        assert_eq!(written, Ok(true), "the other writer waits for the device, too");
        inserts.join().unwrap().unwrap();
    });
    assert_eq!(client.get("a", &crate::checkpoint::id(5_000)).unwrap(), Some(document(5_000, "new")));
    client.database.close().unwrap();
}
