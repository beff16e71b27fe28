//! Topic `debug:logs`, and the debug log's record.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The one event of the topic.
pub const LOGS: &str = "logs";

/// `phx_join`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct LogsJoin {
    /// An operator's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub token: Option<String>,
}

/// How much a record matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Single packets.
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

/// One line of the debug log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LogRecord {
    /// Rises by one.
    pub id: u64,
    /// Milliseconds since the Unix epoch.
    pub at: u64,
    /// How much it matters.
    pub level: LogLevel,
    /// Who speaks.
    pub service: String,
    /// Which node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub node: Option<String>,
    /// Which room it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub room: Option<String>,
    /// What happened.
    pub message: String,
    /// The circumstances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "Record<string, unknown>")]
    pub fields: Option<serde_json::Map<String, serde_json::Value>>,
}

/// Payload of [`LOGS`].
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct LogBatch<R = LogRecord> {
    /// Oldest first.
    pub records: Vec<R>,
    /// Records missed just before these.
    pub dropped: u64,
}
