//! From a browser's request to drafts, believing nothing: a record is refused, cut or rewritten until it can neither pass for the backend's
//! nor break the page or terminal that shows it.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::problem::Problem;
use crate::draft::Draft;
use crate::record::Level;
use crate::redact::{clean, escape_controls};

/// Records in a request.
const RECORDS: usize = 100;
/// Bytes of JSON in a record.
const RECORD_BYTES: usize = 8 << 10;
/// Fields in a record; more are left out.
const FIELDS: usize = 32;
/// How far a browser's clock may differ before it is not believed: a queue kept while offline is older than the request.
const CLOCK_SKEW_MS: u64 = 60 * 60 * 1000;
const NAME_CHARACTERS: usize = 32;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    records: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Foreign {
    level: Level,
    message: String,
    service: Option<String>,
    room: Option<String>,
    at: Option<u64>,
    #[serde(default)]
    fields: Option<Map<String, Value>>,
}

/// The records of a request, not yet looked at.
pub(super) fn parse(body: &[u8]) -> Result<Vec<&RawValue>, Problem> {
    let request: Request<'_> = serde_json::from_slice(body)
        .map_err(|error| Problem::invalid(format!("not a list of records: {error}")))?;
    if request.records.len() > RECORDS {
        return Err(Problem::too_large(format!(
            "a request holds at most {RECORDS} records"
        )));
    }
    Ok(request.records)
}

/// One record as the log takes it; nothing when it is too large or is none.
pub(super) fn draft(json: &str, now_ms: u64) -> Option<Draft> {
    if json.len() > RECORD_BYTES {
        return None;
    }
    let foreign: Foreign = serde_json::from_str(json).ok()?;
    let fields = foreign
        .fields
        .unwrap_or_default()
        .into_iter()
        .take(FIELDS)
        .collect();
    Some(Draft {
        at: foreign
            .at
            .filter(|at| at.abs_diff(now_ms) <= CLOCK_SKEW_MS)
            .unwrap_or(now_ms),
        level: foreign.level,
        service: service(foreign.service.as_deref()),
        node: None,
        room: foreign
            .room
            .map(|room| name(&room))
            .filter(|room| !room.is_empty()),
        message: escape_controls(&foreign.message),
        fields: clean(fields),
    })
}

/// `frontend`, or `frontend:` and what the browser calls a part of itself.
fn service(claimed: Option<&str>) -> String {
    let part = claimed.map(|claimed| name(claimed.strip_prefix("frontend").unwrap_or(claimed)));
    match part.as_deref() {
        None | Some("") => "frontend".to_owned(),
        Some(part) => format!("frontend:{part}"),
    }
}

/// What of a text may stand in a name.
fn name(text: &str) -> String {
    let legal = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.chars()
        .filter(legal)
        .take(NAME_CHARACTERS)
        .collect::<String>()
        .to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_700_000_000_000;

    fn taken(record: Value) -> Option<Draft> {
        draft(&record.to_string(), NOW)
    }

    #[test]
    fn no_browser_passes_for_the_backend() {
        let service = |claimed: &str| {
            taken(json!({"level": "info", "message": "", "service": claimed})).map(|draft| draft.service)
        };
        assert_eq!(service("backend").as_deref(), Some("frontend:backend"));
        assert_eq!(service("frontend").as_deref(), Some("frontend"));
        assert_eq!(service("frontend:SFU\n").as_deref(), Some("frontend:sfu"));
        assert_eq!(service("<b>\u{0}").as_deref(), Some("frontend:b"));
        assert_eq!(service("кто").as_deref(), Some("frontend"));
        assert!(service(&"x".repeat(500)).is_some_and(|service| service.len() == 9 + NAME_CHARACTERS));
    }

    #[test]
    fn only_the_five_words_are_levels() {
        for level in ["trace", "debug", "info", "warn", "error"] {
            assert!(taken(json!({"level": level, "message": ""})).is_some(), "{level}");
        }
        for level in [
            json!("INFO"),
            json!("off"),
            json!("info,videorooms=trace"),
            json!(3),
            json!(null),
        ] {
            assert_eq!(taken(json!({"level": level, "message": ""})), None);
        }
    }

    #[test]
    fn what_is_too_large_or_no_record_is_refused() {
        assert_eq!(
            taken(json!({"level": "info", "message": "x".repeat(RECORD_BYTES)})),
            None
        );
        for record in [
            json!([]),
            json!({"level": "info"}),
            json!({"level": "info", "message": 1}),
            json!(null),
        ] {
            assert_eq!(taken(record), None);
        }
    }

    #[test]
    fn texts_are_escaped_secrets_taken_out_and_fields_counted() {
        let mut record =
            json!({"level": "warn", "message": "a\r\n\u{1b}[2J", "room": "r1\n", "fields": {"token": "t"}});
        (0..100).for_each(|n| record["fields"][format!("f{n}")] = json!(n));
        let draft = taken(record).unwrap();
        assert_eq!(draft.message, "a\\r\\n\\u{1b}[2J");
        assert_eq!(draft.room.as_deref(), Some("r1"));
        assert_eq!(draft.fields.len(), FIELDS);
        assert!(!draft.fields.values().any(|value| value == "t"));
    }

    #[test]
    fn a_clock_that_is_far_off_is_not_believed() {
        let at = |at: u64| taken(json!({"level": "info", "message": "", "at": at})).map(|draft| draft.at);
        assert_eq!(at(NOW - 5000), Some(NOW - 5000));
        assert_eq!(at(0), Some(NOW));
        assert_eq!(at(u64::MAX), Some(NOW));
    }
}
