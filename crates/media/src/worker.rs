//! The media thread: the only socket loop.
//!
//! One turn: wait for socket, command or timer; take some commands; read a few batches; run timers; send everything at once. Each part
//! is bounded, so that none starves another. Media never runs on the shared async pool.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use tokio::sync::mpsc;

use crate::command::{Command, Reply};
use crate::core::Core;
use crate::metrics;
use crate::net::Socket;

/// Commands taken in one turn.
const COMMANDS_PER_TURN: usize = 64;
/// Batches of datagrams read in one turn: small, so that timers get their turn and runs for sending grow.
const BATCHES_PER_TURN: usize = 4;
/// Also without anything to do, the loop looks up now and then.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Everything the thread owns.
pub(crate) struct Worker {
    pub(crate) core: Core,
    pub(crate) socket: Socket,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) wake: Arc<OwnedFd>,
    pub(crate) stop: Arc<AtomicBool>,
    /// Whoever waits for the end.
    pub(crate) mourners: Vec<Reply<()>>,
}

impl Worker {
    /// Runs until told to stop.
    pub(crate) fn run(mut self) {
        if let Err(error) = self.turns() {
            tracing::error!(%error, "media loop cannot wait for its socket");
        }
        self.core.shutdown(Instant::now());
        self.socket.send_all(self.core.take_datagrams());
        // From here on every call finds the engine stopped.
        self.commands.close();
        for mourner in self.mourners {
            drop(mourner.send(Ok(())));
        }
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
        let timeout = Timespec {
            tv_sec: timeout.as_secs() as i64,
            tv_nsec: i64::from(timeout.subsec_nanos()),
        };
        let mut fds = [
            PollFd::from_borrowed_fd(self.socket.fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.wake.as_fd(), PollFlags::IN),
        ];
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // Resets the counter; that it was zero already is no error.
        let _ = rustix::io::read(&self.wake, &mut [0; 8]);
        Ok(())
    }

    fn read(&mut self, now: Instant) {
        for _ in 0..BATCHES_PER_TURN {
            let core = &mut self.core;
            match self
                .socket
                .receive(|source, local, bytes| core.handle_datagram(now, source, local, bytes))
            {
                Ok(true) => {}
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
                drop(reply.send(core.create_room(now, room, rules)))
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
            Command::Detach { peer } => core.detach(peer),
            Command::Leave { peer, reply } => drop(reply.send(core.leave(now, peer))),
            Command::Totals { reply } => drop(reply.send(Ok(core.totals()))),
            Command::Shutdown { reply } => {
                self.mourners.push(reply);
                self.stop.store(true, Ordering::Relaxed);
            }
        }
    }
}

/// Ends the worker's wait.
pub(crate) fn wake(fd: &OwnedFd) {
    // The counter can only be full when a wake-up is due anyway.
    let _ = rustix::io::write(fd, &1_u64.to_ne_bytes());
}
