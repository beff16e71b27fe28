//! Counters, and the exact record of what each receiver saw from each sender.

use hdrhistogram::Histogram;

pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 120_000_000_000, 3).expect("constant bounds")
}

/// Messages of one sender as one receiver saw them. A gap can be filled by a late message
/// as long as it is at most 64 numbers behind; later than that it is counted as `stale`.
#[derive(Clone, Default)]
pub struct SeqTrack {
    next: u32,
    seen: u64,
    pub unique: u32,
    pub duplicate: u32,
    pub reordered: u32,
    pub stale: u32,
}

impl SeqTrack {
    pub fn receive(&mut self, seq: u32) {
        if seq >= self.next {
            let shift = seq - self.next + 1;
            self.seen = if shift >= 64 { 1 } else { (self.seen << shift) | 1 };
            self.next = seq + 1;
            self.unique += 1;
            return;
        }
        let back = self.next - 1 - seq;
        if back >= 64 {
            self.stale += 1;
        } else if self.seen & (1 << back) != 0 {
            self.duplicate += 1;
        } else {
            self.seen |= 1 << back;
            self.unique += 1;
            self.reordered += 1;
        }
    }
}

/// Everything a worker measured.
pub struct WorkerStats {
    /// Intended send to receipt, messages whose intended time lies in the window.
    pub latency: Histogram<u64>,
    /// Intended to actual send: how late the generator itself was.
    pub send_lag: Histogram<u64>,
    /// Start of connect to the 101 answer, and to the join reply.
    pub upgrade: Histogram<u64>,
    pub joined: Histogram<u64>,
    pub heartbeat: Histogram<u64>,
    pub window_sent: u64,
    pub window_received: u64,
    pub received: u64,
    pub received_bytes: u64,
    pub misrouted: u64,
    pub other_events: u64,
    pub error_replies: u64,
    pub phx_errors: u64,
    pub phx_closes: u64,
    pub disconnects: u64,
    pub failures: Vec<String>,
    pub failed: u64,
    pub last_joined_ns: u64,
    pub max_out_backlog: usize,
}

impl WorkerStats {
    pub fn new() -> Self {
        WorkerStats {
            latency: histogram(),
            send_lag: histogram(),
            upgrade: histogram(),
            joined: histogram(),
            heartbeat: histogram(),
            window_sent: 0,
            window_received: 0,
            received: 0,
            received_bytes: 0,
            misrouted: 0,
            other_events: 0,
            error_replies: 0,
            phx_errors: 0,
            phx_closes: 0,
            disconnects: 0,
            failures: Vec::new(),
            failed: 0,
            last_joined_ns: 0,
            max_out_backlog: 0,
        }
    }

    pub fn fail(&mut self, why: String) {
        self.failed += 1;
        if self.failures.len() < 5 {
            self.failures.push(why);
        }
    }

    pub fn merge(&mut self, o: WorkerStats) {
        self.latency.add(&o.latency).expect("same bounds");
        self.send_lag.add(&o.send_lag).expect("same bounds");
        self.upgrade.add(&o.upgrade).expect("same bounds");
        self.joined.add(&o.joined).expect("same bounds");
        self.heartbeat.add(&o.heartbeat).expect("same bounds");
        self.window_sent += o.window_sent;
        self.window_received += o.window_received;
        self.received += o.received;
        self.received_bytes += o.received_bytes;
        self.misrouted += o.misrouted;
        self.other_events += o.other_events;
        self.error_replies += o.error_replies;
        self.phx_errors += o.phx_errors;
        self.phx_closes += o.phx_closes;
        self.disconnects += o.disconnects;
        self.failures.extend(o.failures);
        self.failed += o.failed;
        self.last_joined_ns = self.last_joined_ns.max(o.last_joined_ns);
        self.max_out_backlog = self.max_out_backlog.max(o.max_out_backlog);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seqs: &[u32]) -> (u32, u32, u32, u32) {
        let mut t = SeqTrack::default();
        seqs.iter().for_each(|&s| t.receive(s));
        (t.unique, t.duplicate, t.reordered, t.stale)
    }

    #[test]
    fn tracks() {
        assert_eq!(run(&[0, 1, 2]), (3, 0, 0, 0));
        assert_eq!(run(&[0, 2, 1]), (3, 0, 1, 0));
        assert_eq!(run(&[0, 1, 1, 0]), (2, 2, 0, 0));
        assert_eq!(run(&[0, 100, 1]), (2, 0, 0, 1));
        assert_eq!(run(&[0, 63, 0]), (2, 1, 0, 0));
    }
}
