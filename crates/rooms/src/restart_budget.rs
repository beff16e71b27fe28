//! How often something may crash and be started again at once. What crashes more often rests for a while: a crash that comes back with
//! the same input would otherwise keep a processor busy for nothing.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Crashes within [`WINDOW`] after which it rests.
const CRASHES: usize = 5;
const WINDOW: Duration = Duration::from_secs(10);

/// The last few crashes of one thing.
#[derive(Debug, Default)]
pub(crate) struct RestartBudget {
    crashes: VecDeque<Instant>,
}

impl RestartBudget {
    pub(crate) fn crashed(&mut self) {
        self.crashes.push_back(Instant::now());
        if self.crashes.len() > CRASHES {
            self.crashes.pop_front();
        }
    }

    /// Did it ever crash.
    pub(crate) fn is_untouched(&self) -> bool {
        self.crashes.is_empty()
    }

    /// How long it must rest before it may be started again; zero: not at all.
    pub(crate) fn rest(&self) -> Duration {
        match self.crashes.front() {
            Some(first) if self.crashes.len() == CRASHES => WINDOW.saturating_sub(first.elapsed()),
            Some(_) | None => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_fifth_crash_within_the_window_asks_for_rest_until_the_first_is_old() {
        let mut budget = RestartBudget::default();
        assert!(budget.is_untouched());
        for _ in 1..CRASHES {
            budget.crashed();
            assert_eq!(budget.rest(), Duration::ZERO);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        budget.crashed();
        assert_eq!(budget.rest(), WINDOW - Duration::from_secs(4));
        tokio::time::advance(budget.rest()).await;
        assert_eq!(budget.rest(), Duration::ZERO);
        budget.crashed();
        assert_eq!(
            budget.rest(),
            Duration::from_secs(1),
            "the second crash is now the first of five"
        );
    }
}
