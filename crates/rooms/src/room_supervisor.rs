//! Supervisors of rooms: one parent, and under it one supervisor for each sixteenth of the shards. A room that panics or is killed is started
//! again from the store if anyone is attached to it, otherwise on demand; its siblings never notice. ractor's default (a supervisor ends with
//! its first child) is overridden at both levels.

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};

use crate::directory::PARTS;
use crate::restart_budget::RestartBudget;
use crate::rooms::Rooms;

/// Nothing is ever sent to a supervisor. `()` would do as well, but it can be serialized, which makes an actor visible to other nodes.
#[derive(Debug)]
pub enum NoMessage {}

impl ractor::Message for NoMessage {}

/// The parent of all room supervisors of a node.
#[derive(Debug, Clone, Copy, Default)]
pub struct RoomsSupervisor;

/// What the parent knows. Public only as far as ractor asks.
pub struct Parent {
    rooms: Rooms,
    budgets: [RestartBudget; PARTS],
}

impl Actor for RoomsSupervisor {
    type Msg = NoMessage;
    type State = Parent;
    type Arguments = Rooms;

    async fn pre_start(
        &self,
        myself: ActorRef<NoMessage>,
        rooms: Rooms,
    ) -> Result<Parent, ActorProcessingErr> {
        for part in 0..PARTS {
            start_part(&myself, &rooms, part).await?;
            // Of an earlier parent that died; none at the node's start.
            rooms.bury_part(part);
        }
        Ok(Parent {
            rooms,
            budgets: Default::default(),
        })
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<NoMessage>,
        event: SupervisionEvent,
        Parent { rooms, budgets }: &mut Parent,
    ) -> Result<(), ActorProcessingErr> {
        let (SupervisionEvent::ActorFailed(cell, _) | SupervisionEvent::ActorTerminated(cell, _, _)) = &event
        else {
            return Ok(());
        };
        let Some(part) = rooms.part_supervised_by(cell.get_id()) else {
            return Ok(());
        };
        budgets[part].crashed();
        if !budgets[part].rest().is_zero() {
            // Whoever supervises this actor starts it again at its own pace, and says so in readiness.
            return Err(format!("room supervisor {part} ends again and again").into());
        }
        tracing::error!(part, "room supervisor ended, its rooms are started again");
        start_part(&myself, rooms, part).await?;
        rooms.bury_part(part);
        Ok(())
    }
}

async fn start_part(
    parent: &ActorRef<NoMessage>,
    rooms: &Rooms,
    part: usize,
) -> Result<(), ActorProcessingErr> {
    let (supervisor, _) =
        Actor::spawn_linked(None, RoomSupervisor, (rooms.clone(), part), parent.get_cell()).await?;
    rooms.supervised_by(part, supervisor.get_cell());
    Ok(())
}

/// Supervises the rooms of one part.
struct RoomSupervisor;

impl Actor for RoomSupervisor {
    type Msg = NoMessage;
    type State = (Rooms, usize);
    type Arguments = (Rooms, usize);

    async fn pre_start(
        &self,
        _: ActorRef<NoMessage>,
        args: (Rooms, usize),
    ) -> Result<(Rooms, usize), ActorProcessingErr> {
        Ok(args)
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<NoMessage>,
        event: SupervisionEvent,
        (rooms, part): &mut (Rooms, usize),
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(cell, error) => rooms.crashed(*part, cell.get_id(), &error),
            SupervisionEvent::ActorTerminated(cell, _, reason) => {
                rooms.stopped(*part, cell.get_id(), reason.as_deref());
            }
            SupervisionEvent::ActorStarted(_)
            | SupervisionEvent::ProcessGroupChanged(_)
            | SupervisionEvent::PidLifecycleEvent(_) => {}
        }
        Ok(())
    }
}
