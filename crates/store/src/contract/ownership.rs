//! The contract of [`OwnershipStore`] as a suite that every adapter's tests run: each answer of the [`Ledger`](crate::ownership::Ledger), success and refusal.
//!
//! Each rule works on a shard and on nodes of its own, so that one store serves the whole suite.

mod death;
mod settling;

use std::sync::Arc;
use std::time::Duration;

use videorooms_domain::{Epoch, NodeIncarnation, ShardId};

use crate::ownership::{
    Caller, Fate, Generation, Lost, NodeState, OwnershipSession, OwnershipStore, Profile, ReAssertion,
    Refusal, Reign, Renewed, StoreIncarnation, Table,
};

pub use settling::settles;

/// Runs the suite on an empty store that settles at once: its time to settle is zero.
///
/// # Panics
/// When the store breaks a rule.
pub async fn holds(store: Arc<dyn OwnershipStore>) {
    let session = &*store.connect().await.expect("a healthy store is connected to");
    two_connections_see_one_life(&*store, session).await;
    a_renewal_makes_a_row_and_shows_all(session).await;
    a_table_is_shown_to_who_does_not_have_it(session).await;
    what_a_node_says_of_itself_is_kept_and_states_raise_the_generation(session).await;
    a_new_boot_ends_the_former(session).await;
    a_boot_is_any_number(session).await;
    a_shard_is_claimed_once_and_again_by_its_owner(session).await;
    a_shard_is_claimed_only_by_the_living(session).await;
    a_shard_is_handed_off_by_its_owner_in_its_reign_to_the_living(session).await;
    a_re_assertion_takes_what_is_free_and_says_the_same_again(session).await;
    a_re_assertion_yields_to_a_living_owner_and_to_a_later_reign(session).await;
    another_life_is_refused_by_every_call(session).await;
    calls_made_at_once_are_all_answered(session).await;
    death::holds(session).await;
}

/// A node, and what it says with each call.
#[derive(Clone)]
struct Node {
    caller: Caller,
    profile: Profile,
}

impl Node {
    fn new(session: &dyn OwnershipSession, name: &str) -> Self {
        Self {
            caller: Caller {
                node: NodeIncarnation {
                    node: name.parse().expect("a legal name"),
                    incarnation: 1,
                },
                store: session.life(),
                generation: Generation(0),
            },
            profile: Profile {
                address: format!("{name}:4400").into(),
                version: 1,
                load: 3,
                weight: 100,
                draining: false,
            },
        }
    }

    /// A node that is in the table.
    async fn up(session: &dyn OwnershipSession, name: &str) -> Self {
        let node = Self::new(session, name);
        node.renew(session).await;
        node
    }

    fn boot(&self) -> NodeIncarnation {
        self.caller.node.clone()
    }

    fn again(&self) -> Self {
        let mut again = self.clone();
        again.caller.node.incarnation += 1;
        again
    }

    async fn renew(&self, session: &dyn OwnershipSession) -> Renewed {
        done(session.renew(&self.caller, &self.profile, None).await)
    }
}

fn done<T: std::fmt::Debug, R: std::fmt::Debug>(fate: Fate<T, R>) -> T {
    match fate {
        Fate::Done(done) => done,
        other @ (Fate::Refused(_) | Fate::Unknown) => panic!("it is not done but {other:?}"),
    }
}

fn lost<T>(owner: &NodeIncarnation, epoch: Epoch) -> Fate<T> {
    let owner = owner.clone();
    Fate::Refused(Refusal::Lost(Lost { owner, epoch }))
}

async fn table(session: &dyn OwnershipSession, node: &Node) -> Table {
    node.renew(session).await.table.expect("nothing was cached")
}

async fn generation(session: &dyn OwnershipSession, node: &Node) -> Generation {
    node.renew(session).await.generation
}

async fn two_connections_see_one_life(store: &dyn OwnershipStore, session: &dyn OwnershipSession) {
    let other = store.connect().await.expect("a healthy store is connected to");
    assert_eq!(other.life(), session.life());
    let a = Node::up(session, "life-a").await;
    assert!(
        a.renew(&*other)
            .await
            .nodes
            .iter()
            .any(|view| view.node == a.boot())
    );
}

async fn a_renewal_makes_a_row_and_shows_all(session: &dyn OwnershipSession) {
    let a = Node::up(session, "row-a").await;
    let b = Node::up(session, "row-b").await;
    let nodes = a.renew(session).await.nodes;
    assert!(nodes.is_sorted_by(|a, b| a.node < b.node));
    for node in [&a, &b] {
        let view = nodes
            .iter()
            .find(|view| view.node == node.boot())
            .expect("it renewed");
        assert_eq!((&view.profile, view.state), (&node.profile, NodeState::Up));
    }
    let of_a = nodes
        .iter()
        .find(|view| view.node == a.boot())
        .expect("it renewed");
    assert_eq!(of_a.age, Duration::ZERO, "this very renewal is its beat");
}

async fn a_table_is_shown_to_who_does_not_have_it(session: &dyn OwnershipSession) {
    let a = Node::up(session, "cache-a").await;
    let renewed = a.renew(session).await;
    let renew = async |cached| done(session.renew(&a.caller, &a.profile, Some(cached)).await);
    assert_eq!(renew(renewed.generation).await.table, None);
    assert_eq!(renew(Generation(1)).await.table, renewed.table);
    done(session.claim(&a.caller, ShardId(10), Epoch(0)).await);
    let later = renew(renewed.generation).await;
    assert!(later.generation > renewed.generation);
    assert_eq!(later.table.expect("it changed")[&ShardId(10)].owner, a.boot());
}

async fn what_a_node_says_of_itself_is_kept_and_states_raise_the_generation(session: &dyn OwnershipSession) {
    let mut a = Node::up(session, "says-a").await;
    let mut last = generation(session, &a).await;
    assert_eq!(generation(session, &a).await, last, "a beat raises nothing");
    (a.profile.load, a.profile.version) = (70, 2);
    a.profile.address = "[fe80::1%eth0] 1:2".into();
    assert_eq!(
        generation(session, &a).await,
        last,
        "nor a load, a version, an address"
    );
    a.profile.weight = 0;
    let weighed = generation(session, &a).await;
    assert!(weighed > last, "a weight does");
    a.profile.draining = true;
    let renewed = a.renew(session).await;
    assert!(renewed.generation > weighed, "a drain does");
    let view = renewed.nodes.into_iter().find(|view| view.node == a.boot());
    let view = view.expect("it renewed");
    assert_eq!(
        (view.profile, view.state),
        (a.profile.clone(), NodeState::Draining)
    );
    last = renewed.generation;
    a.caller.generation = Generation(last.0 + 1000);
    a.profile.draining = false;
    assert_eq!(
        generation(session, &a).await,
        Generation(last.0 + 1001),
        "above what the caller knows"
    );
}

async fn a_new_boot_ends_the_former(session: &dyn OwnershipSession) {
    let a = Node::up(session, "boot-a").await;
    let b = Node::up(session, "boot-b").await;
    let shard = ShardId(20);
    let epoch = done(session.claim(&a.caller, shard, Epoch(0)).await);
    let before = generation(session, &b).await;
    let newer = a.again();
    assert!(newer.renew(session).await.generation > before);
    let over = Refusal::Superseded(2);
    assert_eq!(
        session.renew(&a.caller, &a.profile, None).await,
        Fate::Refused(over.clone())
    );
    assert_eq!(
        session.claim(&a.caller, shard, Epoch(0)).await,
        Fate::Refused(over.clone())
    );
    let reign = Reign { shard, epoch };
    assert_eq!(
        session.hand_off(&a.caller, reign, &b.boot()).await,
        Fate::Refused(over.clone())
    );
    let held = ReAssertion { shard, held: epoch };
    assert_eq!(session.re_assert(&a.caller, held).await, Fate::Refused(over));
    let taken = done(session.claim(&b.caller, shard, epoch).await);
    assert!(taken > epoch, "what the former owned is anyone's");
}

async fn a_boot_is_any_number(session: &dyn OwnershipSession) {
    let mut a = Node::new(session, "number-a");
    let numbers = [9, 10, 1 << 53, (1 << 53) + 1, u64::MAX - 1, u64::MAX];
    for pair in numbers.windows(2) {
        a.caller.node.incarnation = pair[1];
        let renewed = a.renew(session).await;
        assert!(renewed.nodes.iter().any(|view| view.node == a.boot()));
        a.caller.node.incarnation = pair[0];
        assert_eq!(
            session.renew(&a.caller, &a.profile, None).await,
            Fate::Refused(Refusal::Superseded(pair[1]))
        );
    }
}

async fn a_shard_is_claimed_once_and_again_by_its_owner(session: &dyn OwnershipSession) {
    let a = Node::up(session, "claim-a").await;
    let b = Node::up(session, "claim-b").await;
    let shard = ShardId(30);
    let first = done(session.claim(&a.caller, shard, Epoch(0)).await);
    assert_eq!(
        session.claim(&b.caller, shard, Epoch(first.0 + 5)).await,
        lost(&a.boot(), first)
    );
    let known = Epoch(first.0 + 1_000_000);
    let second = done(session.claim(&a.caller, shard, known).await);
    assert_eq!(second, Epoch(known.0 + 1), "above what the caller knows");
    let third = done(session.claim(&a.caller, shard, Epoch(0)).await);
    assert_eq!(third, Epoch(second.0 + 1), "above what is stored");
    let row = &table(session, &a).await[&shard];
    assert_eq!((&row.owner, row.epoch, row.re_asserted), (&a.boot(), third, None));
}

async fn a_shard_is_claimed_only_by_the_living(session: &dyn OwnershipSession) {
    let nobody = Node::new(session, "nobody");
    let shard = ShardId(40);
    assert_eq!(
        session.claim(&nobody.caller, shard, Epoch(0)).await,
        Fate::Refused(Refusal::NotAlive)
    );
    let held = ReAssertion {
        shard,
        held: Epoch(5),
    };
    assert_eq!(
        session.re_assert(&nobody.caller, held).await,
        Fate::Refused(Refusal::NotAlive)
    );
}

async fn a_shard_is_handed_off_by_its_owner_in_its_reign_to_the_living(session: &dyn OwnershipSession) {
    let a = Node::up(session, "hand-a").await;
    let b = Node::up(session, "hand-b").await;
    let nobody = Node::new(session, "nobody");
    let shard = ShardId(50);
    let hand_off = async |from: &Node, epoch, to: &Node| {
        session
            .hand_off(&from.caller, Reign { shard, epoch }, &to.boot())
            .await
    };
    let never = hand_off(&a, Epoch(1), &b).await;
    assert_eq!(never, Fate::Refused(Refusal::Forgotten));
    let epoch = done(session.claim(&a.caller, shard, Epoch(0)).await);
    assert_eq!(hand_off(&b, epoch, &b).await, lost(&a.boot(), epoch));
    let earlier = hand_off(&a, Epoch(epoch.0 - 1), &b).await;
    assert_eq!(earlier, lost(&a.boot(), epoch));
    let later = hand_off(&a, Epoch(epoch.0 + 1), &b).await;
    assert_eq!(later, Fate::Refused(Refusal::Forgotten));
    let to_nobody = hand_off(&a, epoch, &nobody).await;
    assert_eq!(to_nobody, Fate::Refused(Refusal::NotAlive));
    let before = generation(session, &a).await;
    let given = done(hand_off(&a, epoch, &b).await);
    assert!(given > epoch && generation(session, &a).await > before);
    assert_eq!(
        hand_off(&a, epoch, &b).await,
        lost(&b.boot(), given),
        "sent again it names the new owner"
    );
}

async fn a_re_assertion_takes_what_is_free_and_says_the_same_again(session: &dyn OwnershipSession) {
    let a = Node::up(session, "assert-a").await;
    let shard = ShardId(60);
    let re_assert = async |held| session.re_assert(&a.caller, ReAssertion { shard, held }).await;
    let far = Epoch(4_000_000_000_000);
    let epoch = done(re_assert(far).await);
    assert_eq!(epoch, Epoch(far.0 + 1), "above what was held");
    let row = &table(session, &a).await[&shard];
    assert_eq!(row.re_asserted, Some((session.life(), far)));
    let settled = generation(session, &a).await;
    assert_eq!(done(re_assert(far).await), epoch);
    assert_eq!(done(re_assert(epoch).await), epoch);
    assert_eq!(
        generation(session, &a).await,
        settled,
        "saying it again changes nothing"
    );
    assert_eq!(re_assert(Epoch(far.0 - 1)).await, lost(&a.boot(), epoch));
    let later = Epoch(epoch.0 + 7);
    assert_eq!(done(re_assert(later).await), Epoch(later.0 + 1));
}

async fn a_re_assertion_yields_to_a_living_owner_and_to_a_later_reign(session: &dyn OwnershipSession) {
    let a = Node::up(session, "yield-a").await;
    let b = Node::up(session, "yield-b").await;
    let shard = ShardId(70);
    let epoch = done(session.claim(&a.caller, shard, Epoch(0)).await);
    let re_assert = async |held| session.re_assert(&b.caller, ReAssertion { shard, held }).await;
    assert_eq!(re_assert(Epoch(epoch.0 + 9)).await, lost(&a.boot(), epoch));
    a.again().renew(session).await;
    assert_eq!(
        re_assert(epoch).await,
        lost(&a.boot(), epoch),
        "not later, though nobody lives"
    );
    let taken = done(re_assert(Epoch(epoch.0 + 9)).await);
    assert!(taken > Epoch(epoch.0 + 9));
}

async fn another_life_is_refused_by_every_call(session: &dyn OwnershipSession) {
    let mut a = Node::up(session, "other-a").await;
    a.caller.store = StoreIncarnation([9; 20]);
    let changed = Refusal::StoreChanged;
    let shard = ShardId(80);
    let reign = Reign {
        shard,
        epoch: Epoch(1),
    };
    let held = ReAssertion {
        shard,
        held: Epoch(1),
    };
    assert_eq!(
        session.renew(&a.caller, &a.profile, None).await,
        Fate::Refused(changed.clone())
    );
    let refused = Fate::Refused(changed);
    assert_eq!(session.claim(&a.caller, shard, Epoch(0)).await, refused);
    assert_eq!(session.re_assert(&a.caller, held).await, refused);
    assert_eq!(session.hand_off(&a.caller, reign, &a.boot()).await, refused);
}

async fn calls_made_at_once_are_all_answered(session: &dyn OwnershipSession) {
    let a = Node::up(session, "once-a").await;
    let claim = |shard| session.claim(&a.caller, ShardId(shard), Epoch(0));
    let (one, two, three) = tokio::join!(claim(90), claim(91), claim(92));
    for claimed in [one, two, three] {
        done(claimed);
    }
    let table = table(session, &a).await;
    assert!((90..93).all(|shard| table[&ShardId(shard)].owner == a.boot()));
}
