//! Counters of one test: its house runs on the test's own thread, and so does what it counts.

use metrics::LocalRecorderGuard;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};

pub(crate) struct Counters(PrometheusRecorder);

impl Counters {
    pub(crate) fn new() -> Self {
        Self(PrometheusBuilder::new().build_recorder())
    }

    /// Counts here for as long as the guard lives.
    pub(crate) fn count(&self) -> LocalRecorderGuard<'_> {
        metrics::set_default_local_recorder(&self.0)
    }

    /// A counter by its name, with its labels if it has any.
    pub(crate) fn value(&self, name: &str) -> f64 {
        let text = self.0.handle().render();
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().unwrap())
    }
}
