//! What a change stream watches, and from where on.

use super::token::Token;
use crate::document::{RawKind, RawValue, Shapes, incoming};
use crate::engine::format::key::{Key, key_of};
use crate::engine::operation::Incoming;
use crate::engine::state::namespace::parts;
use crate::error::{Error, Kind, Result, codes};
use crate::query::aggregate::EventPipeline;
use crate::query::expression::Constants;
use crate::storage::Lsn;

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The collection of this name.
    Collection(String),
    /// The collections of this database; the empty name is the default one.
    Database(String),
    /// All collections.
    Everything,
}

/// Whether an event has the document as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BeforeImage {
    Off,
    WhenAvailable,
    Required,
}

/// Where a stream begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Begin {
    /// With the commits after this one, the newest when the stream was opened.
    After(Lsn),
    /// After this token.
    Token(Token),
    /// With the first commit of this time or later.
    Time(Moment),
    /// With the oldest commit that is kept.
    Oldest,
}

/// A time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// Milliseconds since 1970.
    Millis(i64),
    /// The `clusterTime` of an event: seconds, and the low half of an LSN.
    Cluster(i64, u32),
}

impl Moment {
    /// Whether a commit of this time and LSN is of the moment or later.
    pub(super) fn has_come(self, time: i64, lsn: Lsn) -> bool {
        match self {
            Moment::Millis(millis) => time >= millis,
            Moment::Cluster(seconds, low) => (time.div_euclid(1_000), lsn.0 as u32) >= (seconds, low),
        }
    }
}

/// The options of a change stream.
#[derive(Debug)]
pub(crate) struct WatchOptions {
    pub(super) scope: Scope,
    /// The name of the default database in events.
    pub(super) database: String,
    pub(super) pipeline: EventPipeline,
    /// Whether an update's event has the whole document.
    pub(super) full: bool,
    pub(super) before: BeforeImage,
    /// Whether there are events of indexes and of new collections.
    pub(super) expanded: bool,
    pub(super) begin: Begin,
    /// The document whose versions are told instead of events.
    pub(super) document: Option<Key>,
    /// The commit after which the stream ends, if it ends by itself.
    pub(super) until: Option<Lsn>,
}

impl WatchOptions {
    /// Whether the stream ends by itself.
    pub(crate) fn ends(&self) -> bool {
        self.until.is_some()
    }

    /// Reads what the facade has sent: `{ scope, pipeline, fullDocument, fullDocumentBeforeChange, expanded, resumeAfter,
    /// startAfter, startAt }`. `default` is the name of the default database, `newest` is where a stream begins that is told nothing.
    pub(crate) fn parse(
        (name, default): (&str, &str),
        given: &Incoming,
        constants: &Constants,
        newest: Lsn,
    ) -> Result<WatchOptions> {
        incoming::check(given.bytes(), &given.shapes)?;
        let given = given.raw();
        let empty = [0x90];
        let pipeline = given.get("pipeline").unwrap_or_else(|| RawValue::new(&empty, Shapes::none()));
        let scope = match text(given, "scope") {
            Some("collection") => Scope::Collection(name.to_owned()),
            Some("everything") => Scope::Everything,
            _ => Scope::Database(parts(name).0.to_owned()),
        };
        let document = given.get("versionsOf").map(key_of);
        let before = match text(given, "fullDocumentBeforeChange") {
            Some("whenAvailable") => BeforeImage::WhenAvailable,
            Some("required") => BeforeImage::Required,
            _ => BeforeImage::Off,
        };
        Ok(WatchOptions {
            scope,
            database: default.to_owned(),
            pipeline: EventPipeline::parse(pipeline, constants)?,
            full: text(given, "fullDocument").is_some_and(|mode| mode != "default"),
            before,
            expanded: given.get("expanded").is_some_and(|value| matches!(value.kind(), RawKind::Bool(true))),
            begin: if document.is_some() { Begin::Oldest } else { begin(given, newest)? },
            until: document.is_some().then_some(newest),
            document,
        })
    }
}

fn begin(given: RawValue<'_>, newest: Lsn) -> Result<Begin> {
    if let Some(token) = text(given, "resumeAfter") {
        let token = Token::decode(token)?;
        if token.kind == super::token::TokenKind::Invalidate {
            let message = "the stream of this token has ended with an invalidate event; go on with startAfter, not with resumeAfter";
            return Err(Error::new(Kind::BadQuery, message).with_code(codes::INVALID_RESUME_TOKEN));
        }
        return Ok(Begin::Token(token));
    }
    if let Some(token) = text(given, "startAfter") {
        return Ok(Begin::Token(Token::decode(token)?));
    }
    let Some(at) = given.get("startAt") else { return Ok(Begin::After(newest)) };
    let number = |value: Option<RawValue<'_>>| match value.map(|value| value.kind()) {
        Some(RawKind::Int(number)) => Some(f64::from(number)),
        Some(RawKind::Double(number)) => Some(number),
        _ => None,
    };
    let moment = match at.kind() {
        RawKind::Date(millis) => Some(Moment::Millis(millis)),
        _ => match (number(at.get("t")), number(at.get("i"))) {
            (Some(seconds), Some(low)) => Some(Moment::Cluster(seconds as i64, low as u32)),
            _ => None,
        },
    };
    moment.map(Begin::Time).ok_or_else(|| {
        Error::new(Kind::Internal, "the start of a change stream crossed as another value; please report it")
    })
}

fn text<'a>(given: RawValue<'a>, name: &str) -> Option<&'a str> {
    match given.get(name)?.kind() {
        RawKind::String(text) => std::str::from_utf8(text).ok(),
        _ => None,
    }
}
