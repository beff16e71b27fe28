//! `Draft`: a record before it has its number.

use serde_json::{Map, Value};

use crate::record::{Level, LogRecord, weigh};

/// A record on its way to the log; the actor gives it its number.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Milliseconds since the Unix epoch.
    pub at: u64,
    /// How much it matters.
    pub level: Level,
    /// Who speaks.
    pub service: String,
    /// Which node.
    pub node: Option<String>,
    /// Which room it is about.
    pub room: Option<String>,
    /// What happened, for people.
    pub message: String,
    /// The circumstances.
    pub fields: Map<String, Value>,
}

impl Draft {
    /// What it weighs, the same as the record that it becomes.
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

    /// The record with its number.
    #[must_use]
    pub fn numbered(self, id: u64) -> LogRecord {
        let Self {
            at,
            level,
            service,
            node,
            room,
            message,
            fields,
        } = self;
        LogRecord {
            id,
            at,
            level,
            service,
            node,
            room,
            message,
            fields,
        }
    }
}
