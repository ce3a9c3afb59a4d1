//! A change stream: it reads commits on from its place, and makes their events.

use std::sync::Arc;

use super::commits::{self, Reader};
use super::event::{self, Origin, Told, told};
use super::names::Names;
use super::options::{Begin, Moment, Scope, WatchOptions};
use super::start::{self, Position};
use super::token::{Token, TokenKind};
use super::versions::{Latest, version};
use crate::document::{Value, weight};
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::format::record::{Record, Records};
use crate::engine::state::feed::{Published, Subject, Wake};
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result, codes};
use crate::options::{BATCH_BYTES, BATCH_DOCUMENTS};
use crate::query::expression::Env;
use crate::storage::{FileId, Lsn};
use crate::work::Work;

/// Bytes of commits that are read at a time.
const READ: usize = 1 << 20;
/// How long (ms) commits without events are read before the new place is told.
const LONG: i64 = 500;

/// What a stream goes on with.
pub(crate) enum State {
    /// With more events, perhaps.
    More,
    /// With the commit of this number, which does not exist yet.
    Waits { next: Lsn, subject: Subject },
    /// The stream has ended.
    Ended,
}

/// Events, in order.
pub(crate) struct Batch {
    pub(crate) events: Vec<Value>,
    /// The place after them.
    pub(crate) token: String,
    pub(crate) state: State,
}

/// An open change stream.
pub(crate) struct ChangeStream {
    store: Arc<Store>,
    options: WatchOptions,
    /// Counts what the pipeline does.
    work: Work,
    position: Option<Position>,
    /// Commits before this time are passed over.
    not_before: Option<Moment>,
    /// Of the history of a document.
    latest: Latest,
    reader: Reader,
    /// A commit of which only a part was read.
    current: Option<Published>,
    /// The salt of the file whose commits were read last.
    salt: (FileId, u64),
    database: [u8; 8],
    ended: bool,
    /// Why it cannot go on: the events before are told first.
    failed: Option<Error>,
}

impl Drop for ChangeStream {
    fn drop(&mut self) {
        self.store.feed().unwatch();
    }
}

impl ChangeStream {
    /// Opens a stream; `parse` gets the newest commit, after which it begins if it is told nothing else.
    pub(crate) fn open(
        store: &Arc<Store>,
        work: &Work,
        parse: impl FnOnce(Lsn) -> Result<WatchOptions>,
    ) -> Result<ChangeStream> {
        store.past_names().keep();
        store.feed().watch(|| store.views().published());
        // What is applied was written before, even if it is not published yet.
        let newest = store.applied_lsn();
        let options = parse(newest).inspect_err(|_| store.feed().unwatch())?;
        Ok(ChangeStream {
            store: store.clone(),
            options,
            work: work.clone(),
            position: None,
            not_before: None,
            latest: Latest::default(),
            reader: Reader::default(),
            current: None,
            salt: (FileId::Memory, 0),
            database: start::identity(store),
            ended: false,
            failed: None,
        })
    }

    /// The place where it begins, if that is no time: empty then.
    pub(crate) fn first_token(&self) -> String {
        match self.options.begin {
            Begin::After(lsn) => self.mark(Position { lsn: Lsn(lsn.0 + 1), record: 0 }),
            Begin::Token(token) => token.encode(),
            Begin::Time(_) | Begin::Oldest => String::new(),
        }
    }

    /// The next events, at most so many (0: the default), as far as there are any.
    pub(crate) fn next_batch(&mut self, most: u32, interrupt: &Interrupt) -> Result<Batch> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        interrupt.take_over(&self.work);
        let most = if most == 0 { BATCH_DOCUMENTS } else { most as usize };
        let mut out = Out { events: Vec::new(), bytes: 0, most };
        let mut position = self.begin()?;
        let state = match self.read(&mut position, &mut out, interrupt) {
            Ok(state) => state,
            Err(error) if out.events.is_empty() => return Err(error),
            Err(error) => {
                self.failed = Some(error);
                State::More
            }
        };
        // The commit that failed was told up to its last event.
        let last = self.failed.as_ref().and_then(|_| out.events.last()).and_then(token_of);
        let token = last.unwrap_or_else(|| self.mark(position));
        Ok(Batch { events: out.events, token, state })
    }

    /// Reads on until the batch is full or there is nothing more.
    fn read(&mut self, position: &mut Position, out: &mut Out, interrupt: &Interrupt) -> Result<State> {
        let began = self.store.now();
        loop {
            if self.ended || self.options.until.is_some_and(|until| position.lsn > until) {
                return Ok(State::Ended);
            }
            let commits = match self.current.take() {
                Some(commit) => vec![commit],
                None => match commits::read(&self.store, &mut self.reader, position.lsn, READ)? {
                    Some(commits) => commits,
                    None => {
                        if let Some(error) = self.store.poisoned() {
                            return Err(error);
                        }
                        return Ok(State::Waits { next: position.lsn, subject: self.subject() });
                    }
                },
            };
            for commit in commits {
                interrupt.check(|| self.store.now())?;
                if position.lsn != commit.lsn {
                    return Err(Error::new(
                        Kind::Internal,
                        "a change stream read another commit than it asked for",
                    ));
                }
                match self.commit(&commit, position.record, out)? {
                    None => *position = Position { lsn: Lsn(commit.lsn.0 + 1), record: 0 },
                    Some(record) => {
                        position.record = record;
                        self.current = Some(commit);
                    }
                }
                self.position = Some(*position);
                if out.is_full() || self.ended {
                    break;
                }
            }
            if !self.ended && (out.is_full() || self.store.now() - began > LONG) {
                return Ok(State::More);
            }
        }
    }

    /// Goes on after a wait.
    pub(crate) fn woken(&mut self, why: Wake) {
        let lsn = match why {
            Wake::Commit(lsn) => lsn,
            Wake::Look(newest) => Lsn(newest.0 + 1),
        };
        // What was published meanwhile does not concern it.
        if let Some(position) = &mut self.position
            && position.record == 0
            && position.lsn < lsn
        {
            position.lsn = lsn;
        }
    }

    /// Whether commits up to this one have passed since it read last.
    pub(crate) fn is_behind(&self, published: Lsn) -> bool {
        self.position.is_some_and(|position| position.lsn <= published)
    }

    fn begin(&mut self) -> Result<Position> {
        if let Some(position) = self.position {
            return Ok(position);
        }
        let (position, not_before) = start::resolve(&self.store, self.options.begin, &mut self.reader)?;
        (self.position, self.not_before) = (Some(position), not_before);
        Ok(position)
    }

    fn subject(&self) -> Subject {
        match &self.options.scope {
            Scope::Collection(name) => {
                Subject::Collection(self.store.views().collection(name).map(|collection| collection.number()))
            }
            Scope::Database(_) | Scope::Everything => Subject::Everything,
        }
    }

    /// Makes the events of a commit from a record on. `Some` is the record at which the batch was full.
    fn commit(&mut self, commit: &Published, from: u32, out: &mut Out) -> Result<Option<u32>> {
        let lsn = commit.lsn;
        if commit.touched.restores {
            // Versions of one document go on.
            if from > 0 || self.options.document.is_some() {
                return Ok(None);
            }
            let token = self.token(lsn, 0, TokenKind::Invalidate, self.salt.1);
            let origin = Origin { lsn, time: commits::time_of(commit), transaction: None };
            self.push(event::invalidate(token, origin), out)?;
            self.ended = true;
            return Ok(Some(1));
        }
        if let Some(moment) = self.not_before {
            if !moment.has_come(commits::time_of(commit), lsn) {
                return Ok(None);
            }
            self.not_before = None;
        }
        let store = self.store.clone();
        let (mut names, mut record) = (Names::at(&store, lsn), 0);
        // An event is told when the next is known: only then it is known whether it is the last of its commit.
        let mut held: Option<(Told, u32)> = None;
        let salt = self.salt_of(commit);
        let mut origin = Origin { lsn, time: 0, transaction: None };
        for block in &commit.blocks {
            let records = Records::new(&block.bytes);
            origin.time = records.time();
            for read in records {
                let read = read.map_err(|at| {
                    let message = format!("commit {} holds a malformed record at byte {at}", lsn.0);
                    Error::new(Kind::Corrupt, message)
                })?;
                let at = record;
                record += 1;
                if let Record::Transaction { session, number } = read {
                    origin.transaction = Some((session, number));
                }
                if at < from {
                    pass(&mut names, &read)?;
                    continue;
                }
                if let Some(key) = &self.options.document {
                    let made = (&**block, &read);
                    let document = (key, &mut self.latest);
                    if let Some(version) =
                        version(&self.options, document, &mut names, made, (lsn, origin.time))?
                    {
                        if out.is_full() {
                            return Ok(Some(at));
                        }
                        out.push(version);
                    }
                    continue;
                }
                let told = match told(&self.options, &mut names, block, &read) {
                    Ok(None) => continue,
                    Ok(Some(told)) => told,
                    Err(error) => {
                        if let Some((before, at_before)) = held {
                            self.tell(before, (at_before, salt), origin, false, out)?;
                        }
                        return Err(error);
                    }
                };
                if let Some((before, at_before)) = held.take() {
                    self.tell(before, (at_before, salt), origin, false, out)?;
                    if out.is_full() {
                        return Ok(Some(at));
                    }
                }
                if told.ends {
                    self.tell(told, (at, salt), origin, true, out)?;
                    let token = self.token(lsn, at, TokenKind::Invalidate, salt);
                    self.push(event::invalidate(token, origin), out)?;
                    self.ended = true;
                    return Ok(Some(record));
                }
                held = Some((told, at));
            }
        }
        if let Some((told, at)) = held {
            self.tell(told, (at, salt), origin, true, out)?;
        }
        Ok(None)
    }

    fn tell(
        &self,
        told: Told,
        (record, salt): (u32, u64),
        origin: Origin,
        last: bool,
        out: &mut Out,
    ) -> Result<()> {
        let token = self.token(origin.lsn, record, TokenKind::Event, salt);
        self.push(told.event(&self.options, token, origin, last), out)
    }

    /// Adds an event, as the pipeline leaves it.
    fn push(&self, event: Value, out: &mut Out) -> Result<()> {
        if self.options.pipeline.is_empty() {
            out.push(event);
            return Ok(());
        }
        let id = id_of(&event).cloned();
        let env = Arc::new(Env::new(self.store.time(), self.store.seed()).within(self.work.clone()));
        if let Some(made) = self.options.pipeline.apply(event, &env)? {
            if id_of(&made) != id.as_ref() {
                let message = "the pipeline of a change stream has changed or removed the _id of an event, which is its resume token; \
                     leave _id as it is";
                return Err(Error::new(Kind::BadQuery, message).with_code(codes::CHANGE_STREAM_FATAL_ERROR));
            }
            out.push(made);
        }
        Ok(())
    }

    fn token(&self, lsn: Lsn, record: u32, kind: TokenKind, salt: u64) -> String {
        Token { lsn, record, kind, salt, database: self.database }.encode()
    }

    /// The token of a place: what comes before it was told.
    fn mark(&self, position: Position) -> String {
        let salt = |lsn| self.store.storage().salt_at(lsn).unwrap_or(0);
        match position {
            Position { lsn, record: 0 } => {
                let before = Lsn(lsn.0.saturating_sub(1));
                self.token(before, 0, TokenKind::Mark, salt(before))
            }
            Position { lsn, record } => {
                let kind = if self.ended { TokenKind::Invalidate } else { TokenKind::Event };
                self.token(lsn, record - 1, kind, salt(lsn))
            }
        }
    }

    fn salt_of(&mut self, commit: &Published) -> u64 {
        let file = commit.blocks.first().map_or(FileId::Memory, |block| block.place.file);
        if file != self.salt.0 {
            self.salt = (file, self.store.storage().salt_at(commit.lsn).unwrap_or(0));
        }
        self.salt.1
    }
}

/// Passes a record that was read before: it may name collections.
fn pass(names: &mut Names<'_>, record: &Record<'_>) -> Result<()> {
    match record {
        Record::Create { collection, name, .. } | Record::Rename { collection, name } => {
            names.named(*collection, name).map(drop)
        }
        _ => Ok(()),
    }
}

fn id_of(event: &Value) -> Option<&Value> {
    match event {
        Value::Object(fields) => fields.iter().find(|(name, _)| name == "_id").map(|(_, id)| id),
        _ => None,
    }
}

/// The token of an event.
fn token_of(event: &Value) -> Option<String> {
    match id_of(event)? {
        Value::Object(fields) => fields.iter().find_map(|(_, data)| match data {
            Value::String(text) => Some(text.clone()),
            _ => None,
        }),
        _ => None,
    }
}

/// The events of a batch.
struct Out {
    events: Vec<Value>,
    bytes: usize,
    most: usize,
}

impl Out {
    fn push(&mut self, event: Value) {
        self.bytes += weight(&event);
        self.events.push(event);
    }

    fn is_full(&self) -> bool {
        self.events.len() >= self.most || self.bytes >= BATCH_BYTES
    }
}
