//! The first part of a life of the store.

use std::sync::Arc;
use std::time::Duration;

use videorooms_domain::{Epoch, ShardId};

use super::{Node, done, generation, lost};
use crate::ownership::{Declaration, Fate, NotDeclared, OwnershipStore, ReAssertion, Refusal, Reign};

/// Checks on an empty store what is taken while it settles: its time to settle is longer than any test.
///
/// # Panics
/// When the store breaks a rule.
pub async fn settles(store: Arc<dyn OwnershipStore>) {
    let session = &*store.connect().await.expect("a healthy store is connected to");
    let (a, b) = (Node::up(session, "a").await, Node::up(session, "b").await);
    let settling = Refusal::Settling;
    let shard = ShardId(7);
    let re_assert = async |node: &Node, held| {
        session
            .re_assert(
                &node.caller,
                ReAssertion {
                    shard,
                    held: Epoch(held),
                },
            )
            .await
    };
    assert_eq!(
        session.claim(&a.caller, shard, Epoch(0)).await,
        Fate::Refused(settling.clone())
    );
    let of_a = done(re_assert(&a, 10).await);
    let reign = Reign { shard, epoch: of_a };
    assert_eq!(
        session.hand_off(&a.caller, reign, &b.boot()).await,
        Fate::Refused(settling.clone())
    );
    let declaration = Declaration {
        dead: a.boot(),
        generation: generation(session, &b).await,
        limit: Duration::ZERO,
        heirs: Vec::new(),
    };
    assert_eq!(
        session.declare_dead(&b.caller, &declaration).await,
        Fate::Refused(NotDeclared::Refused(settling))
    );
    // Of two who re-assert, the later reign stays, whoever came first.
    assert_eq!(re_assert(&b, 9).await, lost(&a.boot(), of_a));
    assert_eq!(re_assert(&b, 10).await, lost(&a.boot(), of_a));
    let of_b = done(re_assert(&b, 11).await);
    assert!(of_b > of_a);
    assert_eq!(re_assert(&a, 10).await, lost(&b.boot(), of_b));
    assert_eq!(done(re_assert(&b, 11).await), of_b);
}
