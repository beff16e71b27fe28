//! The media thread: the only socket loop.
//!
//! One turn: wait for socket, command or timer; take some commands; read a few batches; run timers; send everything at once. Each part
//! is bounded, so that none starves another. Media never runs on the shared async pool.
//!
//! The thread watches itself: after a panic, or when waiting fails, every client is reset and a fresh core takes over on the same port.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use tokio::sync::mpsc;

use crate::command::{Command, Reply};
use crate::core::Core;
use crate::guard::guarded;
use crate::metrics;
use crate::net::Socket;

/// Commands taken in one turn.
const COMMANDS_PER_TURN: usize = 64;
/// Batches of datagrams read in one turn: small, so that timers get their turn and runs for sending grow.
const BATCHES_PER_TURN: usize = 4;
/// Datagrams that may wait for the end of a turn.
const MOST_QUEUED: usize = 4096;
/// Also without anything to do, the loop looks up now and then.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// A broken loop goes on after this, then after twice as long, and so on.
const FIRST_REST: Duration = Duration::from_millis(20);
const LONGEST_REST: Duration = Duration::from_secs(5);
/// A loop that ran so long counts as sound.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);

/// Everything the thread owns.
pub(crate) struct Worker {
    pub(crate) core: Core,
    pub(crate) socket: Socket,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) wake: Arc<OwnedFd>,
    pub(crate) stop: Arc<AtomicBool>,
    /// Whoever waits for the end.
    pub(crate) mourners: Vec<Reply<()>>,
    pub(crate) setbacks: Setbacks,
}

/// How often the loop broke of late, and so how long it rests before it goes on.
#[derive(Debug, Default)]
pub(crate) struct Setbacks {
    in_a_row: u32,
    last: Option<Instant>,
}

impl Setbacks {
    fn rest(&mut self, now: Instant) -> Duration {
        let long_ago = |last: Instant| now.saturating_duration_since(last) >= FORGIVEN_AFTER;
        if self.last.is_none_or(long_ago) {
            self.in_a_row = 0;
        }
        self.last = Some(now);
        self.in_a_row = self.in_a_row.saturating_add(1);
        let doubled = 1_u32 << (self.in_a_row - 1).min(16);
        FIRST_REST.saturating_mul(doubled).min(LONGEST_REST)
    }
}

impl Worker {
    /// Runs until told to stop.
    pub(crate) fn run(mut self) {
        loop {
            match catch_unwind(AssertUnwindSafe(|| self.turns())) {
                Ok(Ok(())) => break,
                Ok(Err(error)) => tracing::error!(%error, "media loop cannot wait for its socket"),
                Err(_) => tracing::error!("media loop panicked"),
            }
            self.begin_anew();
        }
        let goodbye = guarded(|| {
            self.core.shutdown(Instant::now());
            self.socket.send_all(self.core.take_datagrams());
        });
        if goodbye.is_none() {
            tracing::error!("media loop panicked on its way out");
        }
        // From here on every call finds the engine stopped.
        self.commands.close();
        for mourner in self.mourners {
            drop(mourner.send(Ok(())));
        }
    }

    /// Resets every client and takes a fresh core on the same socket, after a rest that grows while it keeps breaking.
    fn begin_anew(&mut self) {
        metrics::worker_restarted();
        let now = Instant::now();
        let mut broken = {
            let fresh = self.core.successor(now);
            std::mem::replace(&mut self.core, fresh)
        };
        // What is left of the broken core may be as broken as the rest of it.
        let _ = guarded(move || broken.abandon("media server restarted"));
        let rest = self.setbacks.rest(now);
        self.rest_until(now + rest);
    }

    /// Ends early when told to stop.
    fn rest_until(&self, end: Instant) {
        while !self.stop.load(Ordering::Relaxed) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let mut fds = [PollFd::from_borrowed_fd(self.wake.as_fd(), PollFlags::IN)];
            if poll(&mut fds, Some(&timespec(left))).is_err() {
                std::thread::park_timeout(left);
            }
            self.reset_wake();
        }
        // A command that came meanwhile has used up its wake-up.
        wake(&self.wake);
    }

    /// Ends when told to stop, or when waiting itself fails.
    fn turns(&mut self) -> io::Result<()> {
        while !self.stop.load(Ordering::Relaxed) {
            self.wait()?;
            let now = Instant::now();
            self.take_commands(now);
            self.read(now);
            self.core.handle_timeout(now);
            self.socket.send_all(self.core.take_datagrams());
            metrics::turn(now.elapsed());
        }
        Ok(())
    }

    fn wait(&self) -> io::Result<()> {
        let until = self
            .core
            .next_timeout()
            .map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = until.map_or(LONGEST_WAIT, |wait| wait.min(LONGEST_WAIT));
        let timeout = timespec(timeout);
        let mut fds = [
            PollFd::from_borrowed_fd(self.socket.fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.wake.as_fd(), PollFlags::IN),
        ];
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        self.reset_wake();
        Ok(())
    }

    fn reset_wake(&self) {
        // That the counter was zero already is no error.
        let _ = rustix::io::read(&self.wake, &mut [0; 8]);
    }

    fn read(&mut self, now: Instant) {
        for _ in 0..BATCHES_PER_TURN {
            let core = &mut self.core;
            match self
                .socket
                .receive(|source, local, bytes| core.handle_datagram(now, source, local, bytes))
            {
                Ok(true) if self.core.queued() < MOST_QUEUED => {}
                Ok(true) => self.socket.send_all(self.core.take_datagrams()),
                // An error belongs to some datagram sent before (ICMP); the socket is as good as ever.
                Ok(false) | Err(_) => return,
            }
        }
    }

    fn take_commands(&mut self, now: Instant) {
        for _ in 0..COMMANDS_PER_TURN {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            match self.commands.try_recv() {
                Ok(command) => self.perform(now, command),
                Err(mpsc::error::TryRecvError::Empty) => return,
                Err(mpsc::error::TryRecvError::Disconnected) => {
                    self.stop.store(true, Ordering::Relaxed);
                    return;
                }
            }
        }
        // More may wait: do not sleep on it.
        wake(&self.wake);
    }

    /// Whoever asked may have gone away; the command was carried out all the same.
    fn perform(&mut self, now: Instant, command: Command) {
        let core = &mut self.core;
        match command {
            Command::CreateRoom { room, rules, reply } => {
                let created = core.create_room(now, room, rules);
                drop(reply.send(created.and_then(|()| core.room_members(room))));
            }
            Command::KeepRoom { room, until, reply } => drop(reply.send(core.keep_room(room, until))),
            Command::DeleteRoom { room, reply } => {
                core.end_room(now, room, "room deleted");
                drop(reply.send(Ok(())));
            }
            Command::RoomMembers { room, reply } => drop(reply.send(core.room_members(room))),
            Command::RemoveParticipant {
                room,
                participant,
                reply,
            } => {
                core.remove_participant(now, room, participant);
                drop(reply.send(Ok(())));
            }
            Command::SetPublishing {
                room,
                participant,
                allowed,
                reply,
            } => {
                drop(reply.send(core.set_publishing(now, room, participant, allowed)));
            }
            Command::Attach { wish, reply } => drop(reply.send(core.attach(now, wish))),
            Command::Offer { peer, wish, reply } => drop(reply.send(core.offer(now, peer, &wish))),
            Command::Mute {
                peer,
                source,
                muted,
                reply,
            } => drop(reply.send(core.mute(now, peer, source, muted))),
            Command::Keyframe { peer, mid, reply } => drop(reply.send(core.keyframe(now, peer, &mid))),
            Command::Detach { peer, attachment } => core.detach(peer, attachment),
            Command::Leave { peer, reply } => drop(reply.send(core.leave(now, peer))),
            Command::Totals { reply } => drop(reply.send(Ok(core.totals()))),
            Command::Shutdown { reply } => {
                self.mourners.push(reply);
                self.stop.store(true, Ordering::Relaxed);
            }
            #[cfg(test)]
            Command::Break => panic!("injected"),
        }
    }
}

fn timespec(span: Duration) -> Timespec {
    Timespec {
        tv_sec: span.as_secs() as i64,
        tv_nsec: i64::from(span.subsec_nanos()),
    }
}

/// Ends the worker's wait.
pub(crate) fn wake(fd: &OwnedFd) {
    // The counter can only be full when a wake-up is due anyway.
    let _ = rustix::io::write(fd, &1_u64.to_ne_bytes());
}
