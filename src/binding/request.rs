//! Request bytes to operations. Only lengths are checked and values split here; the engine checks the values. A request
//! whose operations cannot be separated is refused as a whole; a malformed body fails only its own operation.

use std::ops::Range;
use std::sync::Arc;

use super::answer::Known;
use super::opcodes::{self as op, flag};
use crate::document::raw::value_len;
use crate::document::{RawKind, Shape, Shapes, token};
use crate::engine::{
    FindOptions, Incoming, InsertOrder, Isolation, Operation, Reach, Returned, SetEntry, Step, Upsert,
    Verbosity,
};
use crate::error::{Error, Kind, Result};

const HEADER: usize = 24;
/// The operations that can be explained.
const EXPLAINED: [u8; 8] =
    [op::FIND, op::COUNT, op::UPDATE, op::REPLACE, op::DELETE, op::DISTINCT, op::FIND_ONE_AND, op::AGGREGATE];

/// The operations that write documents, but for pipelines.
const WRITES: [u8; 6] = [op::INSERT, op::UPDATE, op::REPLACE, op::DELETE, op::FIND_ONE_AND, op::BULK];

fn is_unchecked(header: &Header) -> bool {
    match header.opcode {
        op::AGGREGATE => header.flags & flag::UNCHECKED_OUT != 0,
        opcode => WRITES.contains(&opcode) && header.flags & flag::UNCHECKED != 0,
    }
}

/// One operation of a request.
pub struct Request {
    /// Identifies its result.
    pub ticket: u32,
    /// The handle of its collection.
    pub collection: u32,
    /// The number of its transaction; 0 for none.
    pub transaction: u16,
    /// The shapes that JavaScript knows.
    pub known: Known,
    /// Whether it may be cancelled.
    pub cancellable: bool,
    /// Whether nothing may be written to disk when memory is short.
    pub no_disk: bool,
    /// Whether the validators of collections are not asked.
    pub unchecked: bool,
    /// Its time limit in milliseconds.
    pub max_time: Option<u64>,
    /// What to do, or the error of the malformed body.
    pub operation: Result<Operation>,
}

/// The number of operations and definitions, as far as the headers can be read.
fn count(buffer: &[u8]) -> usize {
    let (mut at, mut count) = (0, 0);
    while let Some(header) = Header::read(buffer, at) {
        at += HEADER + header.body;
        count += 1;
    }
    count
}

/// The operations in these bytes, which are copied once. Shape definitions are appended to `shapes`.
pub fn parse(bytes: &[u8], shapes: &Arc<Shapes>) -> Result<Vec<Request>> {
    let buffer: Arc<[u8]> = Arc::from(bytes);
    // With exact capacity: the usual request has one operation, and allocating room for four is measurably slower.
    let mut requests = Vec::with_capacity(count(&buffer));
    let mut at = 0;
    while at < buffer.len() {
        let header = Header::read(&buffer, at).ok_or_else(|| broken("a header", at))?;
        let body = at + HEADER..at + HEADER + header.body;
        let content = buffer.get(body.clone()).ok_or_else(|| broken("a body", at))?;
        if header.opcode == op::DEFINE {
            define(content, shapes).ok_or_else(|| broken("a shape definition", at))?;
        } else {
            let mut values = Values { buffer: &buffer, rest: body.clone(), shapes };
            let operation = values.operation(header.opcode, header.flags);
            let operation = operation.and_then(|operation| values.with_variables(operation, header.flags));
            let timed = header.flags & flag::TIMED != 0;
            let max_time = if timed { values.number() } else { None };
            let whole = values.rest.is_empty() && max_time.is_some() == timed;
            let operation = operation.filter(|_| whole);
            requests.push(Request {
                ticket: header.ticket,
                collection: header.collection,
                transaction: header.transaction,
                known: header.known,
                no_disk: header.flags & flag::NO_DISK != 0 && !WRITES.contains(&header.opcode),
                unchecked: is_unchecked(&header),
                cancellable: header.flags & flag::CANCELLABLE != 0,
                max_time,
                operation: operation.ok_or_else(|| broken(&format!("operation {}", header.opcode), at)),
            });
        }
        at = body.end;
    }
    Ok(requests)
}

fn broken(what: &str, at: usize) -> Error {
    Error::new(Kind::Internal, format!("{what} at byte {at} of a request is malformed; please report it"))
}

struct Header {
    opcode: u8,
    flags: u8,
    transaction: u16,
    ticket: u32,
    collection: u32,
    known: Known,
    body: usize,
}

impl Header {
    fn read(bytes: &[u8], at: usize) -> Option<Header> {
        let word = |index: usize| u32_at(bytes, at + index * 4);
        Some(Header {
            opcode: *bytes.get(at)?,
            flags: *bytes.get(at + 1)?,
            transaction: u16_at(bytes, at + 2)?,
            ticket: word(1)?,
            collection: word(2)?,
            known: Known { number: word(3)?, count: word(4)? },
            body: word(5)? as usize,
        })
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// Appends the shapes of a definition; their numbers continue after the existing ones.
fn define(body: &[u8], shapes: &Shapes) -> Option<()> {
    if usize::from(u16_at(body, 0)?) != shapes.len() {
        return None;
    }
    let mut at = 4;
    for _ in 0..u16_at(body, 2)? {
        let keys = u16_at(body, at)?;
        at += 2;
        let mut list = Vec::with_capacity(usize::from(keys).min(body.len()));
        for _ in 0..keys {
            let start = at + 4;
            at = start.checked_add(u32_at(body, at)? as usize)?;
            list.push(std::str::from_utf8(body.get(start..at)?).ok()?);
        }
        shapes.push(Shape::new(&list))?;
    }
    (at == body.len()).then_some(())
}

/// The values of a body, taken in order.
struct Values<'a> {
    buffer: &'a Arc<[u8]>,
    rest: Range<usize>,
    shapes: &'a Arc<Shapes>,
}

impl Values<'_> {
    fn operation(&mut self, opcode: u8, flags: u8) -> Option<Operation> {
        self.write(opcode, flags).or_else(|| self.other(opcode, flags))
    }

    /// The operation with the variables of its expressions, if there are any.
    fn with_variables(&mut self, operation: Operation, flags: u8) -> Option<Operation> {
        if flags & flag::LET == 0 {
            return Some(operation);
        }
        Some(Operation::Let { variables: self.value()?, operation: Box::new(operation) })
    }

    /// The writes that bulkWrite and findOneAnd... share. `None` leaves the body unread.
    fn write(&mut self, opcode: u8, flags: u8) -> Option<Operation> {
        let start = self.rest.start;
        let reach = if flags & flag::MANY != 0 { Reach::Many } else { Reach::One };
        let upsert = if flags & flag::UPSERT != 0 { Upsert::Yes } else { Upsert::No };
        let write = self.write_of(opcode, reach, upsert, flags);
        if write.is_none() {
            self.rest.start = start;
        }
        write
    }

    fn write_of(&mut self, opcode: u8, reach: Reach, upsert: Upsert, flags: u8) -> Option<Operation> {
        let (sorted, versioned) = (flags & flag::SORTED != 0, flags & flag::VERSIONED != 0);
        Some(match opcode {
            op::UPDATE => Operation::Update {
                filter: self.value()?,
                update: self.value()?,
                reach,
                upsert,
                new_id: self.value()?,
                array_filters: self.optional(Values::value)?,
                hint: self.optional(Values::value)?,
                sort: if sorted { Some(self.value()?) } else { None },
                if_version: if versioned { Some(self.number()?) } else { None },
            },
            op::REPLACE => Operation::Replace {
                filter: self.value()?,
                document: self.value()?,
                upsert,
                new_id: self.value()?,
                hint: self.optional(Values::value)?,
                sort: if sorted { Some(self.value()?) } else { None },
                if_version: if versioned { Some(self.number()?) } else { None },
            },
            op::DELETE => Operation::Delete {
                filter: self.value()?,
                reach,
                hint: self.optional(Values::value)?,
                if_version: if versioned { Some(self.number()?) } else { None },
            },
            _ => return None,
        })
    }

    /// One write of a bulk write: opcode, flags and body; an insert has one document.
    fn bulk_write(&mut self) -> Option<Operation> {
        let opcode = u8::try_from(self.number()?).ok()?;
        let flags = u8::try_from(self.number()?).ok()?;
        if opcode == op::INSERT {
            return Some(Operation::Insert { documents: vec![self.value()?], order: InsertOrder::Ordered });
        }
        let write = self.write(opcode, flags)?;
        self.with_variables(write, flags)
    }

    fn find_one_and(&mut self, flags: u8) -> Option<Operation> {
        let opcode = u8::try_from(self.number()?).ok()?;
        let own = u8::try_from(self.number()?).ok()?;
        Some(Operation::FindOneAnd {
            write: Box::new(self.write(opcode, own & (flag::UPSERT | flag::VERSIONED))?),
            sort: self.optional(Values::value)?,
            projection: self.optional(Values::value)?,
            returned: if flags & flag::AFTER != 0 { Returned::After } else { Returned::Before },
        })
    }

    /// Opcode, flags and body of the explained operation, then the verbosity.
    fn explain(&mut self) -> Option<Operation> {
        let opcode = u8::try_from(self.number()?).ok()?;
        let flags = u8::try_from(self.number()?).ok()?;
        if !EXPLAINED.contains(&opcode) {
            return None;
        }
        let operation = self.operation(opcode, flags)?;
        let operation = Box::new(self.with_variables(operation, flags)?);
        let verbosity = match self.number()? {
            0 => Verbosity::Planner,
            1 => Verbosity::Execution,
            2 => Verbosity::AllPlans,
            _ => return None,
        };
        Some(Operation::Explain { operation, verbosity })
    }

    fn other(&mut self, opcode: u8, flags: u8) -> Option<Operation> {
        let has = |flag: u8| flags & flag != 0;
        Some(match opcode {
            op::INSERT => Operation::Insert {
                documents: self.list(Values::value)?,
                order: if has(flag::UNORDERED) { InsertOrder::Unordered } else { InsertOrder::Ordered },
            },
            op::FIND => {
                let (single, meta) = (has(flag::SINGLE), has(flag::VERSIONED));
                Operation::Find { filter: self.value()?, options: self.find_options(single, meta)? }
            }
            op::MORE => Operation::More { cursor: self.number()?, batch: self.batch()? },
            op::CLOSE_CURSOR => Operation::CloseCursor { cursor: self.number()? },
            op::COUNT => Operation::Count {
                filter: self.value()?,
                skip: self.number()?,
                limit: self.number()?,
                hint: self.optional(Values::value)?,
            },
            op::GET => Operation::Get { id: self.value()?, meta: has(flag::META) },
            op::GET_MANY => Operation::GetMany { ids: self.list(Values::value)? },
            op::HAS => Operation::Has { id: self.value()? },
            op::SET => Operation::Set { entries: self.list(Values::set_entry)? },
            op::DELETE_ID => {
                Operation::DeleteId { id: self.value()?, if_version: self.optional(Values::number)? }
            }
            op::DROP => Operation::Drop,
            op::LIST_COLLECTIONS => Operation::ListCollections { filter: self.optional(Values::value)? },
            op::BARRIER => Operation::Barrier,
            op::SNAPSHOT => Operation::Snapshot,
            op::RESTORE => Operation::Restore { snapshot: self.number()? },
            op::RELEASE => Operation::Release { snapshot: self.number()? },
            op::DROP_DATABASE => Operation::DropDatabase,
            op::LIST_DATABASES => Operation::ListDatabases { filter: self.optional(Values::value)? },
            op::DISTINCT => Operation::Distinct {
                key: self.value()?,
                filter: self.value()?,
                hint: self.optional(Values::value)?,
            },
            op::FIND_ONE_AND => self.find_one_and(flags)?,
            op::BULK => Operation::Bulk {
                operations: self.list(Values::bulk_write)?,
                order: if has(flag::UNORDERED) { InsertOrder::Unordered } else { InsertOrder::Ordered },
            },
            op::RENAME => Operation::Rename { to: self.value()?, drop_target: has(flag::DROP_TARGET) },
            op::AGGREGATE => Operation::Aggregate {
                pipeline: self.value()?,
                batch: self.batch()?,
                hint: self.optional(Values::value)?,
            },
            op::CREATE_INDEXES => Operation::CreateIndexes { specs: self.list(Values::value)? },
            op::DROP_INDEX => Operation::DropIndex { index: self.value()? },
            op::LIST_INDEXES => Operation::ListIndexes,
            op::EXPLAIN => self.explain()?,
            op::STATS => Operation::Stats,
            op::CREATE => {
                Operation::Create { options: if has(flag::OPTIONS) { Some(self.value()?) } else { None } }
            }
            op::COLL_MOD => Operation::CollMod { changes: self.value()? },
            op::BEGIN => {
                let (idle, total) = (self.number()?, self.number()?);
                let origin = (self.session()?, self.number()?);
                let isolation =
                    if has(flag::SERIALIZABLE) { Isolation::Serializable } else { Isolation::Snapshot };
                Operation::Transaction(Step::Begin { idle, total, origin, isolation })
            }
            op::COMMIT => Operation::Transaction(Step::Commit),
            op::ABORT => Operation::Transaction(Step::Abort),
            op::SAVEPOINT => Operation::Transaction(Step::Savepoint),
            op::ROLL_BACK => Operation::Transaction(Step::RollBack { to: self.number()? }),
            op::WATCH => Operation::Watch { options: self.value()? },
            op::CHANGES => Operation::Changes {
                stream: self.number()?,
                batch: self.batch()?,
                wait: self.optional(Values::number)?,
            },
            op::LIVE => Operation::Live { filter: self.value()?, options: self.find_options(false, false)? },
            op::TAIL => Operation::Tail { filter: self.value()?, options: self.find_options(false, false)? },
            op::UNWATCH => Operation::Unwatch { stream: self.number()? },
            _ => return None,
        })
    }

    fn find_options(&mut self, single: bool, meta: bool) -> Option<FindOptions> {
        let sort = self.optional(Values::value)?;
        let projection = self.optional(Values::value)?;
        let skip = self.number()?;
        let limit = self.number()?;
        let batch = self.batch()?;
        let hint = self.optional(Values::value)?;
        Some(FindOptions { sort, projection, skip, limit: if single { 1 } else { limit }, batch, hint, meta })
    }

    fn set_entry(&mut self) -> Option<SetEntry> {
        match self.array_head()? {
            2 => Some(SetEntry { document: self.value()?, if_version: self.optional(Values::number)? }),
            _ => None,
        }
    }

    fn bytes(&self) -> &[u8] {
        self.buffer.get(self.rest.clone()).unwrap_or_default()
    }

    fn value(&mut self) -> Option<Incoming> {
        let length = value_len(self.bytes(), self.shapes);
        if length == 0 {
            return None;
        }
        let range = self.rest.start..self.rest.start + length;
        self.rest.start = range.end;
        Some(Incoming { buffer: Arc::clone(self.buffer), range, shapes: Arc::clone(self.shapes) })
    }

    /// `Some(None)` for nil.
    #[expect(clippy::option_option, reason = "a missing value and nil are two things")]
    fn optional<T>(&mut self, take: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.bytes().first() == Some(&token::NIL) {
            self.rest.start += 1;
            return Some(None);
        }
        take(self).map(Some)
    }

    /// A count, a cursor id or a version.
    fn number(&mut self) -> Option<u64> {
        const LARGEST: f64 = 9_007_199_254_740_991.0;
        match self.value()?.raw().kind() {
            RawKind::Int(number) => u64::try_from(number).ok(),
            RawKind::Double(number) if (0.0..=LARGEST).contains(&number) && number.fract() == 0.0 => {
                Some(number as u64)
            }
            _ => None,
        }
    }

    /// The id of a session.
    fn session(&mut self) -> Option<[u8; 16]> {
        match self.value()?.raw().kind() {
            RawKind::Binary(bytes) => bytes.try_into().ok(),
            _ => None,
        }
    }

    fn batch(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    fn list<T>(&mut self, take: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.array_head()?;
        // Each element takes at least one byte, so the body's length bounds the allocation.
        let mut list = Vec::with_capacity(count.min(self.rest.len()));
        for _ in 0..count {
            list.push(take(self)?);
        }
        Some(list)
    }

    /// Enters an array and returns its number of elements.
    fn array_head(&mut self) -> Option<usize> {
        let bytes = self.bytes();
        let (head, count) = match *bytes.first()? {
            lead @ 0x90..=0x9f => (1, usize::from(lead & 0x0f)),
            token::ARRAY16 => (3, usize::from(u16::from_be_bytes(bytes.get(1..3)?.try_into().ok()?))),
            token::ARRAY32 => (5, u32::from_be_bytes(bytes.get(1..5)?.try_into().ok()?) as usize),
            _ => return None,
        };
        self.rest.start += head;
        Some(count)
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
