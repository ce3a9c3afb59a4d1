//! The log of the core, where the environment asks for one: `MOLTENDB_LOG=stderr` or a file, `MOLTENDB_LOG_LEVEL` error, warn, info (the
//! default), debug or trace. One line an event: the time, the level, the message, then its fields as `name=value`.
//!
//! A collector of its own: events are few, there are no spans, and a filter language would be most of a library's size.

use std::fmt::{Debug, Write as _};
use std::io::Write;
use std::path::Path;
use std::sync::Once;

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::query::date::text_of;
use crate::storage::Host;
use crate::storage::append_log;

/// Begins the log, once in a process.
pub(in crate::binding) fn begin() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        let wanted = std::env::var("MOLTENDB_LOG").unwrap_or_default();
        if wanted.is_empty() {
            return;
        }
        let given = std::env::var("MOLTENDB_LOG_LEVEL").unwrap_or_default();
        let level = level_of(&given);
        let mut opened: Result<Box<dyn Write + Send>, _> = match wanted.as_str() {
            "stderr" => Ok(Box::new(std::io::stderr())),
            path => append_log(Path::new(path)),
        };
        let mut problem = level.is_none().then(|| {
            format!(
                "MOLTENDB_LOG_LEVEL={given:?} is none of error, warn, info, debug and trace; info is used"
            )
        });
        if let Err(error) = &opened {
            problem = Some(format!("MOLTENDB_LOG={wanted:?} cannot be opened: {error}; stderr is used"));
            opened = Ok(Box::new(std::io::stderr()));
        }
        let Ok(out) = opened else { return };
        let log = Log { level: level.unwrap_or(Level::INFO), host: Host::system(), out: Mutex::new(out) };
        // Another collector cannot be there: nothing else in this library sets one.
        if tracing::subscriber::set_global_default(log).is_ok()
            && let Some(problem) = problem
        {
            tracing::warn!("{problem}");
        }
    });
}

fn level_of(given: &str) -> Option<Level> {
    let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
    match given {
        "" => Some(Level::INFO),
        given => levels.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(given)),
    }
}

struct Log {
    level: Level,
    host: Host,
    out: Mutex<Box<dyn Write + Send>>,
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= self.level
    }

    fn event(&self, event: &Event<'_>) {
        let now = i64::try_from(self.host.clock.now_millis()).unwrap_or(i64::MAX);
        let mut line = Line::default();
        event.record(&mut line);
        let level = event.metadata().level();
        let text = format!("{} {level:<5} {}{}\n", text_of(now), line.message, line.fields);
        // A log that cannot be written must not fail what it tells of.
        let mut out = self.out.lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

/// The parts of a line, without line breaks and other control characters.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text: String = format!("{value:?}")
            .chars()
            .map(|one| if one.is_control() { char::REPLACEMENT_CHARACTER } else { one })
            .collect();
        if field.name() == "message" {
            self.message = text;
        } else {
            // Writing to a string cannot fail.
            let _ = write!(self.fields, " {}={text}", field.name());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_is_one_line_whatever_it_holds_and_others_are_left_out() {
        let kept = Kept::default();
        let out = Mutex::new(Box::new(kept.clone()) as Box<dyn Write + Send>);
        let log = Log { level: Level::WARN, host: Host::system(), out };
        tracing::subscriber::with_default(log, || {
            tracing::info!("not this");
            tracing::warn!(database = "a\nb", lsn = 7, error = %"x\u{7}y", "it is slow");
        });
        let text = String::from_utf8(kept.0.lock().clone()).unwrap();
        let (time, rest) = text.split_at(24);
        assert!(time.ends_with('Z'), "{text}");
        assert_eq!(rest, " WARN  it is slow database=\"a\\nb\" lsn=7 error=x\u{fffd}y\n");
    }

    #[test]
    fn levels_are_read_in_any_case_and_others_are_none() {
        assert_eq!((level_of(""), level_of("WARN")), (Some(Level::INFO), Some(Level::WARN)));
        assert_eq!((level_of("error"), level_of("loud")), (Some(Level::ERROR), None));
    }
}
