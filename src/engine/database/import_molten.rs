//! A new database from one of MoltenDB. It is written into a directory beside its own and renamed once it is complete.

use std::path::Path;

use tokio::runtime::Handle;

use super::database::Database;
use crate::engine::exec::interrupt::{Interrupt, Limits};
use crate::engine::exec::progress::Progress;
use crate::engine::maintenance::backup::{make_partial, parent_of, remove};
use crate::engine::transfer::molten::Opened;
use crate::engine::transfer::{MoltenImported, MoltenOptions};
use crate::error::{Details, Error, Kind, Result};
use crate::options::{Creation, OpenOptions};
use crate::storage::Host;

/// Makes a new database in the directory `destination` of the one of MoltenDB with this log, which stays as it is.
pub fn import_molten(
    host: &Host,
    log: &Path,
    destination: &Path,
    options: MoltenOptions,
    runtime: Handle,
    limits: &Limits,
) -> Result<MoltenImported> {
    let interrupt = Interrupt::start(limits, host.clock.now_millis() as i64);
    refuse_taken(host, destination)?;
    let opened = Opened::read(host, log, options, &interrupt)?;
    let partial = make_partial(host, destination)?;
    let made = fill(host, opened, &partial, runtime, limits, &interrupt).and_then(|made| {
        refuse_taken(host, destination)?;
        host.vfs.rename(&partial, destination).map_err(|error| Error::io("rename", &partial, error))?;
        let parent = parent_of(destination);
        host.vfs.sync_dir(parent).map_err(|error| Error::io("fsync", parent, error))?;
        Ok(made)
    });
    if made.is_err() {
        // The original error is more useful than one about the leftover.
        let _ = remove(host, &partial);
    }
    made
}

fn fill(
    host: &Host,
    opened: Opened,
    at: &Path,
    runtime: Handle,
    limits: &Limits,
    interrupt: &Interrupt,
) -> Result<MoltenImported> {
    let options = OpenOptions { creation: Creation::MustBeNew, ..OpenOptions::default() };
    let path = at.display().to_string();
    let database = Database::open_at(host, &path, at, options, runtime, &Progress::default())?;
    let cancel = Limits { cancel: limits.cancel.clone(), ..Limits::default() };
    let written = opened.write(host, database.session(), &cancel, interrupt).map(|mut made| {
        let view = database.store().view();
        for (_, collection) in view.catalogue().iter() {
            made.collections += 1;
            made.documents += collection.count();
        }
        made
    });
    let closed = database.close();
    let made = written?;
    closed.map(|()| made)
}

fn refuse_taken(host: &Host, destination: &Path) -> Result<()> {
    if host.vfs.entry(destination).map_err(|error| Error::io("look at", destination, error))?.is_none() {
        return Ok(());
    }
    let message = format!(
        "{} is there already; an import makes a directory of its own, so name another",
        destination.display()
    );
    let details = Details { file: Some(destination.to_path_buf()), ..Details::default() };
    Err(Error::new(Kind::Io, message).with_details(details))
}
