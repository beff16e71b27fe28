//! `LogRecord`: one line of the debug log, as the protocol's page "Debug log" has it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How much a record matters, least first. Exactly these five words are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For following single packets.
    Trace,
    /// For whoever works on the code.
    Debug,
    /// What happened.
    Info,
    /// Look this week.
    Warn,
    /// Look now.
    Error,
}

impl Level {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<tracing::Level> for Level {
    fn from(level: tracing::Level) -> Self {
        match level {
            tracing::Level::TRACE => Self::Trace,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::INFO => Self::Info,
            tracing::Level::WARN => Self::Warn,
            tracing::Level::ERROR => Self::Error,
        }
    }
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogRecord {
    /// Rises by one with each record of this log; starts anew, higher, with each start of the process. Fits a JavaScript number.
    pub id: u64,
    /// Milliseconds since the Unix epoch.
    pub at: u64,
    /// How much it matters.
    pub level: Level,
    /// Who speaks: `backend`, `frontend`, `frontend:<part>`.
    pub service: String,
    /// Which node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Which room it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    /// What happened, for people.
    pub message: String,
    /// The circumstances, by dotted name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
}

impl LogRecord {
    /// What the record weighs in the ring, in bytes: its texts and a fixed part for what holds them.
    #[must_use]
    pub fn bytes(&self) -> usize {
        weigh(
            [
                Some(&self.service),
                self.node.as_ref(),
                self.room.as_ref(),
                Some(&self.message),
            ],
            &self.fields,
        )
    }
}

/// What a record of these texts and fields weighs.
pub(crate) fn weigh(texts: [Option<&String>; 4], fields: &Map<String, Value>) -> usize {
    size_of::<LogRecord>()
        + texts.into_iter().flatten().map(String::len).sum::<usize>()
        + fields
            .iter()
            .map(|(name, value)| ENTRY_BYTES + name.len() + value_bytes(value))
            .sum::<usize>()
}

/// What a map's entry takes beside its texts.
const ENTRY_BYTES: usize = 64;

fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(values) => values
            .iter()
            .map(|value| size_of::<Value>() + value_bytes(value))
            .sum(),
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| ENTRY_BYTES + name.len() + value_bytes(value))
            .sum(),
    }
}
