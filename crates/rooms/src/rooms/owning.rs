//! What becomes of the rooms on this node when shards come and go.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};
use videorooms_cluster::{Cluster, ClusterEvent, ServiceName};
use videorooms_domain::{NodeIncarnation, Position, ShardId, Signal};
use videorooms_store::ownership::Reign;

use super::Rooms;
use crate::api::{Body, CloseReason, RoomsError};
use crate::calls::{Content, Envelope, Standing, Subscribed, Subscription};
use crate::draining::{DEADLINE, settle};
use crate::ownership::Ownership;
use crate::room_actor::{DEPOSED, RoomMessage};
use crate::tries::Missed;

/// Between two looks at what is left to be handed over.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

impl Rooms {
    /// Does what the cluster decided about shards; what concerns the whole node is left to the caller. Events come in order.
    pub fn shards_changed(&self, event: &ClusterEvent) {
        let Ownership::Shared { cluster, .. } = self.ownership() else {
            return;
        };
        match event {
            ClusterEvent::Serve(reign) => self.serve(*reign),
            ClusterEvent::Resume(Reign { shard, epoch }) => {
                for door in self.shared.directory.doors_of(*shard) {
                    drop(door.send(RoomMessage::Restore(*epoch), usize::MAX));
                }
            }
            ClusterEvent::Release(shard) => self.release(*shard),
            ClusterEvent::Tail(reign, _) => self.release(reign.shard),
            ClusterEvent::Prepare(shard, _) => cluster.prepared(*shard, true),
            ClusterEvent::Flush(shard) => {
                let (rooms, cluster, shard) = (self.clone(), cluster.clone(), *shard);
                drop(tokio::spawn(async move {
                    let doors = rooms.shared.directory.doors_of(shard);
                    settle(&doors, Instant::now() + DEADLINE).await;
                    cluster.flushed(shard);
                }));
            }
            ClusterEvent::View(_) => self.view_changed(cluster),
            ClusterEvent::Changed => self.tell_of_table(cluster),
            ClusterEvent::Reopen(_) | ClusterEvent::Fence | ClusterEvent::Live | ClusterEvent::Superseded => {
            }
        }
    }

    /// The link to a node broke: rooms there are asked for what was missed, and what was attached to media over it is not any more.
    pub fn link_lost(&self, node: &NodeIncarnation) {
        self.shared
            .moves
            .link_lost(node, self.shared.services.clock.now());
        self.following().link_lost(node);
        self.shared.services.media.lost(node);
    }

    /// Follows rooms on other nodes. Runs until it is dropped.
    pub async fn follow(&self) {
        match self.ownership() {
            Ownership::Alone(_) => std::future::pending().await,
            Ownership::Shared { .. } => Arc::clone(self.following()).run(self).await,
        }
    }

    /// Gives all shards to other nodes, as far as there are any that take them; answers how many are left after `within`.
    pub async fn hand_over(&self, within: Duration) -> usize {
        let Ownership::Shared { cluster, .. } = self.ownership() else {
            return 0;
        };
        cluster.drain(true);
        let until = Instant::now() + within;
        loop {
            let left = cluster.holds();
            let view = cluster.view();
            let has_heirs = view
                .nodes
                .iter()
                .any(|node| node.node != *self.here() && node.takes_shards());
            if left == 0 || !has_heirs || Instant::now() >= until {
                return left;
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Answers nodes whose sockets are attached to rooms here, each room within the call's time.
    pub(crate) async fn subscribe_all(
        &self,
        via: &NodeIncarnation,
        wishes: Vec<Subscription>,
    ) -> Vec<Subscribed> {
        let answers = wishes.into_iter().map(async |Subscription { room, roll }| {
            let message = |reply| RoomMessage::Subscribe(Box::new((via.clone(), roll.clone())), reply);
            let standing = match self.call(room, message).await {
                Ok(standing) => Some(standing),
                Err(Missed::Failed(RoomsError::NoSuchRoom)) => Some(over()),
                Err(Missed::Failed(_) | Missed::Moved | Missed::Lost { .. }) => None,
            };
            Subscribed { room, standing }
        });
        join_all(answers).await
    }

    /// The shard is ours: who waits for its rooms here gets them at once, everyone else's are looked after in turn.
    fn serve(&self, Reign { shard, epoch }: Reign) {
        let former = self.shared.seen.lock().former_owner(shard, self.here());
        let now = self.shared.services.clock.now();
        self.shared.moves.claimed(shard, former, now);
        for room in self.following().own(shard, epoch) {
            match self.shared.directory.existing(room).filter(|door| door.is_open()) {
                // Someone asked for it before this was heard here: it has resumed before it moved.
                Some(door) => drop(door.send(RoomMessage::Resume, usize::MAX)),
                None => {
                    let rooms = self.clone();
                    drop(tokio::spawn(async move { rooms.start_until_it_runs(room).await }));
                }
            }
        }
        self.shared.directory.sweep_later(shard);
    }

    fn release(&self, shard: ShardId) {
        let doors = self.shared.directory.doors_of(shard);
        let epoch = doors.iter().filter_map(|door| door.epoch()).max();
        for door in &doors {
            door.stop(DEPOSED);
        }
        self.following().lose(shard, epoch.unwrap_or_default());
    }

    /// Others need not wait for their next renewal.
    fn tell_of_table(&self, cluster: &Cluster) {
        let Some(peers) = self.ownership().peers() else {
            return;
        };
        let hint = Envelope::new(self.here().clone(), Content::TableChanged).encode();
        let Ok(hint) = hint.map(Bytes::from) else { return };
        for node in cluster.view().nodes.iter().map(|node| &node.node) {
            if node != self.here() {
                // One that is not reached looks by itself.
                let _ = peers.cast(node, ServiceName::RoomHost, hint.clone());
            }
        }
    }

    fn view_changed(&self, cluster: &Cluster) {
        let view = cluster.view();
        let before = std::mem::replace(&mut *self.shared.seen.lock(), Arc::clone(&view));
        self.following().view(&before, &view);
        let died = |node: &&NodeIncarnation| !before.is_dead(node) && view.is_dead(node);
        let dead: Vec<_> = before.nodes.iter().map(|node| &node.node).filter(died).collect();
        if dead.is_empty() {
            return;
        }
        dead.iter().for_each(|node| self.shared.services.media.lost(node));
        let now = self.shared.services.clock.now();
        dead.iter().for_each(|node| self.shared.moves.judged(node, now));
        for door in self.open_doors() {
            for node in &dead {
                let via = (*node).clone();
                drop(door.send(RoomMessage::Signal(Signal::NodeDied { via }), usize::MAX));
            }
        }
    }
}

/// What is left to say of a room that is not there any more.
fn over() -> Standing {
    Standing {
        epoch: Default::default(),
        position: Position::default(),
        is_whole: false,
        missed: vec![Body::Closed {
            participant: None,
            why: CloseReason::Ended,
        }],
    }
}
