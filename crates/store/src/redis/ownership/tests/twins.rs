//! A server and its model, asked the same.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use redis::{Cmd, Value};
use videorooms_domain::{Epoch, NodeIncarnation, RoomId, Seq, ShardId};
use videorooms_tests::{RedisData, RedisServer};

use super::super::rows::{node_views, table};
use super::{Call, Kept};
use crate::memory::Rooms;
use crate::ownership::{
    Caller, Declaration, Fate, Generation, Ledger, NodeView, Nodes, OwnershipSession, Profile, ReAssertion,
    Reign, StoreIncarnation, StoreTime, Table,
};
use crate::redis::answer::Answer;
use crate::redis::ownership::session::RedisSession;
use crate::ruling::verdict_of;
use crate::{
    Commit, Durability, Fence, RedisOwnership, RedisStore, Restore, RoomStore, SessionTiming, Verdict,
};

const NAMES: [&str; 3] = ["a", "b", "c"];
/// Of one shard each.
const ROOMS: [RoomId; 2] = [RoomId(1), RoomId(2)];
/// A slow machine is no difference.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the server is to hold.
#[derive(Clone)]
struct Model {
    ledger: Ledger,
    rooms: Rooms,
}

pub(super) struct Twins {
    server: RedisServer,
    settle: Duration,
    sessions: Vec<RedisSession>,
    rooms: RedisStore,
    model: Model,
    earlier: Option<(RedisData, Model)>,
    boots: [u64; 3],
    /// The next call names another life.
    stray: bool,
    /// Epochs that were given out, by whom they belong to.
    reigns: [BTreeMap<Epoch, NodeIncarnation>; 2],
}

impl Twins {
    pub(super) async fn new(server: RedisServer, settle: Duration) -> Self {
        let (sessions, rooms) = connect(&server, settle).await;
        let model = Model {
            ledger: Ledger::new(settle),
            rooms: Rooms::default(),
        };
        let mut twins = Self {
            server,
            settle,
            sessions,
            rooms,
            model,
            earlier: None,
            boots: [1; 3],
            stray: false,
            reigns: Default::default(),
        };
        twins.open().await;
        twins
    }

    pub(super) async fn call(&mut self, who: usize, ahead: u64, call: Call) {
        let me = Caller {
            node: self.boot(who),
            store: match std::mem::take(&mut self.stray) {
                true => StoreIncarnation([9; 20]),
                false => self.sessions[who].life(),
            },
            generation: Generation(self.model.ledger.generation.0 * ahead + ahead),
        };
        match call {
            Call::Renew {
                cached,
                weight,
                draining,
            } => self.renew(who, &me, cached, weight, draining).await,
            Call::Claim { shard, known } => {
                let known = Epoch(self.highest(shard).0 * known.min(1) + known / 2);
                let fate = self.sessions[who].claim(&me, shard_of(shard), known).await;
                let now = self.now(who);
                same(fate, self.model.ledger.claim(now, &me, shard_of(shard), known));
            }
            Call::Declare {
                dead,
                heirs,
                limit_ms,
                outdated,
            } => {
                let heirs = heirs.iter().enumerate();
                let declaration = Declaration {
                    dead: self.boot(dead),
                    generation: Generation(self.model.ledger.generation.0 + u64::from(outdated)),
                    limit: Duration::from_millis(limit_ms),
                    heirs: heirs
                        .map(|(shard, heir)| (shard_of(shard), self.boot(*heir)))
                        .collect(),
                };
                let fate = self.sessions[who].declare_dead(&me, &declaration).await;
                let now = self.now(who);
                same(fate, self.model.ledger.declare_dead(now, &me, &declaration));
            }
            Call::HandOff { shard, back, to } => {
                let reign = self.reign(shard, back);
                let fate = self.sessions[who].hand_off(&me, reign, &self.boot(to)).await;
                let (now, to) = (self.now(who), self.boot(to));
                same(fate, self.model.ledger.hand_off(now, &me, reign, &to));
            }
            Call::ReAssert { shard, back } => {
                let Reign { shard, epoch: held } = self.reign(shard, back);
                let claim = ReAssertion { shard, held };
                let fate = self.sessions[who].re_assert(&me, claim).await;
                let now = self.now(who);
                same(fate, self.model.ledger.re_assert(now, &me, claim));
            }
            Call::Commit {
                shard,
                back,
                place,
                snapshot,
            } => {
                let last = self.model.rooms.load(ROOMS[shard]).map_or(0, |room| room.last.0);
                let expect = (last + place).saturating_sub(2);
                let commit = Commit {
                    room: ROOMS[shard],
                    epoch: self.reign(shard, back).epoch,
                    expect: Seq(expect),
                    last: Seq(expect + 1),
                    record: vec![expect as u8; 3],
                    snapshot: snapshot.then(|| vec![expect as u8]),
                    fence: Some(fence(&me)),
                };
                self.commit(&me, commit).await;
            }
            Call::Restore { shard, back, ahead } => self.restore(&me, shard, back, ahead).await,
            Call::Pass { ms } => self.pass(ms).await,
            Call::Restart(kept) => self.restart(kept).await,
            Call::Boot => self.boots[who] += 1,
            Call::Stray => self.stray = true,
        }
    }

    /// Everything that the server holds is what the model holds, and no epoch was given to two.
    pub(super) async fn compare(&mut self) {
        let Ledger {
            incarnation,
            since_ms,
            generation,
            nodes,
            table,
            ..
        } = &self.model.ledger;
        let stored = self.read().await;
        assert_eq!(stored.life, incarnation.map(|life| life.to_string()));
        assert_eq!(stored.since_ms, *since_ms);
        assert_eq!(stored.generation.unwrap_or_default(), generation.0);
        assert_eq!(stored.table, *table);
        assert_eq!(stored.nodes, views(nodes, stored.now_ms));
        for (room, reigns) in ROOMS.iter().zip(&mut self.reigns) {
            let held = self.rooms.load(*room).await.expect("a healthy store loads");
            assert_eq!(held, self.model.rooms.load(*room));
            if let Some(row) = table.get(&room.shard()) {
                let owner = reigns.entry(row.epoch).or_insert_with(|| row.owner.clone());
                assert_eq!(*owner, row.owner, "{:?} was another's", row.epoch);
            }
        }
    }

    async fn renew(&mut self, who: usize, me: &Caller, cached: bool, weight: u32, draining: bool) {
        let profile = Profile {
            address: "host:1".into(),
            version: 1,
            load: weight * 7,
            weight,
            draining,
        };
        let cached = cached.then_some(self.model.ledger.generation);
        let fate = self.sessions[who].renew(me, &profile, cached).await;
        let now = self.now(who);
        same(fate, self.model.ledger.renew(now, me, &profile, cached));
    }

    async fn commit(&mut self, me: &Caller, commit: Commit) {
        let open = self.rooms.desk.line.open().await.expect("it runs");
        let call = self.rooms.desk.commit(&open.scripts.commit, &commit);
        let epoch = commit.epoch;
        let (now, verdict) = self.write(&call, epoch).await;
        let shard = commit.room.shard();
        let reign = Reign { shard, epoch };
        let expected = match self.model.ledger.fence(now, me, reign) {
            Ok(()) => self.model.rooms.commit(commit),
            Err(refusal) => verdict_of(refusal, epoch),
        };
        assert_eq!(verdict, expected);
    }

    async fn restore(&mut self, me: &Caller, shard: usize, back: usize, ahead: u64) {
        let Reign { epoch, .. } = self.reign(shard, back);
        let last = self.model.rooms.load(ROOMS[shard]).map_or(0, |room| room.last.0);
        let restore = Restore {
            room: ROOMS[shard],
            epoch,
            fence: Some(fence(me)),
            last: Seq((last + ahead).max(1)),
            snapshot: vec![ahead as u8],
        };
        let open = self.rooms.desk.line.open().await.expect("it runs");
        let call = self.rooms.desk.restore(&open.scripts.restore, &restore);
        let (_, verdict) = self.write(&call, epoch).await;
        let expected = match self.model.ledger.restores(me, shard_of(shard), epoch) {
            Ok(()) => self.model.rooms.restore(restore),
            Err(refusal) => verdict_of(refusal, epoch),
        };
        assert_eq!(verdict, expected);
    }

    /// Runs a script of rooms past the port, which does not tell the time.
    async fn write(&self, call: &Cmd, epoch: Epoch) -> (StoreTime, Verdict) {
        let mut open = self.rooms.desk.line.open().await.expect("it runs");
        let value: Value = call.query_async(&mut open.connection).await.expect("it answers");
        let answer = Answer::read(value).expect("an answer");
        let now = StoreTime::from_ms(answer.at_ms);
        (now, answer.verdict(epoch).expect("a verdict"))
    }

    /// Waits until the server's clock has moved.
    async fn pass(&self, ms: u64) {
        let (start, from) = (Instant::now(), self.read().await.now_ms);
        while self.read().await.now_ms < from + ms {
            assert!(start.elapsed() < PATIENCE, "the server's clock stands still");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn restart(&mut self, kept: Kept) {
        // Nobody gives out more epochs than milliseconds pass, so that the clock is past those that are lost.
        let given = self.highest(0).max(self.highest(1)).0;
        let now = self.read().await.now_ms;
        self.pass((given + 1).saturating_sub(now)).await;
        match (kept, &self.earlier) {
            (Kept::Some, Some((data, model))) => {
                self.server.restart_on(data);
                self.model = model.clone();
            }
            (Kept::None, _) => {
                self.server.restart_empty();
                self.model = Model {
                    ledger: Ledger::new(self.settle),
                    rooms: Rooms::default(),
                };
            }
            (Kept::All | Kept::Some, _) => {
                self.earlier = Some((self.server.copy(), self.model.clone()));
                self.server.kill();
                self.server.restart();
            }
        }
        let former = self.sessions[0].life();
        (self.sessions, self.rooms) = connect(&self.server, self.settle).await;
        assert!(self.sessions.iter().all(|session| session.life() != former));
        self.open().await;
    }

    /// The model learns of the life that the server is in.
    async fn open(&mut self) {
        let since_ms = self.read().await.since_ms;
        let life = self.sessions[0].life();
        self.model.ledger.open(StoreTime::from_ms(since_ms), life);
    }

    async fn read(&self) -> Stored {
        let mut open = self.rooms.desk.line.open().await.expect("it runs");
        let keys = &self.rooms.desk.keys;
        let mut all = redis::pipe();
        all.atomic()
            .cmd("HMGET")
            .arg(keys.meta())
            .arg(&["incarnation", "since", "generation"])
            .hgetall(keys.nodes())
            .hgetall(keys.table())
            .cmd("TIME");
        type Read = (
            (Option<String>, u64, Option<u64>),
            HashMap<String, String>,
            HashMap<String, String>,
            (u64, u64),
        );
        let read: Read = all.query_async(&mut open.connection).await.expect("it answers");
        let ((life, since_ms, generation), nodes, shards, (seconds, micros)) = read;
        let now_ms = seconds * 1000 + micros / 1000;
        Stored {
            life,
            since_ms,
            generation,
            nodes: node_views(nodes, now_ms).expect("rows of nodes"),
            table: table(shards).expect("rows of shards"),
            now_ms,
        }
    }

    fn boot(&self, who: usize) -> NodeIncarnation {
        NodeIncarnation {
            node: NAMES[who].parse().expect("a legal name"),
            incarnation: self.boots[who],
        }
    }

    fn now(&self, who: usize) -> StoreTime {
        StoreTime::from_ms(self.sessions[who].answered_ms.load(Ordering::Relaxed))
    }

    fn highest(&self, shard: usize) -> Epoch {
        self.reigns[shard].keys().last().copied().unwrap_or_default()
    }

    /// A reign that was given out, the latest first; past the first, one that never was.
    fn reign(&self, shard: usize, back: usize) -> Reign {
        let mut given = self.reigns[shard].keys().rev().copied();
        let epoch = given.nth(back).unwrap_or(Epoch(self.highest(shard).0 + 1));
        Reign {
            shard: shard_of(shard),
            epoch,
        }
    }
}

/// What stands in Redis.
struct Stored {
    life: Option<String>,
    since_ms: u64,
    generation: Option<u64>,
    nodes: Vec<NodeView>,
    table: Table,
    now_ms: u64,
}

async fn connect(server: &RedisServer, settle: Duration) -> (Vec<RedisSession>, RedisStore) {
    let (url, timing) = (
        server.url(),
        SessionTiming {
            settle,
            answer_within: PATIENCE,
        },
    );
    let owners = RedisOwnership::new(&url, Durability::Strict, timing).expect("a URL");
    let mut sessions = Vec::new();
    for _ in NAMES {
        sessions.push(owners.session().await.expect("it runs"));
    }
    let rooms = RedisStore::open_settling(&url, Durability::Strict, settle).await;
    (sessions, rooms.expect("it runs"))
}

fn same<T: PartialEq + std::fmt::Debug, R: PartialEq + std::fmt::Debug>(
    fate: Fate<T, R>,
    expected: Result<T, R>,
) {
    let expected = match expected {
        Ok(done) => Fate::Done(done),
        Err(refused) => Fate::Refused(refused),
    };
    assert_eq!(fate, expected);
}

fn shard_of(shard: usize) -> ShardId {
    ROOMS[shard].shard()
}

fn fence(me: &Caller) -> Arc<Fence> {
    Arc::new(Fence {
        node: me.node.clone(),
        life: me.store,
    })
}

fn views(nodes: &Nodes, now_ms: u64) -> Vec<NodeView> {
    let views = nodes.iter().map(|(node, row)| NodeView {
        node: NodeIncarnation {
            node: node.clone(),
            incarnation: row.incarnation,
        },
        profile: row.profile.clone(),
        state: row.state,
        age: Duration::from_millis(now_ms.saturating_sub(row.beat_ms)),
    });
    views.collect()
}
