//! A token bucket on a clock given from outside.

use std::time::{Duration, Instant};

/// Grants `burst` at once and `rate_per_second` on average.
#[derive(Debug)]
pub(crate) struct Budget {
    rate_per_second: f64,
    burst: f64,
    left: f64,
    at: Instant,
}

impl Budget {
    pub(crate) fn new(now: Instant, rate_per_second: f64, burst: f64) -> Self {
        Self {
            rate_per_second,
            burst,
            left: burst,
            at: now,
        }
    }

    /// How long until one more is granted.
    pub(crate) fn wait(&self) -> Duration {
        Duration::from_secs_f64((1.0 - self.left).max(0.0) / self.rate_per_second)
    }

    pub(crate) fn spend(&mut self, now: Instant) -> bool {
        let earned = now.saturating_duration_since(self.at).as_secs_f64() * self.rate_per_second;
        self.left = (self.left + earned).min(self.burst);
        self.at = now;
        let granted = self.left >= 1.0;
        if granted {
            self.left -= 1.0;
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_burst_is_granted_and_then_the_rate() {
        let start = Instant::now();
        let mut budget = Budget::new(start, 2.0, 8.0);
        assert_eq!((0..20).filter(|_| budget.spend(start)).count(), 8);
        assert_eq!(budget.wait(), Duration::from_millis(500));
        let later = start + Duration::from_secs(1);
        assert_eq!((0..20).filter(|_| budget.spend(later)).count(), 2);
    }
}
