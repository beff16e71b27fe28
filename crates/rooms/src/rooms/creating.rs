//! How a room begins: under an id that nobody can guess, on a node that is not busy, durable before anyone hears of it.

use tokio::time::timeout;
use videorooms_cluster::Place;
use videorooms_domain::{NodeIncarnation, Room, RoomId, Seq, encode_record};
use videorooms_store::ownership::Reign;
use videorooms_store::{Commit, Verdict};

use super::{Rooms, unavailable};
use crate::api::{CreateRoom, RoomsError};
use crate::metrics as names;
use crate::services::Services;
use crate::tries::{Missed, Owner, Tried, Tries};

/// Ids drawn until one falls to the node that was chosen; with one shard of ten it is found in 99 of 100 cases.
const DRAWS: usize = 44;

impl Rooms {
    /// Creates a room under a fresh random id; durable when it returns.
    ///
    /// # Errors
    /// [`RoomsError::Rejected`] for settings out of range, [`RoomsError::TooManyRooms`] when both of two nodes chosen at random are full, and
    /// [`RoomsError::Unavailable`] when the store gives no verdict in time: the room may then exist, but nobody knows its id.
    pub async fn create(&self, request: CreateRoom) -> Result<RoomId, RoomsError> {
        let Some([chosen, other]) = self
            .ownership()
            .candidates(random()? as usize, random()? as usize)
        else {
            return self.create_under(RoomId(random()?), request).await;
        };
        let created = self.create_under(self.draw(&chosen)?, request.clone()).await;
        if created == Err(RoomsError::TooManyRooms) && other != chosen {
            return self.create_under(self.draw(&other)?, request).await;
        }
        created
    }

    async fn create_under(&self, id: RoomId, request: CreateRoom) -> Result<RoomId, RoomsError> {
        let mut tries = Tries::new(self, id, true);
        loop {
            let tried = match tries.owner().await? {
                Owner::Here => self.create_here(id, request.clone()).await,
                Owner::There(remote) => Box::pin(remote.create(id, request.clone())).await,
            };
            if let Some(created) = tries.settle(tried).await {
                return created.map(|()| id);
            }
        }
    }

    /// An id in a shard of this node.
    fn draw(&self, chosen: &NodeIncarnation) -> Result<RoomId, RoomsError> {
        let mut id = RoomId(random()?);
        for _ in 0..DRAWS {
            let is_theirs = match self.ownership().place(id.shard()) {
                Place::Here(_) => chosen == self.here(),
                Place::There(owner, _) => *chosen == owner,
                Place::Nowhere => false,
            };
            if is_theirs {
                break;
            }
            id = RoomId(random()?);
        }
        Ok(id)
    }

    /// Creates a room on this node.
    pub(crate) async fn create_here(&self, id: RoomId, request: CreateRoom) -> Tried<()> {
        self.stays()?;
        let services = &self.shared.services;
        if self.live_rooms() >= services.config.max_live_rooms {
            return Err(RoomsError::TooManyRooms.into());
        }
        let shard = id.shard();
        let Place::Here(epoch) = services.ownership.place(shard) else {
            return Err(Missed::Moved);
        };
        let now = services.clock.now();
        let created = Room::create(id, now, epoch, request.settings).map_err(RoomsError::from);
        let (_, record) = created?;
        let commit = Commit {
            room: id,
            epoch,
            expect: Seq(0),
            last: record.last(),
            record: encode_record(&record),
            snapshot: None,
            fence: None,
        };
        // Though its fate stay unknown: if it exists, it ends when nobody comes.
        self.shared
            .directory
            .wake_at(now.after(services.config.grace.empty), id);
        timeout(
            services.config.call_deadline,
            self.insist(Reign { shard, epoch }, commit),
        )
        .await
        .unwrap_or_else(|_| Err(unavailable("the store does not answer").into()))?;
        metrics::counter!(names::CREATED).increment(1);
        Ok(())
    }

    /// Sends a commit again while its fate is unknown; the store knows it by its bytes.
    async fn insist(&self, reign: Reign, mut commit: Commit) -> Tried<()> {
        let Services {
            store,
            config,
            ownership,
            ..
        } = &*self.shared.services;
        let mut pause = config.commit_retry;
        loop {
            if let Ok(fence) = ownership.fence(reign) {
                commit.fence = fence;
                let verdicts = timeout(config.commit_deadline, store.commit(vec![commit.clone()])).await;
                match verdicts.ok().and_then(|mut verdicts| verdicts.pop()) {
                    Some(Verdict::Committed) => return Ok(()),
                    // Nobody else knows the id: an earlier try that was thought lost was not.
                    Some(Verdict::Behind { stored }) if stored > Seq(0) => return Ok(()),
                    Some(Verdict::Behind { .. }) => {
                        return Err(unavailable("the store has another room of this name").into());
                    }
                    Some(Verdict::Deposed { .. }) => {
                        ownership.deposed(reign);
                        return Err(Missed::Moved);
                    }
                    Some(Verdict::StoreChanged) => ownership.store_changed(reign),
                    Some(Verdict::Unknown { .. }) | None => {}
                }
            } else if ownership.place(reign.shard) != Place::Here(reign.epoch) {
                return Err(Missed::Moved);
            }
            metrics::counter!(names::COMMITS_UNKNOWN).increment(1);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(config.commit_retry_max);
        }
    }
}

fn random() -> Result<u128, RoomsError> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).map_err(|_| unavailable("no randomness"))?;
    Ok(u128::from_be_bytes(bits))
}
