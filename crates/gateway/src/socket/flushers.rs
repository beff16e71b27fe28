//! Who writes to the sockets. Publishing to a room gives each of its sockets something to write; instead of waking a task a socket, the
//! outboxes are handed to a flusher, which writes to one after another.
//!
//! There is a flusher for each core at most. It is started where something is to be written, runs on that core until nothing is left, and
//! first lets everybody have a turn who is ready: so what is said to a socket in the same moment leaves with one call to the kernel. When it has
//! much to do and another one is idle, it gives half of it away.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::outbox::Outbox;

/// With more sockets than this waiting, another core may help.
const MUCH: usize = 64;
/// Sockets written to before others have a turn on this core.
const ROUND: usize = 32;

/// The flushers of a node.
pub(crate) struct Flushers {
    runtime: Option<Handle>,
    seats: Box<[Mutex<Seat>]>,
}

/// The place of one flusher.
#[derive(Default)]
struct Seat {
    waiting: VecDeque<Arc<Outbox>>,
    is_taken: bool,
}

impl Flushers {
    /// As many as there are cores.
    ///
    /// # Panics
    /// Outside a runtime.
    pub(crate) fn new() -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Arc::new(Self {
            runtime: Some(Handle::current()),
            seats: (0..cores).map(|_| Mutex::default()).collect(),
        })
    }

    /// None: what is pushed waits for ever.
    #[cfg(test)]
    pub(crate) fn none() -> Arc<Self> {
        Arc::new(Self {
            runtime: None,
            seats: [Mutex::default()].into(),
        })
    }

    /// Has an outbox flushed soon.
    pub(crate) fn ask(self: &Arc<Self>, outbox: &Arc<Outbox>) {
        let seat = own_number() % self.seats.len();
        self.give(seat, |waiting| waiting.push_back(Arc::clone(outbox)));
    }

    fn give(self: &Arc<Self>, seat: usize, add: impl FnOnce(&mut VecDeque<Arc<Outbox>>)) {
        let Some(runtime) = &self.runtime else { return };
        let starts = {
            let mut seat = self.seats[seat].lock();
            add(&mut seat.waiting);
            !std::mem::replace(&mut seat.is_taken, true)
        };
        if starts {
            let work = Arc::clone(self).work(seat);
            drop(runtime.spawn(work));
        }
    }

    async fn work(self: Arc<Self>, seat: usize) {
        let mut flusher = Flusher {
            flushers: self,
            seat,
            asked: VecDeque::new(),
        };
        let mut batch = Vec::new();
        loop {
            tokio::task::yield_now().await;
            if !flusher.next_round() {
                return;
            }
            let mut written = 0;
            while let Some(outbox) = flusher.asked.pop_front() {
                outbox.flush(&mut batch);
                written += 1;
                if written % ROUND == 0 {
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// Gives half of what is much to the next one, if it is idle.
    fn share(self: &Arc<Self>, seat: usize, asked: &mut VecDeque<Arc<Outbox>>) {
        let next = (seat + 1) % self.seats.len();
        if asked.len() > MUCH && !self.seats[next].lock().is_taken {
            let half = asked.split_off(asked.len() / 2);
            self.give(next, |waiting| waiting.extend(half));
        }
    }
}

/// A flusher at work. Its seat is free when it is dropped, and should that be in the middle of its work, another one goes on.
struct Flusher {
    flushers: Arc<Flushers>,
    seat: usize,
    asked: VecDeque<Arc<Outbox>>,
}

impl Flusher {
    /// Takes what waits; `false` when there is nothing.
    fn next_round(&mut self) -> bool {
        {
            let mut seat = self.flushers.seats[self.seat].lock();
            std::mem::swap(&mut seat.waiting, &mut self.asked);
            if self.asked.is_empty() {
                seat.is_taken = false;
                return false;
            }
        }
        self.flushers.share(self.seat, &mut self.asked);
        true
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        let asked = std::mem::take(&mut self.asked);
        let is_left = std::thread::panicking() && {
            let mut seat = self.flushers.seats[self.seat].lock();
            seat.is_taken = false;
            !seat.waiting.is_empty() || !asked.is_empty()
        };
        if is_left {
            self.flushers.give(self.seat, |waiting| waiting.extend(asked));
        }
    }
}

/// A small number of this thread's own.
fn own_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed));
    }
    OWN.with(Cell::get)
}

#[cfg(test)]
mod tests {
    use std::io::{self, IoSlice};
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    use futures_util::future::BoxFuture;
    use tokio::sync::Barrier;

    use super::*;
    use crate::config::SocketConfig;
    use crate::socket::outbox::{Class, Item, Line};

    /// Takes all that is written, and counts it.
    #[derive(Clone, Default)]
    struct Drain {
        calls: Arc<AtomicUsize>,
        bytes: Arc<AtomicUsize>,
        breaks: Arc<AtomicBool>,
    }

    impl Line for Drain {
        fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            assert!(!self.breaks.load(Ordering::Relaxed), "a fault in a flusher");
            let bytes = slices.iter().map(|slice| slice.len()).sum();
            self.calls.fetch_add(1, Ordering::Relaxed);
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
            Ok(bytes)
        }

        fn writable(&self) -> BoxFuture<'_, io::Result<()>> {
            Box::pin(std::future::ready(Ok(())))
        }
    }

    fn socket(flushers: &Arc<Flushers>, line: &Drain) -> Arc<Outbox> {
        let config = SocketConfig::default();
        Outbox::new(&config, Box::new(line.clone()), Arc::clone(flushers))
    }

    fn push(outbox: &Arc<Outbox>) {
        outbox.push(Item::Frame("x".into()), Class::Needed);
    }

    async fn written(lines: &[Drain], bytes: usize) {
        let all = || {
            lines
                .iter()
                .map(|line| line.bytes.load(Ordering::Relaxed))
                .sum::<usize>()
        };
        let wait = async {
            while all() < bytes {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), wait).await.unwrap();
        assert_eq!(all(), bytes);
    }

    #[tokio::test]
    async fn what_is_said_in_one_moment_leaves_with_one_call() {
        let (flushers, line) = (Flushers::new(), Drain::default());
        let outbox = socket(&flushers, &line);
        for calls in 1..=3 {
            (0..10).for_each(|_| push(&outbox));
            written(std::slice::from_ref(&line), calls * 10).await;
            assert_eq!(line.calls.load(Ordering::Relaxed), calls);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn many_sockets_and_many_speakers_lose_nothing() {
        const SOCKETS: usize = 300;
        const SPEAKERS: usize = 8;
        const ROUNDS: usize = 50;
        let flushers = Flushers::new();
        let lines: Vec<Drain> = (0..SOCKETS).map(|_| Drain::default()).collect();
        let outboxes: Arc<[_]> = lines.iter().map(|line| socket(&flushers, line)).collect();
        let start = Arc::new(Barrier::new(SPEAKERS));
        for _ in 0..SPEAKERS {
            let (outboxes, start) = (Arc::clone(&outboxes), Arc::clone(&start));
            drop(tokio::spawn(async move {
                start.wait().await;
                for _ in 0..ROUNDS {
                    outboxes.iter().for_each(push);
                    tokio::task::yield_now().await;
                }
            }));
        }
        written(&lines, SOCKETS * SPEAKERS * ROUNDS).await;
    }

    #[tokio::test]
    async fn a_fault_at_one_socket_stops_no_other() {
        let flushers = Flushers::new();
        let lines = [Drain::default(), Drain::default(), Drain::default()];
        lines[1].breaks.store(true, Ordering::Relaxed);
        let outboxes = lines.each_ref().map(|line| socket(&flushers, line));
        outboxes.iter().for_each(push);
        written(&lines, 2).await;
        push(&outboxes[0]);
        written(&lines, 3).await;
    }
}
