//! Work of the node that is no actor: when it ends, by a panic or by itself, it is begun again after a pause.

use std::time::Duration;

use tokio::task::JoinHandle;

/// Between an end and the next beginning; such ends are bugs, and a bug must not fill the log.
const PAUSE: Duration = Duration::from_secs(1);

/// Work that goes on until it is dropped.
pub(crate) struct Kept(JoinHandle<()>);

impl Kept {
    /// Begins it, and begins it again whenever it ends.
    pub(crate) fn begin<W>(name: &'static str, work: impl Fn() -> W + Send + 'static) -> Self
    where
        W: Future<Output = ()> + Send + 'static,
    {
        Self(tokio::spawn(async move {
            loop {
                let round = Round(tokio::spawn(work()));
                round.end(name).await;
                tokio::time::sleep(PAUSE).await;
            }
        }))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One beginning; ends with who waits for it.
struct Round(JoinHandle<()>);

impl Round {
    async fn end(mut self, name: &'static str) {
        let ended = (&mut self.0).await;
        metrics::counter!(crate::metrics::RESTARTS, "of" => name).increment(1);
        tracing::error!(
            work = name,
            panicked = ended.is_err(),
            "work ended and is begun again"
        );
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_that_panics_is_begun_again_and_ends_when_it_is_dropped() {
        let alive = Arc::new(());
        let (begun, held) = (Arc::new(AtomicU32::new(0)), Arc::clone(&alive));
        let counted = Arc::clone(&begun);
        let kept = Kept::begin("test", move || {
            let (nth, held) = (counted.fetch_add(1, Ordering::Relaxed), Arc::clone(&held));
            async move {
                let _held = held;
                assert!(nth > 1, "the first two panic");
                std::future::pending().await
            }
        });
        while begun.load(Ordering::Relaxed) < 3 {
            tokio::time::sleep(PAUSE).await;
        }
        drop(kept);
        while Arc::strong_count(&alive) > 1 {
            tokio::task::yield_now().await;
        }
    }
}
