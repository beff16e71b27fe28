//! Keeps secrets and control characters out of the log.
//!
//! A field is judged by its name alone and a secret's value is never even formatted. This is the second line: the first is that nobody logs
//! secrets, SDP or chat text.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// What stands in a secret's place.
pub const REDACTED: &str = "[redacted]";

/// Parts of a name that make its value a secret.
const SECRETS: [&str; 9] = [
    "token",
    "secret",
    "password",
    "authorization",
    "cookie",
    "credential",
    "resume",
    "sdp",
    "api_key",
];

/// Says whether a field of this (dotted) name must not be shown.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRETS.iter().any(|secret| name.contains(secret))
}

/// The text with its control characters written as escapes, so that no terminal obeys a log line and no line passes for two. Direction
/// overrides count as control characters: they make text look like other text.
#[must_use]
pub fn escape_controls(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control()
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
        {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "{}", c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// The fields of a foreign record, without secrets and control characters at any depth.
#[must_use]
pub fn clean(fields: Map<String, Value>) -> Map<String, Value> {
    let clean_entry = |(name, value): (String, Value)| {
        let value = if is_secret(&name) {
            Value::from(REDACTED)
        } else {
            clean_value(value)
        };
        (escape_controls(&name), value)
    };
    fields.into_iter().map(clean_entry).collect()
}

fn clean_value(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(escape_controls(&text)),
        Value::Array(values) => Value::Array(values.into_iter().map(clean_value).collect()),
        Value::Object(fields) => Value::Object(clean(fields)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_secrets_are_known_in_any_case_and_depth() {
        for name in [
            "token",
            "join.token",
            "authToken",
            "SECRET_KEY_BASE",
            "livekit.api_key",
            "offer_sdp",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["room.id", "duration_ms", "reason"] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn controls_are_escaped_and_letters_of_all_languages_stay() {
        assert_eq!(
            escape_controls("a\nb\u{1b}[31m\u{202e}"),
            "a\\nb\\u{1b}[31m\\u{202e}"
        );
        assert_eq!(escape_controls("комната №5 🎥"), "комната №5 🎥");
    }

    #[test]
    fn fields_are_cleaned_at_any_depth() {
        let Value::Object(fields) = json!({"a": {"token": "x", "b": ["\n"]}, "n": 1}) else {
            return;
        };
        assert_eq!(
            Value::Object(clean(fields)),
            json!({"a": {"token": REDACTED, "b": ["\\n"]}, "n": 1})
        );
    }
}
