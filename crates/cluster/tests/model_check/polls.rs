//! How a step is carried out: what a node does when it is polled, and what becomes of its requests.

use videorooms_cluster::keeper::KeeperAction;
use videorooms_cluster::membership::Evidence;
use videorooms_cluster::ownership::OwnershipAction;
use videorooms_cluster::{Node, NodeAction};
use videorooms_domain::ShardId;
use videorooms_store::ownership::Reign;

use super::cluster::{Bounds, Entry, NOW, Planted, Room, Running, State, name, run_id};
use super::requests::{Answer, Request};
use super::steps::{Fault, Loss};

/// Most rounds of request and answer in one poll; more would be a loop without end.
const ROUNDS: usize = 12;

/// What a poll has still to do.
struct Errands {
    queue: Vec<NodeAction>,
    requests: usize,
    loss: Option<Loss>,
}

impl State {
    /// How many live nodes would speak for the shard.
    pub(crate) fn voices(&self, shard: ShardId) -> usize {
        let awake = self.slots.iter().filter(|slot| slot.may_run());
        let speaks =
            |running: &&Running| running.node.keeper.lease().is_live(NOW) && running.node.speaks(NOW, shard);
        awake
            .filter_map(|slot| slot.running.as_ref())
            .filter(speaks)
            .count()
    }

    /// A node looks at the clock; was the loss met.
    pub(crate) fn poll(&mut self, bounds: &Bounds, n: usize, loss: Option<Loss>) -> bool {
        self.slots[n].is_polled = true;
        self.show_links(n);
        let (is_up, life) = (self.server.is_up, self.server.life);
        let Some(running) = &mut self.slots[n].running else {
            return false;
        };
        running.node.keeper.runtime_ticked(NOW);
        if running.life.is_some_and(|connected| !is_up || connected != life) {
            running.life = None;
            running.node.disconnected(NOW);
        }
        let mut errands = Errands {
            queue: Vec::new(),
            requests: 0,
            loss,
        };
        for round in 0.. {
            if round == ROUNDS {
                self.violate("a poll never ends");
                break;
            }
            let due = self.slots[n]
                .running
                .as_mut()
                .map(|running| running.node.poll(NOW));
            errands.queue.extend(due.unwrap_or_default());
            if errands.queue.is_empty() {
                break;
            }
            while let Some(action) = (!errands.queue.is_empty()).then(|| errands.queue.remove(0)) {
                self.perform(bounds, n, action, &mut errands);
            }
        }
        self.push_rooms(bounds, n, &mut errands);
        while let Some(action) = (!errands.queue.is_empty()).then(|| errands.queue.remove(0)) {
            self.perform(bounds, n, action, &mut errands);
        }
        loss.is_some() && errands.loss.is_none()
    }

    fn show_links(&mut self, n: usize) {
        let peers: Vec<_> = self
            .slots
            .iter()
            .enumerate()
            .filter(|(peer, _)| *peer != n)
            .collect();
        let seen = peers.into_iter().map(|(peer, slot)| {
            let says = slot.running.as_ref().filter(|_| !slot.is_paused);
            let says = says.map(|running| running.node.keeper.reaches_store(NOW));
            let evidence = if slot.running.is_none() {
                Evidence::Gone
            } else {
                Evidence::Silent
            };
            (name(peer, slot.boot).node, says, evidence)
        });
        let seen: Vec<_> = seen.collect();
        let Some(Running {
            node: Node { keeper, .. },
            ..
        }) = &mut self.slots[n].running
        else {
            return;
        };
        for (peer, says, evidence) in seen {
            match says {
                Some(reaches_store) => keeper.membership_mut().peer_says(NOW, &peer, reaches_store),
                None => keeper.membership_mut().link(&peer, evidence),
            }
        }
    }

    fn perform(&mut self, bounds: &Bounds, n: usize, action: NodeAction, errands: &mut Errands) {
        let caller = self.slots[n]
            .running
            .as_ref()
            .and_then(|running| running.node.keeper.caller());
        match Request::of(&action, caller, self.slots[n].is_draining) {
            Some(request) => {
                let more = self.send(bounds, n, request, errands);
                errands.queue.extend(more);
            }
            None => self.act(bounds, n, action),
        }
    }

    /// Sends a request, which may meet the loss.
    fn send(
        &mut self,
        bounds: &Bounds,
        n: usize,
        request: Request,
        errands: &mut Errands,
    ) -> Vec<NodeAction> {
        let nth = errands.requests;
        errands.requests += 1;
        let loss = errands.loss.take_if(|loss| loss.nth == nth);
        self.send_with(bounds, n, request, loss.map(|loss| loss.fault))
    }

    fn send_with(
        &mut self,
        bounds: &Bounds,
        n: usize,
        request: Request,
        fault: Option<Fault>,
    ) -> Vec<NodeAction> {
        let connected = self.slots[n].running.as_ref().and_then(|running| running.life);
        if !self.server.is_up || connected != Some(self.server.life) {
            // A connection ends with the life of the store that it was opened in.
            let answer = request.unknown();
            return answer.map_or_else(Vec::new, |answer| self.take(n, answer));
        }
        let Some(fault) = fault else {
            let answer = self.execute(bounds, &request);
            return self.take(n, answer);
        };
        self.budget.losses -= 1;
        self.excuse_fault();
        let unknown = request.unknown();
        match fault {
            Fault::Request => {}
            Fault::Answer => drop(self.execute(bounds, &request)),
            Fault::Late => self.late.push((n, self.slots[n].boot, request)),
        }
        unknown.map_or_else(Vec::new, |answer| self.take(n, answer))
    }

    /// What an action means that is not for the store.
    pub(crate) fn act(&mut self, bounds: &Bounds, n: usize, action: NodeAction) {
        let (is_up, life, time) = (self.server.is_up, self.server.life, self.store_time(bounds));
        let logs = self.server.data.logs.clone();
        let Some(running) = &mut self.slots[n].running else {
            return;
        };
        match action {
            NodeAction::Keeper(KeeperAction::Connect) if is_up => {
                self.server.data.store.open(time, run_id(life));
                running.life = Some(life);
                running.node.connected(NOW, run_id(life));
            }
            NodeAction::Keeper(KeeperAction::Connect) => running.node.disconnected(NOW),
            NodeAction::Keeper(KeeperAction::Disconnect) => running.life = None,
            NodeAction::Ownership(OwnershipAction::Serve(Reign { shard, epoch })) => {
                let log = logs.get(&shard).cloned().unwrap_or_default();
                running.node.ownership.in_use(shard, !log.is_empty());
                let room = Room {
                    epoch,
                    log,
                    pending: None,
                    is_behind: false,
                };
                running.rooms.insert(shard, room);
            }
            NodeAction::Ownership(OwnershipAction::Resume(Reign { shard, epoch })) => {
                if let Some(room) = running.rooms.get_mut(&shard) {
                    (room.epoch, room.is_behind) = (epoch, true);
                }
            }
            NodeAction::Ownership(
                OwnershipAction::Release(shard)
                | OwnershipAction::Tail {
                    reign: Reign { shard, .. },
                    ..
                },
            ) => {
                running.rooms.remove(&shard);
            }
            NodeAction::Ownership(OwnershipAction::Prepare { shard, to }) => {
                let is_ready = self
                    .slots
                    .iter()
                    .enumerate()
                    .any(|(peer, slot)| slot.may_run() && name(peer, slot.boot) == to);
                if let Some(running) = &mut self.slots[n].running {
                    running.node.ownership.prepared(NOW, shard, is_ready);
                }
            }
            NodeAction::Fence => running.was_fenced = true,
            NodeAction::Keeper(_) | NodeAction::Ownership(_) => {}
        }
        self.excuse_forgotten();
    }

    /// Rooms restore what the store lost, and send again what is pending.
    fn push_rooms(&mut self, bounds: &Bounds, n: usize, errands: &mut Errands) {
        for shard in (0..bounds.shards).map(ShardId) {
            for is_restoring in [true, false] {
                let request = self.slots[n]
                    .running
                    .as_ref()
                    .and_then(|running| running.push(shard, is_restoring));
                if let Some(request) = request {
                    let more = self.send(bounds, n, request, errands);
                    errands.queue.extend(more);
                }
            }
            let running = self.slots[n].running.as_mut();
            let flushed = running.filter(|running| {
                running
                    .rooms
                    .get(&shard)
                    .is_some_and(|room| room.pending.is_none())
            });
            if let Some(running) = flushed {
                running.node.ownership.flushed(NOW, shard);
            }
        }
    }

    pub(crate) fn command(&mut self, bounds: &Bounds, n: usize, shard: ShardId, fault: Option<Fault>) {
        let entry = Entry(self.budget.commits);
        self.budget.commits -= 1;
        let Some(running) = &mut self.slots[n].running else {
            return;
        };
        running.node.ownership.in_use(shard, true);
        if let Some(room) = running.rooms.get_mut(&shard) {
            room.pending = Some(entry);
        }
        let request = running.push(shard, false);
        if bounds.planted == Some(Planted::EarlyAcknowledgement) {
            self.acknowledge(shard, entry);
        }
        if let Some(request) = request {
            for action in self.send_with(bounds, n, request, fault) {
                self.act(bounds, n, action);
            }
        }
    }

    pub(crate) fn deliver(&mut self, bounds: &Bounds, k: usize) {
        let (n, boot, request) = self.late.remove(k);
        let answer = self.execute(bounds, &request);
        let slot = &self.slots[n];
        let still_waits = matches!(answer, Answer::Renewed(..)) && slot.may_run() && slot.boot == boot;
        if still_waits {
            let mut errands = Errands {
                queue: self.take(n, answer),
                requests: 0,
                loss: None,
            };
            while let Some(action) = (!errands.queue.is_empty()).then(|| errands.queue.remove(0)) {
                self.perform(bounds, n, action, &mut errands);
            }
        }
    }

    /// The store comes back in a new life, without the last `lost` changes.
    pub(crate) fn begin_store(&mut self, lost: usize) {
        if lost > 0 {
            self.server.data = self.server.past[lost - 1].clone();
        }
        self.server.past.clear();
        self.server.is_up = true;
        self.server.life += 1;
        self.history.is_lossy |= self.is_missing_something();
        self.excuse_forgotten();
    }
}

impl Running {
    /// The request by which a room restores what was lost, or sends what is pending.
    fn push(&self, shard: ShardId, is_restoring: bool) -> Option<Request> {
        let room = self.rooms.get(&shard)?;
        let reign = Reign {
            shard,
            epoch: room.epoch,
        };
        if self.node.reign(shard) != Some(room.epoch) || room.is_behind != is_restoring {
            return None;
        }
        let caller = self.node.keeper.caller()?;
        if is_restoring {
            let log = room.log.clone();
            return Some(Request::Restore { caller, reign, log });
        }
        let (entry, expect) = (room.pending?, room.log.len());
        Some(Request::Commit {
            caller,
            reign,
            expect,
            entry,
        })
    }
}
