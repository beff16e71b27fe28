//! Giving shards away: idle ones to where they belong, and all of them when the node is to go.
//!
//! A shard in use moves in four steps, so that nobody who speaks to its rooms notices: *prepare* (the target loads, and learns what is ephemeral), *flush*
//! (no new commands, the last commits end), the script, *tail* (what came in between). Until the script has run, each step can be given up and the shard
//! stays; after it was sent, only the store says what happened.

use std::time::Duration;

use videorooms_domain::{NodeIncarnation, ShardId};

use super::{Holding, Ownership, OwnershipAction, is_alive};
use crate::placement;
use crate::time::Instant;
use videorooms_domain::Epoch;
use videorooms_store::ownership::{Fate, NodeView, Refusal, Reign};

/// Most shards that are on the move at once: their rooms are held by two nodes meanwhile, and their callers wait.
pub const MAX_MOVING: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Move {
    to: NodeIncarnation,
    step: Step,
    since: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    Preparing,
    Prepared,
    Flushing,
    /// Nothing is written any more; the script runs or is to run.
    Flushed,
    /// Given up a moment ago.
    Resting,
}

impl Move {
    /// Is the shard closed for its present owner.
    pub(super) fn is_closed(&self) -> bool {
        self.step == Step::Flushed
    }

    fn is_under_way(&self) -> bool {
        self.step != Step::Resting
    }

    pub(super) fn set_back(&mut self, by: Duration) {
        self.since.set_back(by);
    }
}

impl Ownership {
    /// Gives everything away, or, with `false`, keeps what is left.
    pub fn drain(&mut self, drain: bool) {
        self.is_draining = drain;
    }

    /// Are new commands for the shard taken; no longer from *flush* on.
    #[must_use]
    pub fn accepts(&self, shard: ShardId) -> bool {
        let closed = |moving: &Move| matches!(moving.step, Step::Flushing | Step::Flushed);
        let holding = self.held.get(&shard);
        holding.is_some_and(|holding| !holding.moving.as_ref().is_some_and(closed))
    }

    /// The target loaded the shard, or could not.
    pub fn prepared(&mut self, now: Instant, shard: ShardId, is_ready: bool) {
        self.step(
            now,
            shard,
            Step::Preparing,
            if is_ready { Step::Prepared } else { Step::Resting },
        );
    }

    /// No commit of the shard is pending any more.
    pub fn flushed(&mut self, now: Instant, shard: ShardId) {
        self.step(now, shard, Step::Flushing, Step::Flushed);
    }

    /// What became of a hand-off of this reign.
    pub fn handed_off(&mut self, now: Instant, reign: Reign, fate: Fate<Epoch>) -> Vec<OwnershipAction> {
        let shard = reign.shard;
        let Some(holding) = self.held.get_mut(&shard).filter(|held| held.epoch == reign.epoch) else {
            return Vec::new();
        };
        holding.is_asked = false;
        let Some(to) = holding.moving.as_ref().map(|moving| moving.to.clone()) else {
            return Vec::new();
        };
        match fate {
            Fate::Done(epoch) => self.gave(shard, epoch, to),
            Fate::Refused(Refusal::Lost(lost)) if lost.owner == to => self.gave(shard, lost.epoch, to),
            Fate::Refused(Refusal::Lost(_)) => vec![self.release(shard)],
            Fate::Refused(Refusal::NotAlive | Refusal::Superseded(_)) => vec![give_up(now, shard, holding)],
            Fate::Refused(Refusal::StoreChanged | Refusal::Settling | Refusal::Forgotten) => {
                holding.confirmed = None;
                vec![give_up(now, shard, holding)]
            }
            Fate::Unknown => Vec::new(),
        }
    }

    fn gave(&mut self, shard: ShardId, epoch: Epoch, to: NodeIncarnation) -> Vec<OwnershipAction> {
        self.release(shard);
        let reign = Reign { shard, epoch };
        vec![OwnershipAction::Tail { reign, to }]
    }

    fn step(&mut self, now: Instant, shard: ShardId, from: Step, to: Step) {
        let moving = self
            .held
            .get_mut(&shard)
            .and_then(|holding| holding.moving.as_mut());
        if let Some(moving) = moving.filter(|moving| moving.step == from) {
            moving.step = to;
            moving.since = now;
        }
    }

    /// Steps of moves under way, and, to drain, new ones.
    pub(super) fn advance_moves(&mut self, now: Instant, nodes: &[NodeView]) -> Vec<OwnershipAction> {
        let mut actions = Vec::new();
        for (shard, holding) in &mut self.held {
            actions.extend(advance(
                now,
                *shard,
                holding,
                nodes,
                self.step_within,
                self.hand_off_every,
            ));
        }
        if self.is_draining {
            actions.extend(self.begin_moves(now, nodes));
        }
        actions
    }

    fn begin_moves(&mut self, now: Instant, nodes: &[NodeView]) -> Vec<OwnershipAction> {
        let places = MAX_MOVING.saturating_sub(self.under_way());
        let others: Vec<_> = nodes
            .iter()
            .filter(|node| node.node != self.me)
            .cloned()
            .collect();
        let store = self.store;
        let at_rest = self.held.iter_mut().filter(|(_, holding)| {
            holding.moving.is_none() && holding.confirmed == store && !holding.is_asked
        });
        let begin = |(shard, holding): (&ShardId, &mut Holding)| {
            let to = placement::home(*shard, &others)?.clone();
            Some(begin(now, *shard, holding, to))
        };
        at_rest.filter_map(begin).take(places).collect()
    }

    /// One idle shard that belongs to another node, if it is time for one.
    pub(super) fn hand_off_idle(&mut self, now: Instant, nodes: &[NodeView]) -> Option<OwnershipAction> {
        if self.is_draining || now < self.next_hand_off || self.under_way() >= MAX_MOVING {
            return None;
        }
        let (me, store) = (&self.me, self.store);
        let mut idle = self.held.iter_mut().filter(|(_, holding)| {
            holding.moving.is_none() && !holding.is_in_use && holding.confirmed == store && !holding.is_asked
        });
        let misplaced = idle.find_map(|(shard, holding)| {
            let to = placement::home(*shard, nodes).filter(|to| *to != me)?;
            Some((*shard, holding, to.clone()))
        });
        let pause = if misplaced.is_some() {
            self.hand_off_every
        } else {
            self.look_every
        };
        self.next_hand_off = now.after(pause);
        let (shard, holding, to) = misplaced?;
        Some(begin(now, shard, holding, to))
    }

    fn under_way(&self) -> usize {
        let moves = self.held.values().filter_map(|holding| holding.moving.as_ref());
        moves.filter(|moving| moving.is_under_way()).count()
    }
}

fn begin(now: Instant, shard: ShardId, holding: &mut Holding, to: NodeIncarnation) -> OwnershipAction {
    let step = if holding.is_in_use {
        Step::Preparing
    } else {
        Step::Flushed
    };
    holding.moving = Some(Move {
        to: to.clone(),
        step,
        since: now,
    });
    if holding.is_in_use {
        return OwnershipAction::Prepare { shard, to };
    }
    holding.is_asked = true;
    let reign = Reign {
        shard,
        epoch: holding.epoch,
    };
    OwnershipAction::HandOff { reign, to }
}

fn advance(
    now: Instant,
    shard: ShardId,
    holding: &mut Holding,
    nodes: &[NodeView],
    step_within: Duration,
    rest: Duration,
) -> Option<OwnershipAction> {
    let moving = holding.moving.as_mut()?;
    let is_late = now.since(moving.since) >= step_within;
    match moving.step {
        Step::Resting if now.since(moving.since) >= rest => {
            holding.moving = None;
            None
        }
        Step::Resting => None,
        Step::Preparing | Step::Prepared | Step::Flushing if is_late || !is_alive(&moving.to, nodes) => {
            Some(give_up(now, shard, holding))
        }
        Step::Preparing | Step::Flushing => None,
        Step::Prepared => {
            (moving.step, moving.since) = (Step::Flushing, now);
            Some(OwnershipAction::Flush(shard))
        }
        Step::Flushed if holding.is_asked => None,
        Step::Flushed => {
            holding.is_asked = true;
            let (to, reign) = (
                moving.to.clone(),
                Reign {
                    shard,
                    epoch: holding.epoch,
                },
            );
            Some(OwnershipAction::HandOff { reign, to })
        }
    }
}

fn give_up(now: Instant, shard: ShardId, holding: &mut Holding) -> OwnershipAction {
    if let Some(moving) = &mut holding.moving {
        (moving.step, moving.since) = (Step::Resting, now);
    }
    OwnershipAction::Reopen(shard)
}
