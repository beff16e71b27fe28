//! Token buckets: of one member, and of each address. Time is an argument.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::config::Rate;

/// Addresses that are remembered; past it the rested ones are forgotten, and with none of these the newcomer is let in.
const MAX_KEYS: usize = 65_536;

/// A token bucket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// A rested one.
    #[must_use]
    pub(crate) fn full(rate: Rate, now: Instant) -> Self {
        Self {
            tokens: rate.burst,
            at: now,
        }
    }

    /// Takes one token.
    ///
    /// # Errors
    /// How long until there is one.
    pub(crate) fn take(&mut self, rate: Rate, now: Instant) -> Result<(), Duration> {
        self.refill(rate, now);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        let wait = (1.0 - self.tokens) / rate.per_second.max(f64::MIN_POSITIVE);
        Err(Duration::try_from_secs_f64(wait).unwrap_or(Duration::MAX))
    }

    fn refill(&mut self, rate: Rate, now: Instant) {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + elapsed * rate.per_second).min(rate.burst);
        self.at = now;
    }
}

/// The part of an address that one customer has: IPv4 whole, IPv6 its /64.
#[must_use]
pub(crate) fn prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        v4 @ IpAddr::V4(_) => v4,
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
    }
}

/// Buckets by key, such as an address.
#[derive(Debug)]
pub(crate) struct Buckets<K> {
    rate: Rate,
    buckets: Mutex<HashMap<K, Bucket>>,
}

impl<K: std::hash::Hash + Eq> Buckets<K> {
    /// With the same rate for each key.
    #[must_use]
    pub(crate) fn new(rate: Rate) -> Self {
        Self {
            rate,
            buckets: Mutex::default(),
        }
    }

    /// Takes one token of `key`.
    ///
    /// # Errors
    /// How long until there is one.
    pub(crate) fn take(&self, key: K, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock();
        if buckets.len() >= MAX_KEYS {
            self.forget_rested(&mut buckets, now);
        }
        if buckets.len() >= MAX_KEYS && !buckets.contains_key(&key) {
            return Ok(());
        }
        buckets
            .entry(key)
            .or_insert_with(|| Bucket::full(self.rate, now))
            .take(self.rate, now)
    }

    fn forget_rested(&self, buckets: &mut HashMap<K, Bucket>, now: Instant) {
        buckets.retain(|_, bucket| {
            bucket.refill(self.rate, now);
            bucket.tokens < self.rate.burst
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        per_second: 2.0,
        burst: 3.0,
    };

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::full(RATE, start);
        for _ in 0..3 {
            assert_eq!(bucket.take(RATE, start), Ok(()));
        }
        assert_eq!(bucket.take(RATE, start), Err(Duration::from_millis(500)));
        assert_eq!(bucket.take(RATE, start + Duration::from_millis(500)), Ok(()));
    }

    #[test]
    fn keys_do_not_pay_for_one_another() {
        let buckets = Buckets::new(Rate {
            per_second: 1.0,
            burst: 1.0,
        });
        let now = Instant::now();
        assert!(buckets.take("a", now).is_ok() && buckets.take("b", now).is_ok());
        assert!(buckets.take("a", now).is_err());
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one() {
        let prefix_of = |text: &str| prefix(text.parse().unwrap());
        assert_eq!(prefix_of("2001:db8::1"), prefix_of("2001:db8::ffff:1"));
        assert_ne!(prefix_of("2001:db8::1"), prefix_of("2001:db8:0:1::1"));
        assert_eq!(prefix_of("::ffff:10.0.0.1"), prefix_of("10.0.0.1"));
    }
}
