//! Log lines on standard error. A field with a secret's name shows as `[redacted]`, in events and in spans, as it does in the debug log.

use std::fmt;

use serde_json::{Map, Value, json};
use tracing::field::Field;
use tracing::{Event, Subscriber};
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::format::{self, FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormattedFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, fmt as lines};
use videorooms_debug::Said;
use videorooms_debug::redact::{REDACTED, is_secret};

use crate::config::LogFormat;

/// The layer that writes lines.
pub(crate) fn layer<S, W>(format: LogFormat, writer: W, ansi: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let fields = format::debug_fn(field).delimited(" ");
    let lines = lines::layer()
        .with_writer(writer)
        .with_ansi(ansi)
        .fmt_fields(fields);
    match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.event_format(Json).boxed(),
    }
}

fn field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    match field.name() {
        "message" => write!(writer, "{value:?}"),
        name if is_secret(name) => write!(writer, "{name}={REDACTED}"),
        name => write!(writer, "{name}={value:?}"),
    }
}

/// One object a line.
struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let Said {
            message,
            room,
            mut fields,
            ..
        } = Said::by(event);
        if let Some(room) = room {
            fields.insert("room.id".to_owned(), room.into());
        }
        let spans: Vec<_> = context
            .event_scope()
            .into_iter()
            .flat_map(|scope| scope.from_root())
            .map(|span| {
                let extensions = span.extensions();
                let fields = extensions.get::<FormattedFields<N>>();
                json!({"name": span.name(), "fields": fields.map_or("", |fields| fields.fields.as_str())})
            })
            .collect();
        let line = json!({
            "timestamp": timestamp,
            "level": event.metadata().level().as_str(),
            "target": event.metadata().target(),
            "message": message,
            "fields": Map::<String, Value>::from_iter(fields),
            "spans": spans,
        });
        writeln!(writer, "{line}")
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let mut page = self.0.lock().map_err(|_| std::io::ErrorKind::Other)?;
            page.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn written(format: LogFormat) -> String {
        let page = Page::default();
        let writer = page.clone();
        let subscriber = tracing_subscriber::registry().with(layer(format, move || writer.clone(), false));
        tracing::subscriber::with_default(subscriber, || {
            let _span = tracing::info_span!("request", id = "r1", cookie = "hidden").entered();
            tracing::info!(join.token = "hidden", password = ?Some("hidden"), room.id = %"abc", n = 1, "joined");
        });
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_of_text_shows_all_but_secrets() {
        let line = written(LogFormat::Text);
        for part in [
            "joined",
            "n=1",
            "room.id=abc",
            "id=\"r1\"",
            "join.token=[redacted]",
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
        assert!(!line.contains("hidden"), "{line}");
    }

    #[test]
    fn a_line_of_json_shows_all_but_secrets() {
        let line = written(LogFormat::Json);
        assert!(!line.contains("hidden"), "{line}");
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            (&line["message"], &line["level"]),
            (&json!("joined"), &json!("INFO"))
        );
        assert_eq!(
            line["fields"],
            json!({"join.token": REDACTED, "password": REDACTED, "room.id": "abc", "n": 1})
        );
        assert_eq!(line["spans"][0]["name"], "request");
    }
}
