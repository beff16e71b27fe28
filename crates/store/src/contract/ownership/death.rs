//! Declaring dead. The beats are judged by limits that no time of a test comes near: none at all, and an hour.

use std::time::Duration;

use videorooms_domain::{Epoch, NodeIncarnation, ShardId};

use super::{Node, done, generation, lost, table};
use crate::ownership::{
    Declaration, Fate, Generation, NodeState, NotDeclared, OwnershipSession, Refusal, StoreIncarnation,
};

const HOUR: Duration = Duration::from_secs(3600);

pub(super) async fn holds(session: &dyn OwnershipSession) {
    a_death_gives_each_shard_to_its_heir_and_the_dead_come_back_without(session).await;
    nobody_is_declared_dead_who_should_not_be(session).await;
    all_shards_of_a_node_find_their_heirs_at_once(session).await;
}

async fn declaration(session: &dyn OwnershipSession, judge: &Node, dead: &Node) -> Declaration {
    Declaration {
        dead: dead.boot(),
        generation: generation(session, judge).await,
        limit: Duration::ZERO,
        heirs: Vec::new(),
    }
}

async fn a_death_gives_each_shard_to_its_heir_and_the_dead_come_back_without(session: &dyn OwnershipSession) {
    let a = Node::up(session, "dead-a").await;
    let (b, c) = (
        Node::up(session, "dead-b").await,
        Node::up(session, "dead-c").await,
    );
    let shards: Vec<ShardId> = (100..105).map(ShardId).collect();
    let mut epochs = Vec::new();
    for shard in &shards[..4] {
        epochs.push(done(session.claim(&a.caller, *shard, Epoch(0)).await));
    }
    done(session.claim(&c.caller, shards[4], Epoch(0)).await);
    let nobody: NodeIncarnation = Node::new(session, "nobody").boot();
    let mut declaration = declaration(session, &b, &a).await;
    // One that inherits nothing because it is no node, one that is dead itself, one shard that is not the dead's, and one that never was.
    declaration.heirs = vec![
        (shards[0], b.boot()),
        (shards[1], c.boot()),
        (shards[2], nobody),
        (shards[3], a.boot()),
        (shards[4], b.boot()),
        (ShardId(109), b.boot()),
    ];
    let declared = done(session.declare_dead(&b.caller, &declaration).await);
    assert!(declared > declaration.generation);
    let renewed = b.renew(session).await;
    assert_eq!(renewed.generation, declared);
    let table = renewed.table.expect("nothing was cached");
    let owners: Vec<_> = shards.iter().map(|shard| table[shard].owner.clone()).collect();
    assert_eq!(owners, [b.boot(), c.boot(), a.boot(), a.boot(), c.boot()]);
    assert!(table[&shards[0]].epoch > epochs[0] && table[&shards[1]].epoch > epochs[1]);
    assert_eq!(table[&shards[2]].epoch, epochs[2]);
    assert!(!table.contains_key(&ShardId(109)));
    let state = |view: &crate::ownership::NodeView| (view.node == a.boot()).then_some(view.state);
    assert_eq!(renewed.nodes.iter().find_map(state), Some(NodeState::Dead));
    assert_eq!(
        session.claim(&a.caller, shards[0], Epoch(0)).await,
        Fate::Refused(Refusal::NotAlive)
    );
    done(session.claim(&b.caller, shards[2], Epoch(0)).await);
    let back = a.renew(session).await;
    assert!(back.generation > declared);
    assert_eq!(back.nodes.iter().find_map(state), Some(NodeState::Up));
    let epoch = back.table.expect("nothing was cached")[&shards[0]].epoch;
    assert_eq!(
        session.claim(&a.caller, shards[0], Epoch(0)).await,
        lost(&b.boot(), epoch)
    );
}

async fn nobody_is_declared_dead_who_should_not_be(session: &dyn OwnershipSession) {
    let (a, b) = (
        Node::up(session, "spared-a").await,
        Node::up(session, "spared-b").await,
    );
    let good = declaration(session, &b, &a).await;
    let declare = async |judge: &Node, declaration: &Declaration| {
        let answer = session.declare_dead(&judge.caller, declaration).await;
        assert!(matches!(answer, Fate::Refused(_)), "{answer:?}");
        answer
    };
    let young = Declaration {
        limit: HOUR,
        ..good.clone()
    };
    assert_eq!(declare(&b, &young).await, Fate::Refused(NotDeclared::Alive));
    let outdated = Declaration {
        generation: Generation(good.generation.0 - 1),
        ..good.clone()
    };
    assert_eq!(declare(&b, &outdated).await, Fate::Refused(NotDeclared::Outdated));
    for gone in [a.again(), Node::new(session, "nobody")] {
        let gone = Declaration {
            dead: gone.boot(),
            ..good.clone()
        };
        assert_eq!(declare(&b, &gone).await, Fate::Refused(NotDeclared::Gone));
    }
    let no_judge = declare(&Node::new(session, "nobody"), &good).await;
    assert_eq!(no_judge, Fate::Refused(NotDeclared::Refused(Refusal::NotAlive)));
    let mut elsewhere = b.clone();
    elsewhere.caller.store = StoreIncarnation([9; 20]);
    let changed = declare(&elsewhere, &good).await;
    assert_eq!(
        changed,
        Fate::Refused(NotDeclared::Refused(Refusal::StoreChanged))
    );
    let newer = b.again();
    newer.renew(session).await;
    let superseded = declare(&b, &good).await;
    assert_eq!(
        superseded,
        Fate::Refused(NotDeclared::Refused(Refusal::Superseded(2)))
    );
    let again = declaration(session, &newer, &a).await;
    done(session.declare_dead(&newer.caller, &again).await);
    assert_eq!(
        declare(&newer, &declaration(session, &newer, &a).await).await,
        Fate::Refused(NotDeclared::Gone)
    );
}

async fn all_shards_of_a_node_find_their_heirs_at_once(session: &dyn OwnershipSession) {
    let (a, b) = (
        Node::up(session, "many-a").await,
        Node::up(session, "many-b").await,
    );
    let shards = || (200..1024).map(ShardId);
    for shard in shards() {
        done(session.claim(&a.caller, shard, Epoch(0)).await);
    }
    let mut declaration = declaration(session, &b, &a).await;
    declaration.heirs = shards().map(|shard| (shard, b.boot())).collect();
    done(session.declare_dead(&b.caller, &declaration).await);
    let table = table(session, &b).await;
    assert!(shards().all(|shard| table[&shard].owner == b.boot()));
}
