//! The steps of the model: what can happen next, and what follows from it.

use stateright::{Model, Property};
use videorooms_domain::ShardId;

use super::cluster::{Bounds, Running, State};

/// Nobody writes but the owner, and no epoch has two.
pub(crate) const ONE_WRITER: &str = "one writer in an epoch of a shard";
/// As long as links show the truth; a node that is paused says nothing.
pub(crate) const ONE_VOICE: &str =
    "two nodes never speak for a shard at once, unless the store had an outage";
/// From every situation without further faults.
pub(crate) const CALM: &str = "soon each shard has one live owner and all that was acknowledged";

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Time passes.
    Tick,
    /// A node looks at the clock and does what is due.
    Poll(usize, Option<Loss>),
    /// A client's command reaches the owner, as it believes to be.
    Command(usize, ShardId, Option<Fault>),
    /// A late request is executed.
    Deliver(usize),
    /// A node is told to give everything away.
    Drain(usize),
    Crash(usize),
    Restart(usize),
    Pause(usize),
    Resume(usize),
    StoreEnds,
    /// It comes back without the last changes.
    StoreBegins(usize),
}

/// The n-th request of a poll meets a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Loss {
    pub(crate) nth: usize,
    pub(crate) fault: Fault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Request,
    Answer,
    Late,
}

impl Fault {
    const ALL: [Self; 3] = [Self::Request, Self::Answer, Self::Late];
}

impl Model for Bounds {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let booting = State::new(self);
        vec![if self.is_settled {
            super::calm::calmed(self, &booting, true)
        } else {
            booting
        }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        if state.history.violation.is_some() {
            return;
        }
        let budget = &state.budget;
        if state.is_tick_over() {
            steps.push(Step::Tick);
        }
        let faults =
            || std::iter::once(None).chain(Fault::ALL.map(Some).into_iter().filter(|_| budget.losses > 0));
        for (n, slot) in state.slots.iter().enumerate() {
            match &slot.running {
                None if budget.restarts > 0 => steps.push(Step::Restart(n)),
                None => {}
                Some(_) if slot.is_paused => steps.push(Step::Resume(n)),
                Some(running) => {
                    if !slot.is_polled {
                        steps.push(Step::Poll(n, None));
                        let losses = (0..3).flat_map(|nth| Fault::ALL.map(|fault| Loss { nth, fault }));
                        let losses = losses.filter(|_| budget.losses > 0);
                        steps.extend(losses.map(|loss| Step::Poll(n, Some(loss))));
                    }
                    let ready = running.rooms.iter().filter(|(shard, room)| {
                        room.pending.is_none()
                            && !room.is_behind
                            && running.node.ownership.accepts(**shard)
                            && running.node.reign(**shard) == Some(room.epoch)
                    });
                    for (shard, _) in ready.filter(|_| budget.commits > 0) {
                        steps.extend(faults().map(|fault| Step::Command(n, *shard, fault)));
                    }
                    if budget.pauses > 0 {
                        steps.push(Step::Pause(n));
                    }
                    if budget.drains > 0 {
                        steps.push(Step::Drain(n));
                    }
                }
            }
            if slot.running.is_some() && budget.crashes > 0 {
                steps.push(Step::Crash(n));
            }
        }
        if state.server.is_up {
            steps.extend((0..state.late.len()).map(Step::Deliver));
            if budget.outages > 0 {
                steps.push(Step::StoreEnds);
            }
        } else {
            steps.extend((0..=state.server.past.len()).map(Step::StoreBegins));
        }
    }

    fn next_state(&self, before: &State, step: Step) -> Option<State> {
        let mut state = before.clone();
        match step {
            Step::Tick => state.tick(),
            Step::Poll(n, loss) => {
                let is_lost = state.poll(self, n, loss);
                if loss.is_some() && !is_lost {
                    return None;
                }
            }
            Step::Command(n, shard, fault) => state.command(self, n, shard, fault),
            Step::Deliver(k) => state.deliver(self, k),
            Step::Drain(n) => {
                state.budget.drains -= 1;
                state.slots[n].is_draining = true;
                if let Some(running) = &mut state.slots[n].running {
                    running.node.ownership.drain(true);
                }
            }
            Step::Crash(n) => {
                state.budget.crashes -= 1;
                state.excuse_fault();
                state.slots[n].running = None;
                (state.slots[n].is_paused, state.slots[n].is_draining) = (false, false);
                state.excuse_forgotten();
            }
            Step::Restart(n) => {
                state.budget.restarts -= 1;
                state.slots[n].boot += 1;
                state.slots[n].running = Some(Running::new(n, state.slots[n].boot, self));
            }
            Step::Pause(n) => {
                state.budget.pauses -= 1;
                state.excuse_fault();
                state.slots[n].is_paused = true;
            }
            Step::Resume(n) => state.slots[n].is_paused = false,
            Step::StoreEnds => {
                state.budget.outages -= 1;
                state.server.is_up = false;
                state.late.clear();
            }
            Step::StoreBegins(lost) => state.begin_store(lost),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let one_writer = |_: &Bounds, state: &State| state.history.violation.is_none();
        let calm =
            |bounds: &Bounds, state: &State| !state.is_tick_new() || super::calm::settles(bounds, state);
        let mut properties = vec![
            Property::always(ONE_WRITER, one_writer),
            Property::always(CALM, calm),
        ];
        properties.push(Property::always(ONE_VOICE, |bounds: &Bounds, state: &State| {
            let shards = (0..bounds.shards).map(ShardId);
            // Who was paused for less than its lease wakes up and speaks, though it may have been declared dead meanwhile.
            let may_overlap = bounds.timing.lease > bounds.timing.stale_silent;
            may_overlap || state.server.life > 1 || shards.into_iter().all(|shard| state.voices(shard) <= 1)
        }));
        properties.extend(super::sights::properties());
        properties
    }
}
