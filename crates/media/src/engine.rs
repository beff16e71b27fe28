//! The handle: starts the worker thread and carries commands to it.
//!
//! Commands wait in a bounded queue; a full queue makes callers wait. Dropping a call's future does not undo its command. A worker that
//! breaks begins anew by itself: the command it was at is answered with [`MediaError::Stopped`], those that wait are carried out. Dropping
//! the engine stops the worker with a goodbye to every peer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::OwnedFd;
use tokio::sync::{mpsc, oneshot};

use crate::candidates::Candidates;
use crate::command::{AttachWish, Attached, Command, OfferWish, Reply, RoomMember, RoomRules, Totals};
use crate::core::Core;
use crate::net::Socket;
use crate::worker::{self, Setbacks, Worker};
use crate::{EngineConfig, MediaError, ParticipantKey, PeerKey, RoomKey, Source, Sources};

/// Commands that may wait: a second's worth of a busy node.
const QUEUED_COMMANDS: usize = 1024;

/// A running media engine.
pub struct Engine {
    commands: mpsc::Sender<Command>,
    wake: Arc<OwnedFd>,
    stop: Arc<AtomicBool>,
    local: SocketAddr,
}

impl Engine {
    /// Binds the socket and starts the worker.
    ///
    /// # Errors
    /// The address cannot be bound, or the system gives no thread, event counter or certificate.
    pub fn start(config: EngineConfig) -> io::Result<Self> {
        let socket = Socket::bind(&config)?;
        let local = socket.local();
        let candidates = Candidates::new(&config, local)?;
        let core = Core::new(Instant::now(), candidates, config.first_peer, config.limits)
            .map_err(io::Error::other)?;
        let wake = Arc::new(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?);
        let stop = Arc::new(AtomicBool::new(false));
        let (commands, queue) = mpsc::channel(QUEUED_COMMANDS);
        let worker = Worker {
            core,
            socket,
            commands: queue,
            wake: wake.clone(),
            stop: stop.clone(),
            mourners: Vec::new(),
            setbacks: Setbacks::default(),
        };
        std::thread::Builder::new()
            .name("media".into())
            .spawn(move || worker.run())?;
        Ok(Self {
            commands,
            wake,
            stop,
            local,
        })
    }

    /// Where the socket is bound.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Makes a room, or leaves it as it is; answers [`Self::room_members`].
    ///
    /// # Errors
    /// [`MediaError::Full`], [`MediaError::Stopped`].
    pub async fn create_room(&self, room: RoomKey, rules: RoomRules) -> Result<Vec<RoomMember>, MediaError> {
        self.call(|reply| Command::CreateRoom { room, rules, reply })
            .await
    }

    /// Keeps a room until then, though it be empty.
    ///
    /// # Errors
    /// [`MediaError::NoSuchRoom`], [`MediaError::Stopped`].
    pub async fn keep_room(&self, room: RoomKey, until: Instant) -> Result<(), MediaError> {
        self.call(|reply| Command::KeepRoom { room, until, reply }).await
    }

    /// Ends a room and every peer in it; nothing to do when there is none.
    ///
    /// # Errors
    /// [`MediaError::Stopped`].
    pub async fn delete_room(&self, room: RoomKey) -> Result<(), MediaError> {
        self.call(|reply| Command::DeleteRoom { room, reply }).await
    }

    /// Participants with a connected peer, in order.
    ///
    /// # Errors
    /// [`MediaError::NoSuchRoom`], [`MediaError::Stopped`].
    pub async fn room_members(&self, room: RoomKey) -> Result<Vec<RoomMember>, MediaError> {
        self.call(|reply| Command::RoomMembers { room, reply }).await
    }

    /// Closes a participant's peer and forgets its rights; nothing to do when there is none.
    ///
    /// # Errors
    /// [`MediaError::Stopped`].
    pub async fn remove_participant(
        &self,
        room: RoomKey,
        participant: ParticipantKey,
    ) -> Result<(), MediaError> {
        self.call(|reply| Command::RemoveParticipant {
            room,
            participant,
            reply,
        })
        .await
    }

    /// Sets what is forwarded of a participant, connected or not.
    ///
    /// # Errors
    /// [`MediaError::NoSuchRoom`], [`MediaError::Full`], [`MediaError::Stopped`].
    pub async fn set_publishing(
        &self,
        room: RoomKey,
        participant: ParticipantKey,
        allowed: Sources,
    ) -> Result<(), MediaError> {
        self.call(|reply| Command::SetPublishing {
            room,
            participant,
            allowed,
            reply,
        })
        .await
    }

    /// Gives a client a peer: the living one it names, otherwise a new one, which closes the former.
    ///
    /// # Errors
    /// [`MediaError::NoSuchRoom`], [`MediaError::Full`], [`MediaError::Stopped`].
    pub async fn attach(&self, wish: AttachWish) -> Result<Attached, MediaError> {
        self.call(|reply| Command::Attach { wish, reply }).await
    }

    /// Answers an offer.
    ///
    /// # Errors
    /// [`MediaError::NoSuchPeer`], [`MediaError::Invalid`], [`MediaError::TooFast`], [`MediaError::Stopped`].
    pub async fn offer(&self, peer: PeerKey, wish: OfferWish) -> Result<String, MediaError> {
        self.call(|reply| Command::Offer { peer, wish, reply }).await
    }

    /// Stops or resumes forwarding of one of a peer's sources.
    ///
    /// # Errors
    /// [`MediaError::NoSuchPeer`], [`MediaError::Stopped`].
    pub async fn mute(&self, peer: PeerKey, source: Source, muted: bool) -> Result<(), MediaError> {
        self.call(|reply| Command::Mute {
            peer,
            source,
            muted,
            reply,
        })
        .await
    }

    /// Asks the publisher behind a receiving m-line for a keyframe.
    ///
    /// # Errors
    /// [`MediaError::NoSuchPeer`], [`MediaError::Invalid`], [`MediaError::Stopped`].
    pub async fn keyframe(&self, peer: PeerKey, mid: &str) -> Result<(), MediaError> {
        self.call(|reply| Command::Keyframe {
            peer,
            mid: mid.to_owned(),
            reply,
        })
        .await
    }

    /// Forgets where a peer's events go, unless it was attached anew meanwhile. The peer lives on while its media flows.
    pub fn detach(&self, peer: PeerKey, attachment: u64) {
        // A full queue loses this, and the next event finds that nobody listens.
        if self
            .commands
            .try_send(Command::Detach { peer, attachment })
            .is_ok()
        {
            worker::wake(&self.wake);
        }
    }

    /// Closes a peer.
    ///
    /// # Errors
    /// [`MediaError::NoSuchPeer`], [`MediaError::Stopped`].
    pub async fn leave(&self, peer: PeerKey) -> Result<(), MediaError> {
        self.call(|reply| Command::Leave { peer, reply }).await
    }

    /// How much there is; that it answers shows that the worker turns.
    ///
    /// # Errors
    /// [`MediaError::Stopped`].
    pub async fn totals(&self) -> Result<Totals, MediaError> {
        self.call(|reply| Command::Totals { reply }).await
    }

    /// Says goodbye to every peer and stops the worker; done when the goodbyes are on their way.
    pub async fn shutdown(&self) {
        // Stopped already is what was wanted.
        let _ = self.call(|reply| Command::Shutdown { reply }).await;
    }

    async fn call<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, MediaError> {
        let (reply, answer) = oneshot::channel();
        self.commands
            .send(command(reply))
            .await
            .map_err(|_| MediaError::Stopped)?;
        worker::wake(&self.wake);
        answer.await.unwrap_or(Err(MediaError::Stopped))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        worker::wake(&self.wake);
    }
}

#[cfg(test)]
mod tests;
