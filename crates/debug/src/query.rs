//! `Query`: which records of the ring someone wants. Pure.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::record::{Level, LogRecord};
use crate::ring::Ring;

/// Most records on a page.
pub const MAX_LIMIT: usize = 1000;
const DEFAULT_LIMIT: usize = 200;

/// A filter; what is not named does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Query {
    /// The least level.
    pub level: Option<Level>,
    /// This service, or a part of it: `frontend` finds `frontend:media` too.
    pub service: Option<String>,
    /// This room.
    pub room: Option<String>,
    /// Stands in the message or in a field's value, in any case.
    pub text: Option<String>,
    /// After this id. With it a page begins with the oldest record that matches; without it, it ends with the newest.
    pub since: Option<u64>,
    /// At most this many, at most [`MAX_LIMIT`].
    pub limit: Option<usize>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// Oldest first.
    pub records: Vec<Arc<LogRecord>>,
    /// `since` of the next page.
    pub next: u64,
    /// Records that never came into the ring, since the start of the process.
    pub dropped: u64,
}

impl Query {
    /// Whether a record is wanted, `since` and `limit` aside.
    #[must_use]
    pub fn matches(&self, record: &LogRecord) -> bool {
        self.level.is_none_or(|level| record.level >= level)
            && self
                .service
                .as_ref()
                .is_none_or(|service| is_of(&record.service, service))
            && self
                .room
                .as_ref()
                .is_none_or(|room| record.room.as_ref() == Some(room))
            && self
                .text
                .as_ref()
                .is_none_or(|text| speaks_of(record, &text.to_lowercase()))
    }

    pub(crate) fn answer(&self, ring: &Ring, dropped: u64) -> Page {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
        let wanted = |record: &&Arc<LogRecord>| self.matches(record);
        let records: Vec<_> = match self.since {
            Some(id) => ring.after(id).filter(wanted).take(limit).cloned().collect(),
            None => {
                let mut newest: Vec<_> = ring.records().rev().filter(wanted).take(limit).cloned().collect();
                newest.reverse();
                newest
            }
        };
        // Behind a full page more may wait; behind any other, all up to the ring's end was looked at.
        let looked_at = if records.len() < limit {
            ring.records().next_back()
        } else {
            records.last()
        };
        let next = looked_at
            .map_or(0, |record| record.id)
            .max(self.since.unwrap_or(0));
        Page {
            records,
            next,
            dropped,
        }
    }
}

fn is_of(service: &str, wanted: &str) -> bool {
    service
        .strip_prefix(wanted)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

fn speaks_of(record: &LogRecord, text: &str) -> bool {
    record.message.to_lowercase().contains(text)
        || record.fields.values().any(|value| match value.as_str() {
            Some(value) => value.to_lowercase().contains(text),
            None => value.to_string().to_lowercase().contains(text),
        })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::ring::Limits;

    fn ring() -> Ring {
        let mut ring = Ring::new(Limits::default());
        let lines = [
            (1, "debug", "backend", json!(null), "room created", json!({})),
            (
                2,
                "info",
                "frontend",
                json!("r1"),
                "Joined",
                json!({"took_ms": 31}),
            ),
            (
                3,
                "warn",
                "frontend:media",
                json!("r1"),
                "slow",
                json!({"reason": "Packet Loss"}),
            ),
            (4, "error", "backend", json!("r2"), "store failed", json!({})),
        ];
        for (id, level, service, room, message, fields) in lines {
            let record: Value = json!({
                "id": id, "at": 0, "level": level, "service": service, "room": room, "message": message, "fields": fields,
            });
            ring.push(Arc::new(serde_json::from_value(record).unwrap()));
        }
        ring
    }

    fn check(query: Query, ids: &[u64], next: u64) {
        let page = query.answer(&ring(), 7);
        assert_eq!(
            page.records.iter().map(|record| record.id).collect::<Vec<_>>(),
            ids,
            "{query:?}"
        );
        assert_eq!((page.next, page.dropped), (next, 7), "{query:?}");
    }

    #[test]
    fn each_filter_keeps_what_it_names() {
        let text = |text: &str| Query {
            text: Some(text.to_owned()),
            ..Query::default()
        };
        let service = |service: &str| Query {
            service: Some(service.to_owned()),
            ..Query::default()
        };
        check(Query::default(), &[1, 2, 3, 4], 4);
        check(
            Query {
                level: Some(Level::Warn),
                ..Query::default()
            },
            &[3, 4],
            4,
        );
        check(service("frontend"), &[2, 3], 4);
        check(service("front"), &[], 4);
        check(
            Query {
                room: Some("r1".to_owned()),
                ..Query::default()
            },
            &[2, 3],
            4,
        );
        check(text("packet"), &[3], 4);
        check(text("31"), &[2], 4);
        check(text("JOINED"), &[2], 4);
    }

    #[test]
    fn without_since_a_page_ends_with_the_newest_and_with_it_begins_with_the_next() {
        let page = |since, limit| Query {
            since,
            limit: Some(limit),
            ..Query::default()
        };
        check(page(None, 2), &[3, 4], 4);
        check(page(Some(1), 2), &[2, 3], 3);
        check(page(Some(3), 2), &[4], 4);
        check(page(Some(9), 2), &[], 9);
        check(page(None, 0), &[], 0);
    }

    #[test]
    fn no_page_is_longer_than_the_most() {
        let mut ring = Ring::new(Limits::default());
        let record = ring_record();
        (0..1500).for_each(|id| assert!(ring.push(Arc::new(LogRecord { id, ..record.clone() }))));
        let query = Query {
            limit: Some(usize::MAX),
            ..Query::default()
        };
        assert_eq!(query.answer(&ring, 0).records.len(), MAX_LIMIT);
    }

    fn ring_record() -> LogRecord {
        LogRecord::clone(ring().records().next().unwrap())
    }
}
