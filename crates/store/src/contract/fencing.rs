//! What a [`RoomStore`] and an [`OwnershipStore`] over the same data promise together: nothing is written but in the name of a shard's owner.

use std::sync::Arc;

use videorooms_domain::{Epoch, NodeIncarnation, RoomId, ShardId};

use super::restoring::restored;
use super::{committed, one, plain, read, stored};
use crate::ownership::{
    Caller, Fate, Generation, OwnershipSession, OwnershipStore, Profile, ReAssertion, Reign, StoreIncarnation,
};
use crate::{Commit, Fence, Restore, RoomStore, Verdict};

/// Runs the suite on an empty store that settles at once: its time to settle is zero.
///
/// # Panics
/// When the stores break a rule.
pub async fn holds(rooms: Arc<dyn RoomStore>, owners: Arc<dyn OwnershipStore>) {
    let session = &*owners.connect().await.expect("a healthy store is connected to");
    let world = World {
        rooms: &*rooms,
        session,
    };
    only_the_owner_writes_and_only_in_its_reign(&world).await;
    a_newer_boot_deposes(&world).await;
    a_commit_in_another_life_or_of_a_lost_reign_hears_that_the_store_changed(&world).await;
    a_fenced_commit_keeps_the_rule_of_the_log(&world).await;
    only_the_owner_restores(&world).await;
}

/// Checks on an empty store that no commit is taken while it settles, but what was lost is: its time to settle is longer than any test.
///
/// # Panics
/// When the stores break a rule.
pub async fn settles(rooms: Arc<dyn RoomStore>, owners: Arc<dyn OwnershipStore>) {
    let session = &*owners.connect().await.expect("a healthy store is connected to");
    let world = World {
        rooms: &*rooms,
        session,
    };
    let room = RoomId(1);
    let a = world.up("a", 1).await;
    let claim = ReAssertion {
        shard: room.shard(),
        held: Epoch(5),
    };
    let Fate::Done(epoch) = session.re_assert(&world.caller(&a), claim).await else {
        panic!("a re-assertion is taken while the store settles");
    };
    let commit = fenced(&world.fence(&a), plain(room, epoch, 0, 1));
    assert_eq!(one(world.rooms, commit).await, Verdict::StoreChanged);
    assert_eq!(world.restore(&a, room, epoch, 4).await, Verdict::Committed);
    assert_eq!(read(world.rooms, room).await, stored(epoch, 4, Some(4), &[]));
}

struct World<'a> {
    rooms: &'a dyn RoomStore,
    session: &'a dyn OwnershipSession,
}

impl World<'_> {
    /// A boot of a node that is in the table.
    async fn up(&self, name: &str, incarnation: u64) -> NodeIncarnation {
        let node = NodeIncarnation {
            node: name.parse().expect("a legal name"),
            incarnation,
        };
        let profile = Profile {
            address: "".into(),
            version: 1,
            load: 0,
            weight: 1,
            draining: false,
        };
        let renewed = self.session.renew(&self.caller(&node), &profile, None).await;
        assert!(matches!(renewed, Fate::Done(_)), "{renewed:?}");
        node
    }

    fn caller(&self, node: &NodeIncarnation) -> Caller {
        Caller {
            node: node.clone(),
            store: self.session.life(),
            generation: Generation(0),
        }
    }

    fn fence(&self, node: &NodeIncarnation) -> Arc<Fence> {
        Arc::new(Fence {
            node: node.clone(),
            life: self.session.life(),
        })
    }

    async fn claim(&self, node: &NodeIncarnation, shard: ShardId) -> Epoch {
        match self.session.claim(&self.caller(node), shard, Epoch(0)).await {
            Fate::Done(epoch) => epoch,
            other @ (Fate::Refused(_) | Fate::Unknown) => panic!("a free shard is claimed, but {other:?}"),
        }
    }

    async fn commit(&self, node: &NodeIncarnation, commit: Commit) -> Verdict {
        one(self.rooms, fenced(&self.fence(node), commit)).await
    }

    async fn restore(&self, node: &NodeIncarnation, room: RoomId, epoch: Epoch, last: u64) -> Verdict {
        let restore = Restore {
            fence: Some(self.fence(node)),
            ..restored(room, epoch, last)
        };
        self.rooms.restore(restore).await
    }
}

fn fenced(fence: &Arc<Fence>, commit: Commit) -> Commit {
    Commit {
        fence: Some(Arc::clone(fence)),
        ..commit
    }
}

async fn only_the_owner_writes_and_only_in_its_reign(world: &World<'_>) {
    let room = RoomId(0x10);
    let (a, b) = (world.up("a", 1).await, world.up("b", 1).await);
    let first = world.claim(&a, room.shard()).await;
    assert_eq!(
        world.commit(&a, plain(room, first, 0, 1)).await,
        Verdict::Committed
    );
    let deposed = |epoch| Verdict::Deposed { epoch };
    assert_eq!(
        world.commit(&b, plain(room, first, 1, 2)).await,
        deposed(first),
        "another's shard"
    );
    let second = world.claim(&a, room.shard()).await;
    assert_eq!(
        world.commit(&a, plain(room, first, 1, 2)).await,
        deposed(second),
        "an earlier reign"
    );
    assert_eq!(
        world.commit(&a, plain(room, first, 0, 1)).await,
        deposed(second),
        "even of what it had committed"
    );
    let reign = Reign {
        shard: room.shard(),
        epoch: second,
    };
    let given = world.session.hand_off(&world.caller(&a), reign, &b).await;
    let Fate::Done(third) = given else {
        panic!("an owner hands off, but {given:?}")
    };
    assert_eq!(world.commit(&a, plain(room, second, 1, 2)).await, deposed(third));
    assert_eq!(
        world.commit(&a, plain(room, third, 1, 2)).await,
        deposed(third),
        "another's reign"
    );
    assert_eq!(read(world.rooms, room).await, stored(first, 1, None, &[(0, 1)]));
    assert_eq!(
        world.commit(&b, plain(room, third, 1, 2)).await,
        Verdict::Committed
    );
}

async fn a_newer_boot_deposes(world: &World<'_>) {
    let room = RoomId(0x20);
    let a = world.up("newer", 1).await;
    let epoch = world.claim(&a, room.shard()).await;
    world.up("newer", 2).await;
    assert_eq!(
        world.commit(&a, plain(room, epoch, 0, 1)).await,
        Verdict::Deposed { epoch }
    );
    assert_eq!(
        world.restore(&a, room, epoch, 1).await,
        Verdict::Deposed { epoch }
    );
    assert_eq!(world.rooms.load(room).await, Ok(None));
}

async fn a_commit_in_another_life_or_of_a_lost_reign_hears_that_the_store_changed(world: &World<'_>) {
    let room = RoomId(0x30);
    let a = world.up("a", 1).await;
    let nowhere = plain(room, Epoch(3), 0, 1);
    assert_eq!(
        world.commit(&a, nowhere).await,
        Verdict::StoreChanged,
        "the row is missing"
    );
    let epoch = world.claim(&a, room.shard()).await;
    let ahead = plain(room, Epoch(epoch.0 + 1), 0, 1);
    assert_eq!(
        world.commit(&a, ahead).await,
        Verdict::StoreChanged,
        "the row is behind"
    );
    let elsewhere = Arc::new(Fence {
        node: a.clone(),
        life: StoreIncarnation([9; 20]),
    });
    let commit = fenced(&elsewhere, plain(room, epoch, 0, 1));
    assert_eq!(
        one(world.rooms, commit).await,
        Verdict::StoreChanged,
        "another life"
    );
    assert_eq!(world.rooms.load(room).await, Ok(None));
}

async fn a_fenced_commit_keeps_the_rule_of_the_log(world: &World<'_>) {
    let room = RoomId(0x40);
    let a = world.up("a", 1).await;
    let epoch = world.claim(&a, room.shard()).await;
    let fence = world.fence(&a);
    let commit = |expect, last| fenced(&fence, plain(room, epoch, expect, last));
    let batch = vec![commit(0, 2), commit(2, 3), commit(0, 2), commit(5, 6)];
    let behind = Verdict::Behind {
        stored: videorooms_domain::Seq(3),
    };
    let committed_thrice = [Verdict::Committed, Verdict::Committed, Verdict::Committed];
    let expected = [&committed_thrice[..], &[behind]].concat();
    assert_eq!(world.rooms.commit(batch).await, expected);
    assert_eq!(
        read(world.rooms, room).await,
        stored(epoch, 3, None, &[(0, 2), (2, 3)])
    );
    let found = world.rooms.rooms_of(room.shard()).await;
    assert!(found.is_ok_and(|rooms| rooms.contains(&room)));
}

async fn only_the_owner_restores(world: &World<'_>) {
    let room = RoomId(0x50);
    let (a, b) = (world.up("a", 1).await, world.up("b", 1).await);
    assert_eq!(
        world.restore(&a, room, Epoch(3), 1).await,
        Verdict::StoreChanged,
        "the row is missing"
    );
    let epoch = world.claim(&a, room.shard()).await;
    assert_eq!(
        world.restore(&b, room, epoch, 1).await,
        Verdict::Deposed { epoch }
    );
    let later = Epoch(epoch.0 + 1);
    assert_eq!(
        world.restore(&a, room, later, 1).await,
        Verdict::StoreChanged,
        "the row is behind"
    );
    assert_eq!(world.rooms.load(room).await, Ok(None));
    for _ in 0..2 {
        assert_eq!(world.restore(&a, room, epoch, 6).await, Verdict::Committed);
        assert_eq!(read(world.rooms, room).await, stored(epoch, 6, Some(6), &[]));
    }
    committed(world.rooms, fenced(&world.fence(&a), plain(room, epoch, 6, 7))).await;
    assert_eq!(world.restore(&a, room, epoch, 7).await, Verdict::Committed);
    assert_eq!(
        read(world.rooms, room).await,
        stored(epoch, 7, Some(6), &[(6, 7)])
    );
}
