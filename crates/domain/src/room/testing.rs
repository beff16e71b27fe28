//! A room for the tests of its rules: speak as someone, and look at what happened.

use std::time::Duration;

use super::Room;
use crate::{
    Actor, Command, Epoch, Event, Join, NodeIncarnation, ParticipantId, Rejection, Request, Resume, Role,
    RoomId, SecretHash, Settings, Timestamp, Transition,
};

pub(crate) const NOW: Timestamp = Timestamp(1_000_000_000_000);

pub(crate) struct Scene {
    pub(crate) room: Room,
    pub(crate) epoch: Epoch,
    pub(crate) now: Timestamp,
}

pub(crate) fn id(who: u64) -> ParticipantId {
    ParticipantId(who)
}

pub(crate) fn secret(n: u8) -> SecretHash {
    SecretHash([n; 32])
}

pub(crate) fn node(incarnation: u64) -> NodeIncarnation {
    NodeIncarnation {
        node: "a".parse().unwrap(),
        incarnation,
    }
}

pub(crate) fn join_as(role: Role, name: &str) -> Command {
    Command::Join(Join {
        name: name.into(),
        role,
        via: node(1),
        resume: secret(0),
        address: None,
    })
}

pub(crate) fn resume_with(used: SecretHash, fresh: SecretHash) -> Command {
    let (via, address) = (node(1), None);
    Command::Resume(Resume {
        used,
        fresh,
        via,
        address,
    })
}

pub(crate) fn join_from(address: &str) -> Command {
    let (role, address) = (Role::Participant, Some(address.into()));
    Command::Join(Join {
        name: "someone".into(),
        role,
        via: node(1),
        resume: secret(0),
        address,
    })
}

impl Scene {
    /// Members `pN` with resume secret `N`.
    pub(crate) fn with(members: &[(u64, Role)]) -> Self {
        let (room, _) = Room::create(RoomId(1), NOW, Epoch(1), Settings::default()).unwrap();
        let mut scene = Self {
            room,
            epoch: Epoch(1),
            now: NOW,
        };
        for (who, role) in members {
            let (name, resume) = (format!("p{who}"), secret(*who as u8));
            scene.ok(
                *who,
                Command::Join(Join {
                    name,
                    role: *role,
                    via: node(1),
                    resume,
                    address: None,
                }),
            );
        }
        scene
    }

    pub(crate) fn wait(&mut self, duration: Duration) {
        self.now = self.now.after(duration);
    }

    pub(crate) fn ok(&mut self, who: u64, command: Command) -> Vec<Event> {
        self.ok_as(who, None, command)
    }

    pub(crate) fn ok_as(&mut self, who: u64, name: Option<&str>, command: Command) -> Vec<Event> {
        let transition = self.transition(who, name, command).expect("the rules allow it");
        transition.record.map(|record| record.events).unwrap_or_default()
    }

    /// A refusal, which changed nothing.
    pub(crate) fn refused(&mut self, who: u64, command: Command) -> Rejection {
        let before = self.room.clone();
        let rejection = self
            .transition(who, None, command)
            .expect_err("the rules forbid it");
        assert_eq!(self.room, before);
        rejection
    }

    pub(crate) fn system(&mut self, command: Command) -> Result<Vec<Event>, Rejection> {
        let request = Request {
            by: Actor::System,
            id: None,
            command,
        };
        let transition = self.room.apply(self.now, self.epoch, &request)?;
        Ok(transition.record.map(|record| record.events).unwrap_or_default())
    }

    pub(crate) fn transition(
        &mut self,
        who: u64,
        name: Option<&str>,
        command: Command,
    ) -> Result<Transition, Rejection> {
        let by = Actor::Participant(id(who));
        let request = Request {
            by,
            id: name.map(|name| name.parse().unwrap()),
            command,
        };
        self.room.apply(self.now, self.epoch, &request)
    }

    pub(crate) fn roles(&self) -> Vec<(u64, Role)> {
        self.room
            .members()
            .map(|member| (member.participant.0, member.role))
            .collect()
    }
}
