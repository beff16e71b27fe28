//! What the node says of itself: log lines on standard error and in the debug log, metrics for the operator's door.

use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use videorooms_admin::PrometheusHandle;
use videorooms_debug::DebugLogHandle;
use videorooms_debug::redact::escape_controls;

use crate::config::Config;
use crate::lines;

/// Of a panic's message.
const WORDS_BYTES: usize = 200;

/// Handles to what the process has one of.
#[derive(Clone)]
pub struct Telemetry {
    pub(crate) log: DebugLogHandle,
    pub(crate) metrics: PrometheusHandle,
}

impl Telemetry {
    /// Sets up logging and metrics for this process. Once.
    ///
    /// # Errors
    /// When `log.filter` cannot be read, or this was done before.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn install(config: &Config) -> anyhow::Result<Self> {
        let log = DebugLogHandle::new();
        let filter = EnvFilter::try_new(&config.log.filter)
            .map_err(|error| anyhow::anyhow!("log.filter = {:?}: {error}", config.log.filter))?;
        let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
        let lines = lines::layer(config.log.format, std::io::stderr, is_terminal);
        tracing_subscriber::registry()
            .with(filter)
            .with(FilterFn::new(|metadata| {
                is_fit_to_log(metadata.target(), *metadata.level())
            }))
            .with(lines)
            .with(videorooms_debug::layer(&log, "backend", Some(&config.node)))
            .try_init()?;
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            let words = last_words(panic.payload_as_str());
            tracing::error!(place, words, "panicked");
        }));
        let metrics = videorooms_admin::install_metrics()?;
        describe();
        Ok(Self { log, metrics })
    }

    /// For a node inside another program, which has logging and metrics of its own: nothing is installed, and `/metrics` stays empty.
    #[must_use]
    pub fn detached() -> Self {
        Self {
            log: DebugLogHandle::new(),
            metrics: videorooms_admin::detached_metrics(),
        }
    }
}

/// `ractor_cluster` logs what nodes say to each other, secrets included, at `debug`; whatever the filter asks for, only its errors are taken.
fn is_fit_to_log(target: &str, level: Level) -> bool {
    let is_wire = target == "ractor_cluster" || target.starts_with("ractor_cluster::");
    !is_wire || level == Level::ERROR
}

/// What a panic said, as far as a log may hold it: a failed assertion quotes whatever it compared.
fn last_words(payload: Option<&str>) -> String {
    let first = payload.and_then(|words| words.lines().next()).unwrap_or_default();
    escape_controls(&first[..first.floor_char_boundary(WORDS_BYTES)])
}

fn describe() {
    crate::metrics::describe();
    videorooms_debug::describe_metrics();
    videorooms_gateway::metrics::describe();
    videorooms_rooms::metrics::describe();
    videorooms_sfu::embedded::describe_metrics();
    videorooms_store::describe_metrics();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nodes_say_to_each_other_is_never_logged() {
        assert!(!is_fit_to_log("ractor_cluster::net::session", Level::DEBUG));
        assert!(!is_fit_to_log("ractor_cluster", Level::WARN));
        assert!(is_fit_to_log("ractor_cluster::node", Level::ERROR));
        assert!(is_fit_to_log("videorooms_cluster::links", Level::TRACE));
    }

    #[test]
    fn of_a_panic_only_the_first_line_is_kept_and_not_much_of_it() {
        let words = "assertion `left == right` failed\n  left: \"a secret\"\n right: \"another\"";
        assert_eq!(last_words(Some(words)), "assertion `left == right` failed");
        assert!(last_words(Some(&"ж".repeat(1000))).len() <= WORDS_BYTES);
        assert_eq!(last_words(None), "");
    }
}
