//! A token bucket. Pure: time is an argument.

use std::time::{Duration, Instant};

/// Tokens that come back with time.
#[derive(Debug)]
pub(super) struct Bucket {
    capacity: f64,
    per_second: f64,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    pub(super) fn full(capacity: u32, per_second: u32, now: Instant) -> Self {
        Self {
            capacity: capacity.into(),
            per_second: per_second.into(),
            tokens: capacity.into(),
            at: now,
        }
    }

    /// Takes `tokens`, or none and says when there will be enough.
    pub(super) fn take(&mut self, tokens: u32, now: Instant) -> Result<(), Duration> {
        let since = now.saturating_duration_since(self.at);
        self.tokens = (self.tokens + since.as_secs_f64() * self.per_second).min(self.capacity);
        self.at = self.at.max(now);
        let missing = f64::from(tokens) - self.tokens;
        if missing > 0.0 {
            return Err(Duration::from_secs_f64(missing / self.per_second));
        }
        self.tokens -= f64::from(tokens);
        Ok(())
    }

    /// Nothing is owed any more.
    pub(super) fn is_full(&self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.at);
        self.tokens + since.as_secs_f64() * self.per_second >= self.capacity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_comes_back_with_time_up_to_the_capacity() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut bucket = Bucket::full(10, 2, start);
        assert_eq!(bucket.take(10, start), Ok(()));
        assert_eq!(bucket.take(4, start), Err(Duration::from_secs(2)));
        assert_eq!(bucket.take(4, after(2)), Ok(()));
        assert_eq!(
            bucket.take(11, after(100)),
            Err(Duration::from_millis(500)),
            "never more than the capacity"
        );
        assert_eq!(bucket.take(10, after(100)), Ok(()));
    }
}
