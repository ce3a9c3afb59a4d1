//! JSON to open options. An unknown option, or one of the wrong type, is an error that names it.

use std::time::Duration;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};
use crate::options::{
    Access, AutoCompact, AutoIndex, ChangeHistory, Check, Creation, EncryptionKey, History, HistoryLimits,
    MEMORY, MemoryLimit, OpenOptions, PastHistory, PastLimits, RecoveryPolicy, Retention, Scrub, StorageMode,
};

/// The first byte of a key from JavaScript, before its bytes: those of a text, or the 32 of a key.
const TEXT: u8 = 1;
const BYTES: u8 = 2;

/// The key that JavaScript gives, which overwrites its own copy.
pub fn key(given: Option<&[u8]>) -> Result<Option<EncryptionKey>> {
    match given.and_then(<[u8]>::split_first) {
        None => Ok(None),
        Some((&TEXT, text)) => EncryptionKey::password(Zeroizing::new(text.to_vec())).map(Some),
        Some((&BYTES, bytes)) => EncryptionKey::raw(bytes).map(Some),
        Some(_) => Err(Error::new(Kind::Argument, "encryptionKey must be a text or 32 bytes")),
    }
}

/// The options of opening this path, from JSON; an empty text means no options.
pub fn parse(path: &str, json: &str) -> Result<OpenOptions> {
    let mut options = OpenOptions::default();
    let (mut ttl_monitor, mut ttl_interval) = (true, options.ttl_interval.unwrap_or_default());
    let (mut read_only, mut create, mut must_be_new) = (false, true, false);
    for (name, value) in &object(json)? {
        if value.is_null() {
            continue;
        }
        match name.as_str() {
            "storage" => options.storage = storage(name, value)?,
            "flushInterval" => options.flush_interval = milliseconds(name, value)?,
            "memoryLimit" => options.memory_limit = memory_limit(name, value)?,
            "systemMemory" => options.system_memory = Some(bytes(name, value)?),
            "queryMemoryLimit" => {
                options.query_memory_limit = usize::try_from(bytes(name, value)?).unwrap_or(usize::MAX);
            }
            "readOnly" => read_only = flag(name, value)?,
            "createIfMissing" => create = flag(name, value)?,
            "errorIfExists" => must_be_new = flag(name, value)?,
            "recovery" => options.recovery = recovery(name, value)?,
            "check" => options.check = check(name, value)?,
            "scrub" => options.scrub = Some(scrub(name, value)?),
            "autoCompact" => {
                options.auto_compact = if flag(name, value)? { AutoCompact::On } else { AutoCompact::Off };
            }
            "autoIndex" => options.auto_index = auto_index(name, value)?,
            "ttlInterval" => ttl_interval = milliseconds(name, value)?,
            "ttlMonitor" => ttl_monitor = flag(name, value)?,
            "retention" => options.retention = retention(name, value)?,
            "history" => options.history = history(name, value)?,
            "segmentSize" => options.segment_size = bytes(name, value)?,
            "queueLimit" => options.queue_limit = bytes(name, value)?,
            _ => return Err(misspelt(name)),
        }
    }
    if must_be_new && !create {
        return Err(Error::new(
            Kind::Argument,
            "options createIfMissing: false and errorIfExists: true exclude each other",
        ));
    }
    options.ttl_interval = ttl_monitor.then_some(ttl_interval);
    options.access = if read_only { Access::ReadOnly } else { Access::ReadWrite };
    options.creation = match (create, must_be_new) {
        (_, true) => Creation::MustBeNew,
        (true, false) => Creation::IfMissing,
        (false, false) => Creation::Never,
    };
    if path == MEMORY {
        options.storage = StorageMode::Memory;
    }
    options.validate()?;
    Ok(options)
}

fn object(json: &str) -> Result<Map<String, Value>> {
    if json.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_str(json) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(Error::new(Kind::Argument, "options must be an object")),
    }
}

fn misspelt(name: &str) -> Error {
    Error::new(Kind::Argument, format!("there is no option {name}; check its spelling"))
}

fn wrong(name: &str, wanted: &str, value: &Value) -> Error {
    Error::new(Kind::Argument, format!("option {name} must be {wanted}, not {value}"))
}

fn storage(name: &str, value: &Value) -> Result<StorageMode> {
    match value.as_str() {
        Some("async") => Ok(StorageMode::Async),
        Some("sync") => Ok(StorageMode::Sync),
        Some("memory") => Ok(StorageMode::Memory),
        _ => Err(wrong(name, "'async', 'sync' or 'memory'", value)),
    }
}

fn auto_index(name: &str, value: &Value) -> Result<AutoIndex> {
    match value.as_str() {
        Some("off") => Ok(AutoIndex::Off),
        Some("suggest") => Ok(AutoIndex::Suggest),
        Some("on") => Ok(AutoIndex::On),
        _ => Err(wrong(name, "'off', 'suggest' or 'on'", value)),
    }
}

fn recovery(name: &str, value: &Value) -> Result<RecoveryPolicy> {
    match value.as_str() {
        Some("strict") => Ok(RecoveryPolicy::Strict),
        Some("truncate") => Ok(RecoveryPolicy::Truncate),
        _ => Err(wrong(name, "'strict' or 'truncate'", value)),
    }
}

fn check(name: &str, value: &Value) -> Result<Check> {
    match value.as_str() {
        Some("quick") => Ok(Check::Quick),
        Some("full") => Ok(Check::Full),
        _ => Err(wrong(name, "'quick' or 'full'", value)),
    }
}

fn retention(name: &str, value: &Value) -> Result<Retention> {
    let generations =
        value.get("generations").and_then(Value::as_u64).and_then(|count| u32::try_from(count).ok());
    match generations {
        Some(generations) => Ok(Retention { generations }),
        None => Err(wrong(name, "{ generations: a whole number }", value)),
    }
}

fn history(name: &str, value: &Value) -> Result<History> {
    let Value::Object(given) = value else { return Err(wrong(name, "an object", value)) };
    let mut history = History::default();
    for (name, value) in given {
        match name.as_str() {
            "changes" => history.changes = changes("history.changes", value)?,
            "past" => history.past = past("history.past", value)?,
            _ => return Err(misspelt(&format!("history.{name}"))),
        }
    }
    Ok(history)
}

fn changes(name: &str, value: &Value) -> Result<ChangeHistory> {
    let Some((age, most)) = history_limits(name, value)? else { return Ok(ChangeHistory::Off) };
    let HistoryLimits { max_age, max_bytes } = HistoryLimits::DEFAULT;
    Ok(ChangeHistory::Keep(HistoryLimits {
        max_age: age.unwrap_or(max_age),
        max_bytes: most.unwrap_or(max_bytes),
    }))
}

fn past(name: &str, value: &Value) -> Result<PastHistory> {
    let Some((age, max_bytes)) = history_limits(name, value)? else { return Ok(PastHistory::Off) };
    Ok(PastHistory::Keep(PastLimits { max_age: age.unwrap_or(PastLimits::DEFAULT.max_age), max_bytes }))
}

/// Age and bytes, where they are given; `None` for `false`.
fn history_limits(name: &str, value: &Value) -> Result<Option<(Option<Duration>, Option<u64>)>> {
    let given = match value {
        Value::Bool(false) => return Ok(None),
        Value::Object(given) => given,
        _ => return Err(wrong(name, "{ maxAge, maxBytes } or false", value)),
    };
    let (mut age, mut most) = (None, None);
    for (part, value) in given {
        let named = format!("{name}.{part}");
        match part.as_str() {
            "maxAge" => age = Some(milliseconds(&named, value)?),
            "maxBytes" => most = Some(bytes(&named, value)?),
            _ => return Err(misspelt(&named)),
        }
    }
    Ok(Some((age, most)))
}

/// JSON has no Infinity.
fn memory_limit(name: &str, value: &Value) -> Result<MemoryLimit> {
    match value.as_str() {
        Some("Infinity") => Ok(MemoryLimit::Unlimited),
        _ => Ok(MemoryLimit::Bytes(bytes(name, value)?)),
    }
}

fn scrub(name: &str, value: &Value) -> Result<Scrub> {
    let Value::Object(given) = value else { return Err(wrong(name, "an object", value)) };
    let mut scrub = Scrub::default();
    for (name, value) in given {
        match name.as_str() {
            "interval" => scrub.interval = milliseconds("scrub.interval", value)?,
            "bytesPerSecond" => scrub.bytes_per_second = bytes("scrub.bytesPerSecond", value)?,
            _ => return Err(misspelt(&format!("scrub.{name}"))),
        }
    }
    Ok(scrub)
}

fn flag(name: &str, value: &Value) -> Result<bool> {
    value.as_bool().ok_or_else(|| wrong(name, "true or false", value))
}

fn milliseconds(name: &str, value: &Value) -> Result<Duration> {
    let wanted = "a number of milliseconds";
    let number = value.as_f64().ok_or_else(|| wrong(name, wanted, value))?;
    Duration::try_from_secs_f64(number / 1000.0).map_err(|_| wrong(name, wanted, value))
}

/// JavaScript writes whole numbers up to 10^21 without a fraction, so an integer type is enough.
fn bytes(name: &str, value: &Value) -> Result<u64> {
    value.as_u64().ok_or_else(|| wrong(name, "a whole number of bytes", value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> String {
        let error = parse("db", json).unwrap_err();
        assert_eq!(error.kind(), Kind::Argument);
        error.message().to_owned()
    }

    #[test]
    fn nothing_given_is_the_default() {
        for json in ["", "{}", r#"{"storage":null}"#] {
            assert_eq!(parse("db", json).unwrap(), OpenOptions::default());
        }
    }

    #[test]
    fn every_option_is_read() {
        let json = r#"{"storage":"sync","flushInterval":12.5,"memoryLimit":1000,"systemMemory":9,"queryMemoryLimit":2000000,"createIfMissing":false,
            "recovery":"truncate","check":"full","scrub":{"interval":1500,"bytesPerSecond":4096},"segmentSize":8192,"queueLimit":9000,"readOnly":true,"errorIfExists":false,"autoIndex":"on","ttlInterval":250}"#;
        let expected = OpenOptions {
            storage: StorageMode::Sync,
            flush_interval: Duration::from_micros(12_500),
            memory_limit: MemoryLimit::Bytes(1000),
            system_memory: Some(9),
            query_memory_limit: 2_000_000,
            access: Access::ReadOnly,
            creation: Creation::Never,
            recovery: RecoveryPolicy::Truncate,
            check: Check::Full,
            scrub: Some(Scrub { interval: Duration::from_millis(1_500), bytes_per_second: 4_096 }),
            segment_size: 8192,
            queue_limit: 9000,
            auto_index: AutoIndex::On,
            ttl_interval: Some(Duration::from_millis(250)),
            ..OpenOptions::default()
        };
        assert_eq!(parse("db", json).unwrap(), expected);
        assert_eq!(parse("db", r#"{"ttlMonitor":false,"ttlInterval":5}"#).unwrap().ttl_interval, None);
        assert!(refused(r#"{"ttlInterval":0}"#).contains("ttlInterval"));
        assert_eq!(parse("db", r#"{"errorIfExists":true}"#).unwrap().creation, Creation::MustBeNew);
        assert_eq!(parse(":memory:", "").unwrap().storage, StorageMode::Memory);
        let unlimited = parse("db", r#"{"memoryLimit":"Infinity"}"#).unwrap();
        assert_eq!(unlimited.memory_limit, MemoryLimit::Unlimited);
    }

    #[test]
    fn the_history_has_default_limits_or_none_or_is_off() {
        let changes = |json: &str| parse("db", json).map(|options| options.history.changes);
        let day = HistoryLimits::DEFAULT;
        assert_eq!(changes("{}").unwrap(), ChangeHistory::WhenWatched);
        assert_eq!(changes(r#"{"history":{}}"#).unwrap(), ChangeHistory::WhenWatched);
        assert_eq!(changes(r#"{"history":{"changes":{}}}"#).unwrap(), ChangeHistory::Keep(day));
        let an_hour = HistoryLimits { max_age: Duration::from_secs(3600), ..day };
        let given = r#"{"history":{"changes":{"maxAge":3600000}}}"#;
        assert_eq!(changes(given).unwrap(), ChangeHistory::Keep(an_hour));
        assert_eq!(changes(r#"{"history":{"changes":false}}"#).unwrap(), ChangeHistory::Off);
        assert_eq!(
            refused(r#"{"history":{"changes":true}}"#),
            "option history.changes must be { maxAge, maxBytes } or false, not true"
        );
        assert_eq!(
            refused(r#"{"history":{"changes":{"age":1}}}"#),
            "there is no option history.changes.age; check its spelling"
        );
        assert_eq!(
            refused(r#"{"history":{"changes":{"maxAge":0}}}"#),
            "option history.changes.maxAge must be at least 1 ms"
        );
        let past = |json: &str| parse("db", json).map(|options| options.history.past);
        assert_eq!(past(r#"{"history":{"changes":{}}}"#).unwrap(), PastHistory::AsBefore);
        assert_eq!(past(r#"{"history":{"past":{}}}"#).unwrap(), PastHistory::Keep(PastLimits::DEFAULT));
        assert_eq!(past(r#"{"history":{"past":false}}"#).unwrap(), PastHistory::Off);
        let given = PastLimits { max_bytes: Some(5), ..PastLimits::DEFAULT };
        assert_eq!(past(r#"{"history":{"past":{"maxBytes":5}}}"#).unwrap(), PastHistory::Keep(given));
        assert_eq!(
            refused(r#"{"history":{"past":{"maxAge":0}}}"#),
            "option history.past.maxAge must be at least 1 ms"
        );
    }

    #[test]
    fn a_wrong_option_is_named() {
        assert_eq!(refused(r#"{"storag":1}"#), "there is no option storag; check its spelling");
        assert_eq!(
            refused(r#"{"storage":"disk"}"#),
            "option storage must be 'async', 'sync' or 'memory', not \"disk\""
        );
        assert_eq!(
            refused(r#"{"autoIndex":true}"#),
            "option autoIndex must be 'off', 'suggest' or 'on', not true"
        );
        assert_eq!(refused(r#"{"readOnly":1}"#), "option readOnly must be true or false, not 1");
        assert_eq!(
            refused(r#"{"memoryLimit":-1}"#),
            "option memoryLimit must be a whole number of bytes, not -1"
        );
        assert_eq!(
            refused(r#"{"flushInterval":-1}"#),
            "option flushInterval must be a number of milliseconds, not -1"
        );
        assert_eq!(refused(r#"{"flushInterval":0}"#), "option flushInterval must be 1 to 60000 milliseconds");
        assert_eq!(refused("[]"), "options must be an object");
        assert!(refused(r#"{"createIfMissing":false,"errorIfExists":true}"#).contains("exclude each other"));
    }
}
