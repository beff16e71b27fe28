//! What is to be seen on the way: a check in which these never happen checks nothing.

use stateright::Property;
use videorooms_cluster::lease::Standing;

use videorooms_store::ownership::NodeState;

use super::cluster::{Bounds, Running, State};

pub(crate) const ACKNOWLEDGED: &str = "a command is acknowledged";
pub(crate) const DEAD: &str = "a node is declared dead";
pub(crate) const INHERITED: &str = "what a dead node acknowledged is served by another";
pub(crate) const BACK: &str = "a node that was fenced is live again";
pub(crate) const SUSPENDED: &str = "a node is suspended";
pub(crate) const FROZEN: &str = "a node is frozen";
pub(crate) const FENCED: &str = "a node is fenced that had a lease";
pub(crate) const LOSSY: &str = "the store has lost something that was acknowledged";
pub(crate) const RESTORED: &str = "what the store had lost is there again";
pub(crate) const TWO_BELIEVE: &str = "two nodes believe to own a shard";
pub(crate) const MOVED: &str = "a shard in use was handed off";

/// One for each.
pub(crate) fn properties() -> Vec<Property<Bounds>> {
    vec![
        Property::sometimes(ACKNOWLEDGED, |_, state: &State| {
            !state.history.acknowledged.is_empty()
        }),
        Property::sometimes(DEAD, |_, state: &State| is_anyone_dead(state)),
        Property::sometimes(INHERITED, |_, state: &State| {
            is_anyone_dead(state)
                && running(state).any(|it| it.rooms.values().any(|room| !room.log.is_empty()))
        }),
        Property::sometimes(BACK, |_, state: &State| {
            running(state).any(|it| it.was_fenced && it.node.keeper.lease().standing() == Standing::Live)
        }),
        Property::sometimes(SUSPENDED, |_, state: &State| standing(state, Standing::Suspended)),
        Property::sometimes(FROZEN, |_, state: &State| standing(state, Standing::Frozen)),
        Property::sometimes(FENCED, |_, state: &State| {
            running(state).any(|it| it.was_fenced && it.node.keeper.lease().standing() == Standing::Fenced)
        }),
        Property::sometimes(LOSSY, |_, state: &State| {
            state.history.is_lossy && state.is_missing_something()
        }),
        Property::sometimes(RESTORED, |_, state: &State| {
            state.history.is_lossy && !state.history.acknowledged.is_empty() && !state.is_missing_something()
        }),
        Property::sometimes(TWO_BELIEVE, |bounds: &Bounds, state: &State| {
            let shards = (0..bounds.shards).map(videorooms_domain::ShardId);
            let believers = |shard| {
                running(state)
                    .filter(move |it| it.node.reign(shard).is_some())
                    .count()
            };
            shards.into_iter().any(|shard| believers(shard) > 1)
        }),
        Property::sometimes(MOVED, |_, state: &State| {
            let stays = |it: &Running| it.rooms.values().any(|room| !room.log.is_empty());
            let slots = || state.slots.iter();
            slots().any(|slot| slot.is_draining && !slot.running.as_ref().is_some_and(stays))
                && slots().any(|slot| !slot.is_draining && slot.running.as_ref().is_some_and(stays))
                && !state.history.acknowledged.is_empty()
        }),
    ]
}

fn running(state: &State) -> impl Iterator<Item = &Running> {
    state.slots.iter().filter_map(|slot| slot.running.as_ref())
}

fn is_anyone_dead(state: &State) -> bool {
    let mut nodes = state.server.data.store.nodes.values();
    nodes.any(|row| row.state == NodeState::Dead)
}

fn standing(state: &State, standing: Standing) -> bool {
    running(state).any(|it| it.node.keeper.lease().standing() == standing)
}
