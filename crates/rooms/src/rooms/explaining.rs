//! Why a room is where it is, asked of its owner. Asking loads no room.

use std::collections::BTreeMap;

use tokio::sync::oneshot;
use tokio::time::timeout;
use videorooms_cluster::Place;
use videorooms_domain::{NodeIncarnation, Room, RoomId};

use super::Rooms;
use crate::api::RoomsError;
use crate::explanation::{AtNode, Explanation, LastMove};
use crate::load;
use crate::room_actor::RoomMessage;
use crate::tries::{Missed, Owner, Tried, Tries};

/// What is known inside of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inside {
    pub(crate) ended: bool,
    pub(crate) members: u32,
    pub(crate) attached: Vec<AtNode>,
    pub(crate) media_node: Option<NodeIncarnation>,
}

impl Inside {
    /// Of a room and its sockets by node.
    pub(crate) fn of(room: &Room, sockets: BTreeMap<NodeIncarnation, usize>) -> Self {
        let mut counts: BTreeMap<_, (u32, u32)> = BTreeMap::new();
        for member in room.members() {
            counts.entry(member.via.clone()).or_default().0 += 1;
        }
        for (node, attached) in sockets {
            counts.entry(node).or_default().1 += u32::try_from(attached).unwrap_or(u32::MAX);
        }
        let at = |(node, (members, sockets))| AtNode {
            node,
            members,
            sockets,
        };
        Self {
            ended: room.ended().is_some(),
            members: room.members().count() as u32,
            attached: counts.into_iter().map(at).collect(),
            media_node: room.media_node().cloned(),
        }
    }
}

impl Rooms {
    /// Why a room is where it is, as its owner sees it.
    ///
    /// # Errors
    /// [`RoomsError::NoSuchRoom`], [`RoomsError::Unavailable`].
    pub async fn explain(&self, room: RoomId) -> Result<Explanation, RoomsError> {
        let mut tries = Tries::new(self, room, true);
        loop {
            let tried = match tries.owner().await? {
                Owner::Here => self.explain_here(room).await,
                Owner::There(remote) => Box::pin(remote.explain(room)).await,
            };
            if let Some(explained) = tries.settle(tried).await {
                return explained;
            }
        }
    }

    pub(crate) async fn explain_here(&self, room: RoomId) -> Tried<Explanation> {
        let shard = room.shard();
        let Place::Here(epoch) = self.ownership().place(shard) else {
            return Err(Missed::Moved);
        };
        let loaded = self.ask_inside(room).await;
        let in_memory = loaded.is_some();
        let inside = match loaded {
            Some(inside) => inside,
            None => {
                let services = &self.shared.services;
                let stored = load::load(&*services.store, room, services.config.commit_deadline).await?;
                Inside::of(&stored.room, BTreeMap::new())
            }
        };
        let Inside {
            ended,
            members,
            attached,
            media_node,
        } = inside;
        let last_move = self.last_move(room);
        let (home, scores, stays) = self
            .ownership()
            .reasons(shard, self.shared.directory.is_in_use(shard));
        Ok(Explanation {
            room,
            shard,
            owner: self.here().clone(),
            epoch,
            since: last_move.as_ref().map(|moved| moved.claimed_at),
            home,
            scores,
            stays,
            in_memory,
            ended,
            members,
            attached,
            media_node,
            last_move,
        })
    }

    /// None: it is not in memory, or has just left it.
    async fn ask_inside(&self, room: RoomId) -> Option<Inside> {
        let door = self.shared.directory.existing(room)?;
        let (reply, answer) = oneshot::channel();
        let limit = self.shared.services.config.max_room_queue;
        door.send(RoomMessage::Explain(reply), limit).ok()?;
        let within = self.shared.services.config.commit_deadline;
        timeout(within, answer).await.ok()?.ok()?.ok()
    }

    fn last_move(&self, room: RoomId) -> Option<LastMove> {
        let moved = self.shared.moves.last(room.shard())?;
        let door = self.shared.directory.existing(room);
        let (loaded_at, resubscribed_at) = door.map_or((None, None), |door| door.times());
        Some(LastMove {
            from: moved.from,
            noticed_at: moved.noticed_at,
            judged_at: moved.judged_at,
            claimed_at: moved.claimed_at,
            loaded_at,
            resubscribed_at,
        })
    }
}
