//! `OwnershipStore`: the port through which nodes learn who is alive and who owns what, and change it.
//!
//! [`Ledger`] is what every call means, as functions over a value: read it first. An adapter runs each as one atomic step on data that all nodes share, by the
//! store's own clock. A call is one of a [`OwnershipSession`], which is one connection in one life of the store: it is never reconnected in silence.

mod ledger;
mod memory;
mod values;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use videorooms_domain::{Epoch, NodeIncarnation, ShardId};

pub use ledger::{Caller, Declaration, Ledger, Lost, NotDeclared, ReAssertion, Refusal, Reign, Renewed};
pub use memory::MemoryOwnership;
pub use values::{
    Generation, InvalidRunId, NodeRow, NodeState, NodeView, Nodes, Profile, ShardRow, StoreIncarnation,
    StoreTime, Table,
};

use crate::StoreError;

/// The first part of a life of the store, in which commits, claims, hand-offs and declarations are put off (S3 of [`Ledger`]): long enough for every
/// holder to notice and to re-assert.
pub const SETTLE: Duration = Duration::from_secs(1);

/// Where it is written who is alive and who owns what.
#[async_trait]
pub trait OwnershipStore: Send + Sync + 'static {
    /// Makes a new connection and puts the store's life on record with it. Ends by itself within a time that the adapter sets.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn connect(&self) -> Result<Arc<dyn OwnershipSession>, StoreError>;
}

/// What became of a call: the script ran, it refused and changed nothing, or nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Fate<T, R = Refusal> {
    /// The script ran.
    Done(T),
    /// It refused.
    Refused(R),
    /// Nobody knows whether it ran: the connection broke or was too slow. Why is in the log.
    Unknown,
}

/// One connection in one life of the store. Calls may be made at once; they are executed in the order in which they were made. After [`Fate::Unknown`] the session is
/// of no use any more. The [`Ledger`]'s function of the same name says what each call does.
#[async_trait]
pub trait OwnershipSession: Send + Sync + 'static {
    /// The life of the store that the connection was opened in.
    fn life(&self) -> StoreIncarnation;

    /// See [`Ledger::renew`].
    async fn renew(&self, caller: &Caller, profile: &Profile, cached: Option<Generation>) -> Fate<Renewed>;

    /// See [`Ledger::declare_dead`].
    async fn declare_dead(&self, caller: &Caller, declaration: &Declaration)
    -> Fate<Generation, NotDeclared>;

    /// See [`Ledger::claim`].
    async fn claim(&self, caller: &Caller, shard: ShardId, known: Epoch) -> Fate<Epoch>;

    /// See [`Ledger::re_assert`].
    async fn re_assert(&self, caller: &Caller, claim: ReAssertion) -> Fate<Epoch>;

    /// See [`Ledger::hand_off`].
    async fn hand_off(&self, caller: &Caller, reign: Reign, to: &NodeIncarnation) -> Fate<Epoch>;
}
