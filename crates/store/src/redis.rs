//! `RedisStore`: rooms in Redis, for nodes that share them.
//!
//! One script judges and writes a commit, so that no other can come in between. Commits that wait while the last group is on its way go as one
//! pipeline: Redis syncs its log once for all that it finds to do, so a pipeline is a group commit. Nothing is retried here: what fails is of
//! unknown fate, and whoever asked sends it again.

mod address;
mod answer;
mod connecting;
mod examining;
mod index;
mod line;
mod ownership;
mod schema;
mod scripts;
mod surroundings;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use redis::{Cmd, RedisResult, Value};
use tokio::sync::mpsc;
use videorooms_domain::{Epoch, NodeIncarnation, RoomId, ShardId};

use crate::group::{Job, Jobs, answer, gather, unknown};
use crate::ownership::SETTLE;
use crate::{
    Commit, Durability, Fence, RESEND_TAIL, Restore, RoomStore, StoreError, StoredRoom, Verdict, metrics,
};
use address::Address;
use answer::Answer;
use line::Line;
use schema::{Head, Keys, entry, millis, name, room_of, stored};

pub use examining::{Examined, examine};
pub use ownership::{RedisOwnership, SessionTiming};

/// Rooms in Redis; see the module's first lines.
pub struct RedisStore {
    desk: Arc<Desk>,
    jobs: Jobs,
}

/// What writing takes.
struct Desk {
    line: Line,
    keys: Keys,
    settle: Duration,
}

impl RedisStore {
    /// Connects, and makes sure that Redis is fit to keep rooms.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] for a wrong URL or when nobody answers within 2 s, [`StoreError::Unsafe`], [`StoreError::Newer`].
    pub async fn open(url: &str, durability: Durability) -> Result<Self, StoreError> {
        Self::open_settling(url, durability, SETTLE).await
    }

    /// As [`Self::open`], with another time for the store to settle; all nodes must have the same.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_settling(
        url: &str,
        durability: Durability,
        settle: Duration,
    ) -> Result<Self, StoreError> {
        let address = Address::parse(url)?;
        let keys = Keys::under(&address.prefix);
        let line = Line::to(address, durability);
        line.open().await?;
        let desk = Arc::new(Desk { line, keys, settle });
        let (jobs, queue) = Jobs::queue();
        drop(tokio::spawn(write(Arc::clone(&desk), queue)));
        Ok(Self { desk, jobs })
    }
}

#[async_trait]
impl RoomStore for RedisStore {
    fn name(&self) -> &'static str {
        "redis"
    }

    async fn open_reign(
        &self,
        _node: &NodeIncarnation,
        at_least: Epoch,
        now_ms: u64,
    ) -> Result<Epoch, StoreError> {
        let asking = self.desk.line.ask(async |open| {
            redis::cmd("EVALSHA")
                .arg(&open.scripts.open_reign)
                .arg(1)
                .arg(self.desk.keys.meta())
                .arg(at_least.0.max(now_ms))
                .query_async(&mut open.connection)
                .await
        });
        asking.await.map(Epoch)
    }

    async fn commit(&self, batch: Vec<Commit>) -> Vec<Verdict> {
        self.jobs.commit(batch).await
    }

    async fn restore(&self, restore: Restore) -> Verdict {
        let asking = self.desk.line.ask(async |open| {
            let call = self.desk.restore(&open.scripts.restore, &restore);
            call.query_async(&mut open.connection).await
        });
        let verdict = match asking.await {
            Ok(answer) => verdict(Ok(answer), restore.epoch),
            Err(error) => Verdict::Unknown {
                reason: error.to_string(),
            },
        };
        metrics::verdict(&verdict);
        verdict
    }

    async fn load(&self, room: RoomId) -> Result<Option<StoredRoom>, StoreError> {
        let asking = self.desk.line.ask(async |open| {
            let mut both = redis::pipe();
            both.atomic()
                .cmd("HMGET")
                .arg(self.desk.keys.room(room))
                .arg(&["epoch", "last", "covered", "snapshot"])
                .cmd("LRANGE")
                .arg(self.desk.keys.log(room))
                .arg(0)
                .arg(-1);
            both.query_async(&mut open.connection).await
        });
        let (head, log): (Head, Vec<Vec<u8>>) = asking.await?;
        stored(room, head, log)
    }

    async fn remove(&self, room: RoomId) -> Result<(), StoreError> {
        let asking = self.desk.line.ask(async |open| {
            let mut all = redis::pipe();
            all.atomic()
                .del(&[self.desk.keys.room(room), self.desk.keys.log(room)])
                .zrem(self.desk.keys.rooms(), name(room))
                .zrem(self.desk.keys.rooms_by_shard(), name(room));
            all.exec_async(&mut open.connection).await
        });
        asking.await
    }

    async fn list(&self, after: Option<RoomId>, limit: usize) -> Result<Vec<RoomId>, StoreError> {
        let start = after.map_or_else(|| "-".to_owned(), |room| format!("({}", name(room)));
        let asking = self.desk.line.ask(async |open| {
            redis::cmd("ZRANGEBYLEX")
                .arg(self.desk.keys.rooms())
                .arg(start)
                .arg("+")
                .arg("LIMIT")
                .arg(0)
                .arg(i64::try_from(limit).unwrap_or(i64::MAX))
                .query_async(&mut open.connection)
                .await
        });
        let names: Vec<String> = asking.await?;
        names.iter().map(|name| room_of(name)).collect()
    }

    async fn rooms_of(&self, shard: ShardId) -> Result<Vec<RoomId>, StoreError> {
        let asking = self.desk.line.ask(async |open| {
            redis::cmd("ZRANGEBYSCORE")
                .arg(self.desk.keys.rooms_by_shard())
                .arg(shard.0)
                .arg(shard.0)
                .query_async(&mut open.connection)
                .await
        });
        let names: Vec<String> = asking.await?;
        names.iter().map(|name| room_of(name)).collect()
    }

    async fn health(&self) -> Result<(), StoreError> {
        let asking = self.desk.line.ask(async |open| {
            let ping = redis::cmd("PING");
            ping.exec_async(&mut open.connection).await
        });
        asking.await
    }
}

/// Writes group after group, one at a time, until the store is dropped.
async fn write(desk: Arc<Desk>, mut queue: mpsc::Receiver<Job>) {
    while let Some(first) = queue.recv().await {
        let group = gather(first, &mut queue);
        let started = Instant::now();
        let verdicts = desk.write_group(&group).await;
        metrics::group(verdicts.len(), started.elapsed());
        let mut verdicts = verdicts.into_iter();
        let each: Vec<_> = group
            .iter()
            .map(|job| verdicts.by_ref().take(job.batch.len()).collect())
            .collect();
        answer(group, each);
    }
}

impl Desk {
    async fn write_group(&self, group: &[Job]) -> Vec<Verdict> {
        let commits = || group.iter().flat_map(|job| &job.batch);
        let asked = self
            .line
            .ask(async |open| {
                let mut pipeline = redis::pipe();
                pipeline.ignore_errors();
                for commit in commits() {
                    pipeline.add_command(self.commit(&open.scripts.commit, commit));
                }
                let answers: Vec<RedisResult<Value>> = pipeline.query_async(&mut open.connection).await?;
                if answers.iter().any(Result::is_err) {
                    // It may have forgotten the scripts, or be another server than it was.
                    self.line.lost(open).await;
                }
                Ok(answers)
            })
            .await;
        match asked {
            Ok(answers) => {
                let each = answers.into_iter().zip(commits());
                each.map(|(answer, commit)| verdict(answer, commit.epoch))
                    .collect()
            }
            Err(error) => unknown(commits().count(), &error.to_string()),
        }
    }

    fn commit(&self, script: &str, commit: &Commit) -> Cmd {
        let mut call = self.call(script, commit.room, commit.fence.as_deref());
        call.arg(commit.epoch.0)
            .arg(commit.expect.0)
            .arg(commit.last.0)
            .arg(entry(commit))
            .arg(name(commit.room))
            .arg(RESEND_TAIL)
            .arg(&commit.snapshot);
        call
    }

    fn restore(&self, script: &str, restore: &Restore) -> Cmd {
        let mut call = self.call(script, restore.room, restore.fence.as_deref());
        call.arg(restore.epoch.0)
            .arg(restore.last.0)
            .arg(name(restore.room))
            .arg(&restore.snapshot);
        call
    }

    /// A call of a script about a room, in somebody's name or in none.
    fn call(&self, script: &str, room: RoomId, fence: Option<&Fence>) -> Cmd {
        let mut call = redis::cmd("EVALSHA");
        let keys = self.keys.of_room(room);
        call.arg(script).arg(keys.len()).arg(&keys);
        match fence {
            Some(Fence { node, life }) => call
                .arg(node.node.as_str())
                .arg(node.incarnation)
                .arg(life.to_string()),
            None => call.arg("").arg(0).arg(""),
        };
        // Writing raises no generation.
        call.arg(0).arg(millis(self.settle)).arg(room.shard().0);
        call
    }
}

/// On a write in the reign `epoch`.
fn verdict(answer: RedisResult<Value>, epoch: Epoch) -> Verdict {
    let unknown = |reason: String| Verdict::Unknown { reason };
    match answer {
        Ok(value) => Answer::read(value)
            .and_then(|answer| answer.verdict(epoch))
            .unwrap_or_else(|| unknown("Redis answered what cannot be read".to_owned())),
        Err(error) => unknown(format!("Redis: {error}")),
    }
}
