//! What a room's mailbox takes. Local only: between nodes travel envelopes of bytes, never these.

use tokio::sync::oneshot;
use videorooms_domain::{
    Epoch, NodeIncarnation, ParticipantId, Position, Request, Role, SecretHash, Signal, Snapshot,
};
use videorooms_store::Verdict;

use crate::api::{Attach, Attached, Overview, RollCall, RoomsError};
use crate::calls::Standing;
use crate::door::Permit;
use crate::media_plan::Report;
use crate::rooms::Inside;

/// Where an answer goes. Dropped without one, the caller learns that the actor died and asks again.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, RoomsError>>;

/// A message with its place in the queue.
pub(crate) struct Envelope {
    pub(crate) message: RoomMessage,
    /// Messages of the room to itself have none: they are bounded by what it has under way.
    pub(crate) _permit: Option<Permit>,
}

impl ractor::Message for Envelope {}

impl Envelope {
    /// A room's message to itself.
    pub(crate) fn inner(message: RoomMessage) -> Self {
        Self {
            message,
            _permit: None,
        }
    }
}

pub(crate) enum RoomMessage {
    /// The first: take up the connections that are there and say what was left unsaid.
    Resume,
    /// From a socket at that node.
    Attach(Box<(Attach, NodeIncarnation)>, Reply<Attached>),
    /// From a node at which sockets are attached.
    Subscribe(Box<(NodeIncarnation, RollCall)>, Reply<Standing>),
    /// A node's answer to the roll call; none: it did not answer.
    Roll(Box<(NodeIncarnation, Option<RollCall>)>),
    /// Time to ask the nodes that were not heard yet who is attached there.
    CallRolls,
    /// The shard goes on in this reign: write again what the store lost, and begin anew.
    Restore(Epoch),
    /// It was written.
    Restored,
    Execute(Box<Request>, Reply<Position>),
    Signal(Signal),
    Overview(Reply<Overview>),
    /// For an operator.
    Explain(Reply<Inside>),
    Verify(ParticipantId, SecretHash, Reply<Role>),
    Snapshot(ParticipantId, Reply<(Position, Snapshot)>),
    /// Which node carries the media; answered when there is one.
    MediaNode(Reply<NodeIncarnation>),
    /// The store's verdicts on the batch that was sent.
    Verdicts(Vec<Verdict>),
    /// Time to send the batch of unknown fate again.
    RetryCommit,
    /// Someone was given a way to the media.
    MediaAdmitted(ParticipantId),
    /// What the media server did of what was asked.
    MediaDone(Report),
    /// Time to ask the media server again.
    RetryMedia,
    /// The node stops: tell when nothing waits for the store.
    Settle(oneshot::Sender<()>),
    /// A deadline may have passed.
    Tick,
    /// Panics; shows that a crash of one room is a pause for its members and nothing to the others.
    #[cfg(any(test, feature = "test-kit"))]
    Panic,
}
