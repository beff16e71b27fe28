//! The recorder behind the `metrics` facade.

use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// From a tenth of a millisecond, which is an in-memory step, to ten seconds, which is every deadline's end.
const SECONDS: [f64; 16] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Samples wait in memory until they are put into buckets; a node that nobody scrapes does so at this interval.
const UPKEEP: Duration = Duration::from_secs(5);

/// Why there are no metrics.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// A recorder is installed already, or its configuration is wrong.
    #[error("cannot install the metrics recorder: {0}")]
    Install(#[from] BuildError),
}

/// Installs the recorder of this process. Histograms named `…_seconds` have buckets; others are summaries.
///
/// # Errors
/// [`MetricsError::Install`] when called twice.
///
/// # Panics
/// Outside a tokio runtime.
pub fn install_metrics() -> Result<PrometheusHandle, MetricsError> {
    let builder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?;
    let handle = builder.install_recorder()?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut interval = tokio::time::interval(UPKEEP);
        loop {
            interval.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}

/// A handle to a recorder that nothing records to.
#[must_use]
pub fn detached_metrics() -> PrometheusHandle {
    PrometheusBuilder::new().build_recorder().handle()
}
