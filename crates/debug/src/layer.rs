//! `DebugLayer`: hands what this process says through `tracing` to the log.
//!
//! It runs on whatever thread speaks, so it never waits, never locks for long and formats no more than a record may hold. `room.id`, in the
//! event or in a span around it, becomes the record's room; a field with a secret's name is not formatted at all. Which events come is for
//! the subscriber's filters to say.

use std::fmt::{self, Write as _};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::draft::Draft;
use crate::handle::{DebugLogHandle, now_ms};
use crate::redact::{REDACTED, escape_controls, is_secret};

/// What the texts of one record may weigh together.
const RECORD_BYTES: usize = 8 << 10;
const ROOM_FIELD: &str = "room.id";

/// The layer; made by [`layer()`].
#[derive(Debug, Clone)]
pub struct DebugLayer {
    handle: DebugLogHandle,
    service: String,
    node: Option<String>,
}

/// A layer that hands events to `handle`, spoken by `service` on `node`.
#[must_use]
pub fn layer(handle: &DebugLogHandle, service: &str, node: Option<&str>) -> DebugLayer {
    DebugLayer {
        handle: handle.clone(),
        service: service.to_owned(),
        node: node.map(str::to_owned),
    }
}

/// The room a span is about, kept with the span.
struct SpanRoom(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for DebugLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut room = RoomVisitor(None);
        attributes.record(&mut room);
        room.keep(id, &context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut room = RoomVisitor(None);
        values.record(&mut room);
        room.keep(id, &context);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut said = Said::by(event);
        said.fields
            .insert("target".to_owned(), Value::from(metadata.target()));
        let room = said.room.or_else(|| {
            let mut spans = context.event_scope(event)?;
            spans.find_map(|span| span.extensions().get::<SpanRoom>().map(|room| room.0.clone()))
        });
        self.handle.offer(Draft {
            at: now_ms(),
            level: (*metadata.level()).into(),
            service: self.service.clone(),
            node: self.node.clone(),
            room,
            message: said.message,
            fields: said.fields,
        });
    }
}

/// Looks for the room among a span's fields and at nothing else.
struct RoomVisitor(Option<String>);

impl RoomVisitor {
    fn keep<S: Subscriber + for<'a> LookupSpan<'a>>(self, id: &Id, context: &Context<'_, S>) {
        if let (Some(room), Some(span)) = (self.0, context.span(id)) {
            span.extensions_mut().replace(SpanRoom(room));
        }
    }
}

impl Visit for RoomVisitor {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == ROOM_FIELD {
            self.0 = Some(bounded(value, &mut RECORD_BYTES.clone()));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

/// What an event says, as long as there is room for it and without secrets.
#[derive(Debug)]
pub struct Said {
    left: usize,
    /// What happened.
    pub message: String,
    /// `room.id`.
    pub room: Option<String>,
    /// The other fields, by name.
    pub fields: Map<String, Value>,
}

impl Said {
    /// Reads an event.
    #[must_use]
    pub fn by(event: &Event<'_>) -> Self {
        let mut said = Self {
            left: RECORD_BYTES,
            message: String::new(),
            room: None,
            fields: Map::new(),
        };
        event.record(&mut said);
        said
    }

    fn keep(&mut self, field: &Field, value: impl Into<Value>) {
        let value = if is_secret(field.name()) {
            Value::from(REDACTED)
        } else {
            value.into()
        };
        self.fields.insert(field.name().to_owned(), value);
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = bounded(value, &mut self.left),
            ROOM_FIELD => self.room = Some(bounded(value, &mut self.left)),
            name if is_secret(name) => self.keep(field, REDACTED),
            _ => {
                let text = bounded(value, &mut self.left);
                self.keep(field, text);
            }
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        // Through `Display`, so that a text does not come in quotes.
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.keep(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.keep(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.keep(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.keep(field, value);
    }
}

/// Formats a value, but no more of it than there is room `left`.
fn bounded(value: &dyn fmt::Debug, left: &mut usize) -> String {
    let mut text = Bounded {
        text: String::new(),
        left,
    };
    if write!(text, "{value:?}").is_err() {
        text.text.push('…');
    }
    escape_controls(&text.text)
}

struct Bounded<'a> {
    text: String,
    left: &'a mut usize,
}

impl fmt::Write for Bounded<'_> {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let fits = more.floor_char_boundary(*self.left);
        self.text.push_str(&more[..fits]);
        *self.left -= fits;
        if fits == more.len() {
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::record::{Level, LogRecord};

    fn said(speak: impl FnOnce()) -> Vec<LogRecord> {
        let handle = DebugLogHandle::starting_at(1);
        let subscriber = tracing_subscriber::registry().with(layer(&handle, "backend", Some("a")));
        tracing::subscriber::with_default(subscriber, speak);
        handle
            .take()
            .iter()
            .map(|record| LogRecord::clone(record))
            .collect()
    }

    #[test]
    fn an_event_becomes_a_record_with_its_room_and_fields() {
        let records = said(|| {
            let (room, what) = ("r1", "commit");
            tracing::warn!(room.id = %room, duration_ms = 12, late = true, "slow {what}");
        });
        let [record] = &records[..] else {
            panic!("{records:?}")
        };
        assert_eq!(
            (record.level, record.service.as_str(), record.message.as_str()),
            (Level::Warn, "backend", "slow commit")
        );
        assert_eq!(
            (record.node.as_deref(), record.room.as_deref()),
            (Some("a"), Some("r1"))
        );
        assert_eq!(
            Value::Object(record.fields.clone()),
            json!({"duration_ms": 12, "late": true, "target": module_path!()})
        );
    }

    #[test]
    fn the_room_comes_from_the_nearest_span_that_names_one() {
        let records = said(|| {
            let _room = tracing::info_span!("room", room.id = "r2").entered();
            let _inner = tracing::info_span!("commit", seq = 1).entered();
            tracing::info!("inside");
            tracing::info!(room.id = "r3", "another");
        });
        assert_eq!(
            records
                .iter()
                .map(|record| record.room.as_deref())
                .collect::<Vec<_>>(),
            [Some("r2"), Some("r3")]
        );
    }

    #[test]
    fn a_secret_is_never_formatted() {
        struct Secret;
        impl fmt::Debug for Secret {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                panic!("a secret was formatted")
            }
        }
        let records = said(|| tracing::info!(join.token = ?Secret, pin_password = 1234, "joined"));
        assert_eq!(records[0].fields["join.token"], REDACTED);
        assert_eq!(records[0].fields["pin_password"], REDACTED);
    }

    #[test]
    fn a_record_is_cut_to_its_bound_and_controls_are_escaped() {
        let records = said(|| {
            let long = "ж".repeat(100_000);
            tracing::info!(first = "a\nb", long, rest = "gone", "short");
        });
        assert!(records[0].bytes() < 2 * RECORD_BYTES);
        assert_eq!(records[0].fields["first"], "a\\nb");
    }

    #[test]
    fn what_the_queue_cannot_hold_is_dropped_and_counted() {
        let handle = DebugLogHandle::starting_at(1);
        let subscriber = tracing_subscriber::registry().with(layer(&handle, "backend", None));
        tracing::subscriber::with_default(subscriber, || (0..5000).for_each(|n| tracing::info!(n, "again")));
        let taken = handle.take().len();
        assert_eq!(taken as u64 + handle.dropped(), 5000);
        assert!(handle.dropped() > 0 && taken > 0);
    }
}
