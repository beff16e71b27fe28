//! The debug log: what nodes and browsers have to say about themselves, kept in a ring for people who look.
//!
//! The walk of a record: [`DebugLayer`] (from `tracing`) or [`router()`] (from browsers) makes a [`Draft`] and puts it into the bounded
//! queue of a [`DebugLogHandle`], never waiting; the [`DebugLog`] actor takes the queue ten times a second, numbers the records, keeps them
//! in its ring and hands them to followers. Whatever does not fit is dropped and counted. Nothing here is durable, and nothing a room does
//! depends on it. Secrets never enter: see [`redact`].

mod actor;
mod draft;
mod handle;
mod layer;
mod metrics;
mod query;
mod record;
pub mod redact;
mod ring;
mod router;

pub use actor::{DebugLog, DebugLogArguments, DebugLogMessage};
pub use draft::Draft;
pub use handle::{Batch, DebugLogError, DebugLogHandle, Follower};
pub use layer::{DebugLayer, Said, layer};
pub use metrics::describe as describe_metrics;
pub use query::{MAX_LIMIT, Page, Query};
pub use record::{Level, LogRecord};
pub use ring::{Limits, Stats};
pub use router::{Access, Address, router};
