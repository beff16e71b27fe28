//! The nodes at which people are attached to the room: what each is told, and what each says of them. A node's word on its own sockets is final.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use videorooms_cluster::ServiceName;
use videorooms_domain::{Epoch, NodeIncarnation, Note, Position, Signal};
use videorooms_store::ownership::Reign;
use videorooms_store::{Restore, Verdict};

use super::{Envelope, RoomMessage, RoomState};
use crate::api::{Body, Publication, RollCall};
use crate::calls::{Content, Envelope as Letter, Remote, Standing};

/// How long a node may take to say by itself who is attached there before it is asked.
const UNHEARD: Duration = Duration::from_secs(1);
/// So often a node is asked of which the table knows nothing; then it is thought dead.
const MAX_ROLLS: u32 = 30;
/// Between two attempts to write again what the store lost.
const RESTORE_AGAIN: Duration = Duration::from_millis(200);

impl RoomState {
    /// The first thing: takes up the connections on this node, says there what was committed but never said, and finds out who is attached elsewhere.
    pub(super) fn resume(&mut self) {
        let here = self.services.here.clone();
        let vias: BTreeSet<_> = self
            .pipeline
            .committed()
            .members()
            .map(|member| member.via.clone())
            .collect();
        let is_alive = |via: &NodeIncarnation| self.services.ownership.is_alive(&here, via);
        let (alive, dead): (BTreeSet<_>, BTreeSet<_>) = vias.into_iter().partition(is_alive);
        for via in dead {
            drop(self.apply(&Signal::NodeDied { via }));
        }
        if self.services.ownership.peers().is_some() {
            self.unheard = alive;
            self.unheard.remove(&here);
            self.call_rolls_later();
        }
        self.tell_others_of_return();
        let roll = self.services.subscribers.roll_call(self.door.room);
        drop(self.take_roll(&here, &roll));
        if roll.connections.is_empty() {
            return;
        }
        self.door.resubscribed(self.services.clock.now());
        let Standing { position, missed, .. } = self.standing(&roll);
        missed.into_iter().for_each(|body| self.tell_here(body));
        self.tell_here(Body::Resumed {
            node: here.node.to_string(),
            seq: position.seq,
        });
    }

    /// Nodes that have followed this room here go on only when they hear that it began anew. Who waits in the lobby may be at any node.
    fn tell_others_of_return(&self) {
        let room = self.pipeline.committed();
        let everywhere = if room.waiting().next().is_some() {
            self.services.ownership.others(&self.services.here)
        } else {
            Vec::new()
        };
        let nodes: BTreeSet<_> = self.unheard.iter().chain(&everywhere).collect();
        let returned = Body::Resumed {
            node: self.services.here.node.to_string(),
            seq: room.seq(),
        };
        self.tell_nodes(nodes, &returned);
    }

    /// A node at which people are attached wants to hear this room, and says who they are.
    pub(super) fn subscribe(&mut self, via: NodeIncarnation, roll: &RollCall) -> Standing {
        let notes = self.take_roll(&via, roll);
        self.publish_notes(notes);
        let standing = self.standing(roll);
        if !roll.connections.is_empty() {
            self.door.resubscribed(self.services.clock.now());
            self.hearers.insert(via);
        }
        standing
    }

    /// A node was asked who is attached there.
    pub(super) fn roll(&mut self, via: &NodeIncarnation, roll: Option<&RollCall>) {
        if !self.unheard.contains(via) {
            return;
        }
        match roll {
            Some(roll) => {
                let notes = self.take_roll(via, roll);
                self.publish_notes(notes);
            }
            None => self.call_rolls_later(),
        }
    }

    /// Asks the nodes that have not said anything yet. One that is dead never will.
    pub(super) fn call_rolls(&mut self) {
        let here = self.services.here.clone();
        self.rolls_called += 1;
        for via in self.unheard.clone() {
            let ownership = &self.services.ownership;
            let is_lost = self.rolls_called >= MAX_ROLLS && !ownership.knows(&via);
            if is_lost || !ownership.is_alive(&here, &via) {
                self.unheard.remove(&via);
                let notes = self.apply(&Signal::NodeDied { via });
                self.publish_notes(notes);
                continue;
            }
            let Some(peers) = self.services.ownership.peers() else {
                return;
            };
            let within = self.services.config.call_deadline;
            let remote = Remote::new(peers.clone(), via.clone(), here.clone(), self.epoch, within);
            let (myself, room) = (self.myself.clone(), self.door.room);
            drop(tokio::spawn(async move {
                let roll = remote.roll_call(room).await.ok();
                let answer = RoomMessage::Roll(Box::new((via, roll)));
                drop(myself.cast(Envelope::inner(answer)));
            }));
        }
    }

    /// After sockets went: a node without any is told nothing more.
    pub(super) fn let_hearers_go(&mut self, signal: &Signal) {
        match signal {
            Signal::Detached { via, .. } if !self.live.has_sockets(via) => {
                self.hearers.remove(via);
            }
            Signal::NodeDied { via } => self.hearers.retain(|node| node.node != via.node || node > via),
            Signal::Detached { .. }
            | Signal::Attached { .. }
            | Signal::Media { .. }
            | Signal::React { .. }
            | Signal::Data { .. } => {}
        }
    }

    /// Says something to everyone who is attached anywhere, once per node. What is not durable is said only by one who may be sure to own the room.
    pub(super) fn publish(&self, body: Body) {
        if matches!(body, Body::Ephemeral(_)) && !self.services.ownership.speaks(self.door.room) {
            return;
        }
        let here = &self.services.here;
        self.tell_nodes(self.hearers.iter().filter(|node| *node != here), &body);
        self.tell_here(body);
    }

    /// In whose name the room is written.
    pub(super) fn reign(&self) -> Reign {
        Reign {
            shard: self.door.room.shard(),
            epoch: self.epoch,
        }
    }

    /// The store was changed under the room, and its shard goes on in another reign: what was acknowledged is written again where it was lost, and the
    /// room begins anew.
    pub(super) fn restore(&mut self, epoch: Epoch) {
        if epoch == self.epoch {
            return;
        }
        let room = self.pipeline.committed();
        let (last, snapshot) = (room.seq(), room.to_snapshot());
        let (services, room, myself) = (self.services.clone(), self.door.room, self.myself.clone());
        let reign = Reign {
            shard: room.shard(),
            epoch,
        };
        drop(tokio::spawn(async move {
            let began = Instant::now();
            loop {
                let Ok(fence) = services.ownership.fence(reign) else {
                    // It moved on; whoever holds it then says so.
                    return;
                };
                let restore = Restore {
                    room,
                    epoch,
                    fence,
                    last,
                    snapshot: snapshot.clone(),
                };
                match services.store.restore(restore).await {
                    Verdict::Committed => break,
                    Verdict::Deposed { .. } => return services.ownership.deposed(reign),
                    Verdict::StoreChanged | Verdict::Behind { .. } | Verdict::Unknown { .. } => {
                        tokio::time::sleep(RESTORE_AGAIN).await;
                    }
                }
            }
            tracing::info!(room.id = %room, epoch = epoch.0, ms = began.elapsed().as_millis() as u64, "room re-asserted");
            drop(myself.cast(Envelope::inner(RoomMessage::Restored)));
        }));
    }

    /// Where the room stands for a node with this roll.
    fn standing(&self, roll: &RollCall) -> Standing {
        let position: Position = self.pipeline.committed().position();
        let is_whole = roll.last.is_some_and(|last| self.tail(last).is_some());
        let mut missed = roll.last.map_or_else(Vec::new, |last| self.unsaid(last));
        missed.extend(self.strangers(roll));
        Standing {
            epoch: self.epoch,
            position,
            is_whole,
            missed,
        }
    }

    /// Takes a node's word on who is attached there. Members that came through it and are not in the roll have lost their sockets, whatever the log says.
    /// Answers what is new in it.
    fn take_roll(&mut self, via: &NodeIncarnation, roll: &RollCall) -> Vec<Note> {
        self.unheard.remove(via);
        let lost = self.apply(&Signal::NodeDied { via: via.clone() });
        let mut found = Vec::new();
        for &(participant, connection) in &roll.connections {
            found.extend(self.apply(&Signal::Attached {
                participant,
                connection,
                via: via.clone(),
            }));
            self.moved.insert(participant, via.clone());
        }
        // Who was there and still is was never away.
        let who = |note: &Note| match note {
            Note::ConnectionChanged { participant, .. } => Some(*participant),
            Note::MediaChanged { .. } | Note::Reaction { .. } | Note::Data { .. } => None,
        };
        let (gone, came): (BTreeSet<_>, BTreeSet<_>) = (
            lost.iter().filter_map(who).collect(),
            found.iter().filter_map(who).collect(),
        );
        let stayed = |note: &Note| who(note).is_some_and(|who| gone.contains(&who) && came.contains(&who));
        lost.into_iter()
            .chain(found)
            .filter(|note| !stayed(note))
            .collect()
    }

    fn apply(&mut self, signal: &Signal) -> Vec<Note> {
        // A member of a roll call that the store does not know was never acknowledged; its socket will be told when it speaks.
        self.live
            .apply(self.pipeline.committed(), self.services.clock.now(), signal)
            .unwrap_or_default()
    }

    fn call_rolls_later(&self) {
        if !self.unheard.is_empty() {
            drop(
                self.myself
                    .send_after(UNHEARD, || Envelope::inner(RoomMessage::CallRolls)),
            );
        }
    }

    /// Says something to the sockets at these other nodes.
    fn tell_nodes<'a>(&self, nodes: impl IntoIterator<Item = &'a NodeIncarnation>, body: &Body) {
        let mut nodes = nodes.into_iter().peekable();
        let Some(peers) = self.services.ownership.peers().filter(|_| nodes.peek().is_some()) else {
            return;
        };
        let publication = Content::Publication(self.publication(body.clone()));
        let bytes = match Letter::new(self.services.here.clone(), publication).encode() {
            Ok(bytes) => Bytes::from(bytes),
            Err(error) => {
                tracing::error!(room.id = %self.door.room, %error, "what a room says is too large for another node");
                return;
            }
        };
        for node in nodes {
            // Lost only with the link, after which the node subscribes anew.
            let _ = peers.cast(node, ServiceName::GatewayHub, bytes.clone());
        }
    }

    fn tell_here(&self, body: Body) {
        self.services.subscribers.publish(self.publication(body));
    }

    fn publication(&self, body: Body) -> Publication {
        Publication {
            room: self.door.room,
            epoch: self.epoch,
            body,
        }
    }
}
