//! What the node says of itself: log lines on standard error and in the debug log, metrics for the operator's door.

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};
use videorooms_admin::PrometheusHandle;
use videorooms_debug::DebugLogHandle;

use crate::config::{Config, LogFormat};

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
        let lines = fmt::layer().with_writer(std::io::stderr);
        let lines = match config.log.format {
            LogFormat::Text => lines
                .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
                .boxed(),
            LogFormat::Json => lines.json().boxed(),
        };
        tracing_subscriber::registry()
            .with(filter)
            .with(lines)
            .with(videorooms_debug::layer(&log, "backend", Some(&config.node)))
            .try_init()?;
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(place, "panic: {}", panic.payload_as_str().unwrap_or("no words"));
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

fn describe() {
    videorooms_debug::describe_metrics();
    videorooms_gateway::metrics::describe();
    videorooms_rooms::metrics::describe();
    videorooms_sfu::embedded::describe_metrics();
    videorooms_store::describe_metrics();
}
