//! How a room begins: under an id that nobody can guess, durable before anyone hears of it.

use tokio::time::timeout;
use videorooms_domain::{Room, RoomId, Seq, encode_record};
use videorooms_store::{Commit, Verdict};

use super::{Reach, Rooms, unavailable};
use crate::api::{CreateRoom, RoomsError};
use crate::metrics as names;
use crate::services::Services;

impl Rooms {
    /// Creates a room under a fresh random id; durable when it returns.
    ///
    /// # Errors
    /// [`RoomsError::Rejected`] for settings out of range, [`RoomsError::Unavailable`] when the store gives no verdict in time: the room may then exist, but nobody
    /// knows its id.
    pub async fn create(&self, request: CreateRoom) -> Result<RoomId, RoomsError> {
        let mut bits = [0; 16];
        getrandom::fill(&mut bits).map_err(|_| unavailable("no randomness"))?;
        let id = RoomId(u128::from_be_bytes(bits));
        match &self.reach {
            Reach::Here => self.create_as(id, request).await?,
            Reach::Link(remote) => Box::pin(remote.create(id, request)).await?,
        }
        Ok(id)
    }

    /// Creates a room on this node.
    pub(crate) async fn create_as(&self, id: RoomId, request: CreateRoom) -> Result<(), RoomsError> {
        self.stays()?;
        let services = &self.shared.services;
        let now = services.clock.now();
        let (_, record) = Room::create(id, now, services.epoch, request.settings)?;
        let commit = Commit {
            room: id,
            epoch: services.epoch,
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
        timeout(services.config.call_deadline, self.insist(&commit))
            .await
            .unwrap_or_else(|_| Err(unavailable("the store does not answer")))?;
        metrics::counter!(names::CREATED).increment(1);
        Ok(())
    }

    /// Sends a commit again while its fate is unknown; the store knows it by its bytes.
    async fn insist(&self, commit: &Commit) -> Result<(), RoomsError> {
        let Services { store, config, .. } = &*self.shared.services;
        let mut pause = config.commit_retry;
        loop {
            let verdicts = timeout(config.commit_deadline, store.commit(vec![commit.clone()])).await;
            match verdicts.ok().and_then(|mut verdicts| verdicts.pop()) {
                Some(Verdict::Committed) => return Ok(()),
                Some(Verdict::Deposed { .. } | Verdict::Behind { .. }) => {
                    return Err(unavailable("the store has another owner"));
                }
                Some(Verdict::StoreChanged | Verdict::Unknown { .. }) | None => {
                    metrics::counter!(names::COMMITS_UNKNOWN).increment(1);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(config.commit_retry_max);
                }
            }
        }
    }
}
