//! What browsers pay for writing: each address for the bytes that it sends, and all together for bytes and for records. Pure: time is an
//! argument.
//!
//! Bytes are paid before anything is read, so that what cannot be parsed costs its sender the same.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::bucket::Bucket;
use super::problem::Problem;

/// Added to the bytes of each request: what an empty one costs to serve.
const REQUEST_BYTES: u32 = 1 << 10;
/// Bytes of one address at once, and each second.
const ADDRESS_BURST: u32 = 1 << 20;
const ADDRESS_PER_SECOND: u32 = 32 << 10;
/// Bytes of all addresses at once, and each second.
const BURST: u32 = 8 << 20;
const PER_SECOND: u32 = 512 << 10;
/// Records of all addresses at once, and each second.
const BURST_RECORDS: u32 = 2000;
const RECORDS_PER_SECOND: u32 = 200;
/// Addresses that are remembered; when all of these have debts, the next ones pay with all others only.
const MAX_ADDRESSES: usize = 4096;

/// The buckets from which writing is paid.
#[derive(Debug)]
pub(super) struct Tolls {
    bytes: Bucket,
    records: Bucket,
    addresses: HashMap<IpAddr, Bucket>,
}

impl Tolls {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            bytes: Bucket::full(BURST, PER_SECOND, now),
            records: Bucket::full(BURST_RECORDS, RECORDS_PER_SECOND, now),
            addresses: HashMap::new(),
        }
    }

    /// Pays for a request of so many bytes: first its address, so that one that sends too much takes nothing from the others.
    pub(super) fn request(
        &mut self,
        from: Option<IpAddr>,
        bytes: usize,
        now: Instant,
    ) -> Result<(), Problem> {
        let cost = u32::try_from(bytes)
            .unwrap_or(u32::MAX)
            .saturating_add(REQUEST_BYTES);
        let own = from.and_then(|address| self.of(address, now));
        own.map_or(Ok(()), |own| own.take(cost, now)).map_err(refused)?;
        self.bytes.take(cost, now).map_err(refused)
    }

    /// Pays for records, at least for one.
    pub(super) fn records(&mut self, records: usize, now: Instant) -> Result<(), Problem> {
        let cost = u32::try_from(records).unwrap_or(u32::MAX).max(1);
        self.records.take(cost, now).map_err(refused)
    }

    fn of(&mut self, address: IpAddr, now: Instant) -> Option<&mut Bucket> {
        if self.addresses.len() >= MAX_ADDRESSES && !self.addresses.contains_key(&address) {
            self.addresses.retain(|_, bucket| !bucket.is_full(now));
            if self.addresses.len() >= MAX_ADDRESSES {
                return None;
            }
        }
        let fresh = || Bucket::full(ADDRESS_BURST, ADDRESS_PER_SECOND, now);
        Some(self.addresses.entry(address).or_insert_with(fresh))
    }
}

fn refused(wait: Duration) -> Problem {
    let problem = Problem::rate_limited(wait);
    problem.count();
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u32) -> Option<IpAddr> {
        Some(IpAddr::V4(n.into()))
    }

    #[test]
    fn one_address_that_sends_too_much_leaves_the_others_their_share() {
        let now = Instant::now();
        let mut tolls = Tolls::new(now);
        let sent = (0..100)
            .take_while(|_| tolls.request(address(1), 128 << 10, now).is_ok())
            .count();
        assert_eq!(sent, 7, "a burst, with the toll of each request");
        assert!(tolls.request(address(2), 128 << 10, now).is_ok());
        let later = now + Duration::from_secs(10);
        assert!(tolls.request(address(1), 128 << 10, later).is_ok());
    }

    #[test]
    fn all_addresses_together_have_a_limit_and_few_are_remembered() {
        let now = Instant::now();
        let mut tolls = Tolls::new(now);
        let sent = (0..100_000)
            .take_while(|n| tolls.request(address(*n), 0, now).is_ok())
            .count();
        assert_eq!(sent, (BURST / REQUEST_BYTES) as usize);
        assert_eq!(tolls.addresses.len(), MAX_ADDRESSES);
        let later = now + Duration::from_secs(60);
        assert!(tolls.request(address(200_000), 0, later).is_ok());
        assert_eq!(tolls.addresses.len(), 1, "the rested ones are forgotten");
    }
}
