//! One connection in one life of the server. It ends for good at the first answer that nobody knows: whatever is on its way then is unknown, too.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use redis::aio::MultiplexedConnection;
use redis::{Cmd, Value};
use tokio::sync::watch;
use tokio::time::timeout;
use videorooms_domain::{Epoch, NodeIncarnation, ShardId};

use super::SessionTiming;
use super::rows::{node_views, table};
use crate::ownership::{
    Caller, Declaration, Fate, Generation, NotDeclared, OwnershipSession, Profile, ReAssertion, Reign,
    Renewed, StoreIncarnation,
};
use crate::redis::answer::Answer;
use crate::redis::connecting::Connected;
use crate::redis::schema::{Keys, millis};
use crate::redis::scripts::Scripts;

pub(super) struct RedisSession {
    life: StoreIncarnation,
    scripts: Arc<Scripts>,
    keys: [String; 3],
    timing: SessionTiming,
    connection: Mutex<Option<MultiplexedConnection>>,
    end: watch::Sender<bool>,
    /// The server's time at the last answer, which the port does not tell.
    #[cfg(test)]
    pub(super) answered_ms: std::sync::atomic::AtomicU64,
}

impl RedisSession {
    pub(super) fn over(connected: Connected, prefix: &str, timing: SessionTiming) -> Self {
        let Connected {
            connection,
            scripts,
            life,
        } = connected;
        let keys = Keys::under(prefix);
        Self {
            life,
            scripts,
            keys: [keys.meta(), keys.nodes(), keys.table()],
            timing,
            connection: Mutex::new(Some(connection)),
            end: watch::Sender::new(false),
            #[cfg(test)]
            answered_ms: Default::default(),
        }
    }

    fn call(&self, script: &str, caller: &Caller) -> Cmd {
        let mut call = redis::cmd("EVALSHA");
        call.arg(script)
            .arg(self.keys.len())
            .arg(&self.keys)
            .arg(caller.node.node.as_str())
            .arg(caller.node.incarnation)
            .arg(caller.store.to_string())
            .arg(caller.generation.0)
            .arg(millis(self.timing.settle));
        call
    }

    /// Sends a call and reads its answer: what it did, or why it refused.
    async fn ask<T, R>(
        &self,
        call: &Cmd,
        done: impl FnOnce(Answer) -> Option<T>,
        refused: impl FnOnce(Answer) -> Option<R>,
    ) -> Fate<T, R> {
        let connection = self.connection.lock().clone();
        let Some(mut connection) = connection else {
            return Fate::Unknown;
        };
        let mut end = self.end.subscribe();
        let answer = tokio::select! {
            answer = timeout(self.timing.answer_within, call.query_async(&mut connection)) => answer,
            _ = end.wait_for(|ended| *ended) => return Fate::Unknown,
        };
        let answer: Value = match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return self.ended(&error.to_string()),
            Err(_) => return self.ended("it does not answer in time"),
        };
        self.read(answer, done, refused)
            .unwrap_or_else(|| self.ended("it answered what cannot be read"))
    }

    fn read<T, R>(
        &self,
        answer: Value,
        done: impl FnOnce(Answer) -> Option<T>,
        refused: impl FnOnce(Answer) -> Option<R>,
    ) -> Option<Fate<T, R>> {
        let answer = Answer::read(answer)?;
        #[cfg(test)]
        self.answered_ms
            .store(answer.at_ms, std::sync::atomic::Ordering::Relaxed);
        if answer.word == "done" {
            done(answer).map(Fate::Done)
        } else {
            refused(answer).map(Fate::Refused)
        }
    }

    fn ended<T, R>(&self, why: &str) -> Fate<T, R> {
        if !self.end.send_replace(true) {
            tracing::warn!(reason = why, "a session with Redis has ended");
        }
        *self.connection.lock() = None;
        Fate::Unknown
    }

    async fn ask_epoch(&self, call: &Cmd) -> Fate<Epoch> {
        self.ask(call, |mut answer| answer.next_epoch(), Answer::refusal)
            .await
    }
}

#[async_trait]
impl OwnershipSession for RedisSession {
    fn life(&self) -> StoreIncarnation {
        self.life
    }

    async fn renew(&self, caller: &Caller, profile: &Profile, cached: Option<Generation>) -> Fate<Renewed> {
        let mut call = self.call(&self.scripts.renew, caller);
        call.arg(profile.address.as_ref())
            .arg(profile.version)
            .arg(profile.load)
            .arg(profile.weight)
            .arg(u8::from(profile.draining))
            .arg(
                cached
                    .map(|generation| generation.0.to_string())
                    .unwrap_or_default(),
            );
        self.ask(&call, renewed, Answer::refusal).await
    }

    async fn declare_dead(
        &self,
        caller: &Caller,
        declaration: &Declaration,
    ) -> Fate<Generation, NotDeclared> {
        let Declaration {
            dead,
            generation,
            limit,
            heirs,
        } = declaration;
        let mut call = self.call(&self.scripts.declare_dead, caller);
        call.arg(dead.node.as_str())
            .arg(dead.incarnation)
            .arg(generation.0)
            .arg(millis(*limit));
        for (shard, heir) in heirs {
            call.arg(shard.0).arg(heir.node.as_str()).arg(heir.incarnation);
        }
        let done = |mut answer: Answer| answer.next().map(Generation);
        self.ask(&call, done, Answer::not_declared).await
    }

    async fn claim(&self, caller: &Caller, shard: ShardId, known: Epoch) -> Fate<Epoch> {
        let mut call = self.call(&self.scripts.claim, caller);
        call.arg(shard.0).arg(known.0);
        self.ask_epoch(&call).await
    }

    async fn re_assert(&self, caller: &Caller, claim: ReAssertion) -> Fate<Epoch> {
        let mut call = self.call(&self.scripts.re_assert, caller);
        call.arg(claim.shard.0).arg(claim.held.0);
        self.ask_epoch(&call).await
    }

    async fn hand_off(&self, caller: &Caller, reign: Reign, to: &NodeIncarnation) -> Fate<Epoch> {
        let mut call = self.call(&self.scripts.hand_off, caller);
        call.arg(reign.shard.0)
            .arg(reign.epoch.0)
            .arg(to.node.as_str())
            .arg(to.incarnation);
        self.ask_epoch(&call).await
    }
}

fn renewed(mut answer: Answer) -> Option<Renewed> {
    let generation = Generation(answer.next()?);
    let nodes = node_views(answer.next_rows()?, answer.at_ms)?;
    let table = match answer.next::<Option<_>>()? {
        Some(rows) => Some(table(rows)?),
        None => None,
    };
    Some(Renewed {
        generation,
        nodes,
        table,
    })
}
