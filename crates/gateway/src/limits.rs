//! Token buckets: of one socket, and by key: of each address, member and room. Time is an argument.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::config::Rate;

/// Keys that are remembered; past it the rested ones are forgotten, and newcomers for whom there still is no room share one bucket.
const MAX_KEYS: usize = 65_536;
/// The rested ones are not looked for more often than this: the search holds everyone up.
const SWEEP_PAUSE: Duration = Duration::from_secs(1);

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

    /// Gives one token back.
    fn give(&mut self, rate: Rate) {
        self.tokens = (self.tokens + 1.0).min(rate.burst);
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
    max_keys: usize,
    known: Mutex<Known<K>>,
}

#[derive(Debug)]
struct Known<K> {
    buckets: HashMap<K, Bucket>,
    /// Of all for whom there is no room.
    others: Option<Bucket>,
    swept: Option<Instant>,
}

impl<K: std::hash::Hash + Eq> Buckets<K> {
    /// With the same rate for each key.
    #[must_use]
    pub(crate) fn new(rate: Rate) -> Self {
        Self::bounded(rate, MAX_KEYS)
    }

    fn bounded(rate: Rate, max_keys: usize) -> Self {
        let known = Known {
            buckets: HashMap::new(),
            others: None,
            swept: None,
        };
        Self {
            rate,
            max_keys,
            known: Mutex::new(known),
        }
    }

    /// Takes one token of `key`.
    ///
    /// # Errors
    /// How long until there is one.
    pub(crate) fn take(&self, key: K, now: Instant) -> Result<(), Duration> {
        let rate = self.rate;
        let mut known = self.known.lock();
        if let Some(bucket) = known.buckets.get_mut(&key) {
            return bucket.take(rate, now);
        }
        if known.buckets.len() >= self.max_keys {
            known.forget_rested(rate, now);
        }
        let bucket = if known.buckets.len() < self.max_keys {
            known
                .buckets
                .entry(key)
                .or_insert_with(|| Bucket::full(rate, now))
        } else {
            known.others.get_or_insert_with(|| Bucket::full(rate, now))
        };
        bucket.take(rate, now)
    }

    /// Gives `key` a token back that need not have been taken.
    pub(crate) fn give(&self, key: &K) {
        let mut known = self.known.lock();
        let Known { buckets, others, .. } = &mut *known;
        if let Some(bucket) = buckets.get_mut(key).or(others.as_mut()) {
            bucket.give(self.rate);
        }
    }
}

impl<K> Known<K> {
    fn forget_rested(&mut self, rate: Rate, now: Instant) {
        let is_due = |swept: Instant| now.saturating_duration_since(swept) >= SWEEP_PAUSE;
        if !self.swept.is_none_or(is_due) {
            return;
        }
        self.swept = Some(now);
        self.buckets.retain(|_, bucket| {
            bucket.refill(rate, now);
            bucket.tokens < rate.burst
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
    fn newcomers_without_room_share_one_bucket_until_others_have_rested() {
        let buckets = Buckets::bounded(RATE, 2);
        let start = Instant::now();
        for key in [1, 2] {
            assert_eq!(buckets.take(key, start), Ok(()));
        }
        for stranger in [3, 4, 5] {
            assert_eq!(buckets.take(stranger, start), Ok(()));
        }
        assert!(
            buckets.take(6, start).is_err(),
            "strangers are not let in for nothing"
        );
        assert_eq!(
            buckets.take(1, start),
            Ok(()),
            "who is known pays for itself only"
        );
        let rested = start + SWEEP_PAUSE;
        assert_eq!(buckets.take(6, rested), Ok(()));
        assert_eq!(
            buckets.known.lock().buckets.len(),
            1,
            "the rested made room for one"
        );
    }

    #[test]
    fn the_rested_are_not_looked_for_more_than_once_a_second() {
        let buckets = Buckets::bounded(RATE, 1);
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        assert_eq!(buckets.take(1, start), Ok(()));
        assert_eq!(buckets.take(2, start), Ok(()));
        assert_eq!(buckets.take(2, after(999)), Ok(()));
        assert!(
            buckets.known.lock().buckets.contains_key(&1),
            "rested, and not looked at"
        );
        assert_eq!(buckets.take(2, after(1000)), Ok(()));
        assert!(!buckets.known.lock().buckets.contains_key(&1));
    }

    #[test]
    fn a_token_that_is_given_back_counts_again() {
        let once = Rate {
            per_second: 0.001,
            burst: 1.0,
        };
        let buckets = Buckets::new(once);
        let now = Instant::now();
        for _ in 0..3 {
            assert_eq!(buckets.take("a", now), Ok(()));
            buckets.give(&"a");
            buckets.give(&"a");
        }
        assert_eq!(buckets.take("a", now), Ok(()));
        assert!(buckets.take("a", now).is_err(), "never more than the burst");
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one() {
        let prefix_of = |text: &str| prefix(text.parse().unwrap());
        assert_eq!(prefix_of("2001:db8::1"), prefix_of("2001:db8::ffff:1"));
        assert_ne!(prefix_of("2001:db8::1"), prefix_of("2001:db8:0:1::1"));
        assert_eq!(prefix_of("::ffff:10.0.0.1"), prefix_of("10.0.0.1"));
    }
}
