//! Is the client still there. A WebSocket ping after each silence; without any sign of life after two of them it is gone. A client that
//! answers pings but sends no frame of its own (phoenix.js sends a heartbeat each 30 s) is closed after a minute, as Phoenix does.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::config::SocketConfig;

/// What the time says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beat {
    /// Ask whether it is there.
    Ping,
    /// It is not.
    Gone,
    /// It is, but has nothing to say.
    Idle,
}

/// The times of one socket.
pub(crate) struct Heartbeat {
    ticks: Interval,
    missed: u32,
    max_missed: u32,
    idle: Duration,
    spoke: Instant,
    alive: bool,
}

impl Heartbeat {
    pub(crate) fn start(config: &SocketConfig) -> Self {
        let now = Instant::now();
        let mut ticks = interval_at(now + config.ping_after, config.ping_after);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            ticks,
            missed: 0,
            max_missed: config.missed_pings,
            idle: config.idle,
            spoke: now,
            alive: false,
        }
    }

    /// A sign of life.
    pub(crate) fn heard(&mut self) {
        self.alive = true;
        self.missed = 0;
    }

    /// A frame of the client's own.
    pub(crate) fn spoke(&mut self) {
        self.spoke = Instant::now();
    }

    /// Waits until something has to be done.
    pub(crate) async fn next(&mut self) -> Beat {
        loop {
            let now = self.ticks.tick().await;
            if now.duration_since(self.spoke) >= self.idle {
                return Beat::Idle;
            }
            if std::mem::take(&mut self.alive) {
                continue;
            }
            if self.missed >= self.max_missed {
                return Beat::Gone;
            }
            self.missed += 1;
            return Beat::Ping;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heartbeat() -> Heartbeat {
        Heartbeat::start(&SocketConfig::default())
    }

    #[tokio::test(start_paused = true)]
    async fn two_unanswered_pings_are_the_end() {
        let mut heartbeat = heartbeat();
        let start = Instant::now();
        assert_eq!(heartbeat.next().await, Beat::Ping);
        assert_eq!(heartbeat.next().await, Beat::Ping);
        assert_eq!(heartbeat.next().await, Beat::Gone);
        assert_eq!(start.elapsed(), Duration::from_millis(7500));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_goes_right_after_a_word_is_missed_within_ten_seconds() {
        let mut heartbeat = heartbeat();
        let start = Instant::now();
        heartbeat.heard();
        while heartbeat.next().await != Beat::Gone {}
        assert!(start.elapsed() <= Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_only_answers_pings_is_closed_after_a_minute() {
        let mut heartbeat = heartbeat();
        let start = Instant::now();
        while heartbeat.next().await == Beat::Ping {
            heartbeat.heard();
        }
        assert_eq!(start.elapsed(), Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_speaks_is_not_pinged() {
        let mut heartbeat = heartbeat();
        heartbeat.heard();
        heartbeat.spoke();
        let start = Instant::now();
        assert_eq!(heartbeat.next().await, Beat::Ping);
        assert_eq!(start.elapsed(), Duration::from_secs(5));
    }
}
