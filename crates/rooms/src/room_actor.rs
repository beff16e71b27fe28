//! The actor of one room: receive, decide, commit, publish. It decides nothing itself (the rules are `videorooms_domain`'s, the order of
//! commits is [`crate::pipeline`]'s) and never waits in its mailbox: the store and the media server are asked in tasks whose answers come back as
//! messages. A refused command is an answer, never an `Err`: one client must not end a meeting.

mod attach;
mod hearers;
mod media;
mod message;
mod publish;
mod state;
mod tasks;

use ractor::{Actor, ActorProcessingErr, ActorRef};

pub(crate) use message::{Envelope, Reply, RoomMessage};
pub(crate) use state::{DEPOSED, IDLE, Loaded, RESTORED, RoomState, Waiter};

/// The actor; its state is in [`RoomState`].
pub(crate) struct RoomActor;

impl Actor for RoomActor {
    type Msg = Envelope;
    type State = RoomState;
    type Arguments = Loaded;

    async fn pre_start(
        &self,
        myself: ActorRef<Envelope>,
        loaded: Loaded,
    ) -> Result<RoomState, ActorProcessingErr> {
        Ok(RoomState::new(loaded, myself))
    }

    async fn handle(
        &self,
        _: ActorRef<Envelope>,
        envelope: Envelope,
        state: &mut RoomState,
    ) -> Result<(), ActorProcessingErr> {
        state.receive(envelope.message);
        state.settle();
        Ok(())
    }
}
