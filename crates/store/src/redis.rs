//! `RedisStore`: rooms in Redis, for nodes that share them.
//!
//! One script judges and writes a commit, so that no other can come in between. Commits that wait while the last group is on its way go as one
//! pipeline: Redis syncs its log once for all that it finds to do, so a pipeline is a group commit. Nothing is retried here: what fails is of
//! unknown fate, and whoever asked sends it again.

mod address;
mod line;
mod schema;
mod scripts;
mod surroundings;

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use redis::RedisResult;
use tokio::sync::mpsc;
use videorooms_domain::{Epoch, NodeIncarnation, RoomId, Seq};

use crate::group::{Job, Jobs, answer, gather, unknown};
use crate::{Commit, Durability, RESEND_TAIL, RoomStore, StoreError, StoredRoom, Verdict, metrics};
use address::Address;
use line::Line;
use schema::{Head, Keys, entry, name, room_of, stored};

/// Rooms in Redis; see the module's first lines.
pub struct RedisStore {
    line: Arc<Line>,
    keys: Keys,
    jobs: Jobs,
}

impl RedisStore {
    /// Connects, and makes sure that Redis is fit to keep rooms.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] for a wrong URL or when nobody answers within 2 s, [`StoreError::Unsafe`], [`StoreError::Newer`].
    pub async fn open(url: &str, durability: Durability) -> Result<Self, StoreError> {
        let address = Address::parse(url)?;
        let keys = Keys::under(&address.prefix);
        let line = Arc::new(Line::to(address, durability));
        line.open().await?;
        let (jobs, queue) = Jobs::queue();
        drop(tokio::spawn(write(Arc::clone(&line), keys.clone(), queue)));
        Ok(Self { line, keys, jobs })
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
        let asking = self.line.ask(async |open| {
            redis::cmd("EVALSHA")
                .arg(&open.scripts.open_reign)
                .arg(1)
                .arg(self.keys.meta())
                .arg(at_least.0.max(now_ms))
                .query_async(&mut open.connection)
                .await
        });
        asking.await.map(Epoch)
    }

    async fn commit(&self, batch: Vec<Commit>) -> Vec<Verdict> {
        self.jobs.commit(batch).await
    }

    async fn load(&self, room: RoomId) -> Result<Option<StoredRoom>, StoreError> {
        let asking = self.line.ask(async |open| {
            let mut both = redis::pipe();
            both.atomic()
                .cmd("HMGET")
                .arg(self.keys.room(room))
                .arg(&["epoch", "last", "covered", "snapshot"])
                .cmd("LRANGE")
                .arg(self.keys.log(room))
                .arg(0)
                .arg(-1);
            both.query_async(&mut open.connection).await
        });
        let (head, log): (Head, Vec<Vec<u8>>) = asking.await?;
        stored(room, head, log)
    }

    async fn remove(&self, room: RoomId) -> Result<(), StoreError> {
        let asking = self.line.ask(async |open| {
            let mut all = redis::pipe();
            all.atomic()
                .del(&[self.keys.room(room), self.keys.log(room)])
                .zrem(self.keys.rooms(), name(room));
            all.exec_async(&mut open.connection).await
        });
        asking.await
    }

    async fn list(&self, after: Option<RoomId>, limit: usize) -> Result<Vec<RoomId>, StoreError> {
        let start = after.map_or_else(|| "-".to_owned(), |room| format!("({}", name(room)));
        let asking = self.line.ask(async |open| {
            redis::cmd("ZRANGEBYLEX")
                .arg(self.keys.rooms())
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

    async fn health(&self) -> Result<(), StoreError> {
        let asking = self.line.ask(async |open| {
            let ping = redis::cmd("PING");
            ping.exec_async(&mut open.connection).await
        });
        asking.await
    }
}

/// Writes group after group, one at a time, until the store is dropped.
async fn write(line: Arc<Line>, keys: Keys, mut queue: mpsc::Receiver<Job>) {
    while let Some(first) = queue.recv().await {
        let group = gather(first, &mut queue);
        let started = Instant::now();
        let verdicts = write_group(&line, &keys, &group).await;
        metrics::group(verdicts.len(), started.elapsed());
        let mut verdicts = verdicts.into_iter();
        let each: Vec<_> = group
            .iter()
            .map(|job| verdicts.by_ref().take(job.batch.len()).collect())
            .collect();
        answer(group, each);
    }
}

async fn write_group(line: &Line, keys: &Keys, group: &[Job]) -> Vec<Verdict> {
    let commits = || group.iter().flat_map(|job| &job.batch);
    let asked = line
        .ask(async |open| {
            let mut pipeline = redis::pipe();
            pipeline.ignore_errors();
            for commit in commits() {
                pipeline
                    .cmd("EVALSHA")
                    .arg(&open.scripts.commit)
                    .arg(4)
                    .arg(keys.meta())
                    .arg(keys.rooms())
                    .arg(keys.room(commit.room))
                    .arg(keys.log(commit.room))
                    .arg(commit.epoch.0)
                    .arg(commit.expect.0)
                    .arg(commit.last.0)
                    .arg(entry(commit))
                    .arg(name(commit.room))
                    .arg(RESEND_TAIL)
                    .arg(&commit.snapshot);
            }
            let answers: Vec<RedisResult<Vec<String>>> = pipeline.query_async(&mut open.connection).await?;
            if answers.iter().any(Result::is_err) {
                // It may have forgotten the scripts, or be another server than it was.
                line.lost(open).await;
            }
            Ok(answers)
        })
        .await;
    match asked {
        Ok(answers) => answers.into_iter().map(verdict).collect(),
        Err(error) => unknown(commits().count(), &error.to_string()),
    }
}

fn verdict(answer: RedisResult<Vec<String>>) -> Verdict {
    let unknown = |reason: String| Verdict::Unknown { reason };
    let words = match answer {
        Ok(words) => words,
        Err(error) => return unknown(format!("Redis: {error}")),
    };
    let number = || words.get(1)?.parse().ok();
    match (words.first().map(String::as_str), number()) {
        (Some("committed"), _) => Verdict::Committed,
        (Some("deposed"), Some(epoch)) => Verdict::Deposed { epoch: Epoch(epoch) },
        (Some("behind"), Some(stored)) => Verdict::Behind { stored: Seq(stored) },
        _ => unknown(format!("Redis answered {words:?}")),
    }
}
