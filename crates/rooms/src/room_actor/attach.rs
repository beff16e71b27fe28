//! How a socket gets into a room: by a join token (which may make a member) or by a resume secret. A member's secret needs no commit, so it
//! works while the store is away; what is to be durable of it follows: through which node it came, and the fresh secret in place of the one
//! that was shown. Who timed out is a member again first.

use std::sync::Arc;

use videorooms_domain::{
    Actor, Command, ConnectionId, Join, NodeIncarnation, ParticipantId, Position, Rejection, Request, Resume,
    Signal,
};

use super::{Reply, RoomState, Waiter};
use crate::api::{Attach, Attached, Credential, Fact, History, RoomsError};
use crate::pipeline::Outcome;

/// An attachment that waits for its membership to be durable.
pub(crate) struct PendingAttach {
    pub(super) participant: ParticipantId,
    connection: ConnectionId,
    since: Option<Position>,
    /// The fresh secret counts when the command is committed.
    fresh: bool,
    /// The node at which the socket is.
    via: NodeIncarnation,
    pub(super) reply: Reply<Attached>,
}

impl RoomState {
    pub(super) fn attach(&mut self, attach: Attach, via: NodeIncarnation, reply: Reply<Attached>) {
        let Attach {
            credential,
            fresh_resume,
            connection,
            since,
            address,
        } = attach;
        match credential {
            Credential::Resume { participant, secret } => {
                let pending = PendingAttach {
                    participant,
                    connection,
                    since,
                    fresh: false,
                    via: via.clone(),
                    reply,
                };
                let resume = Resume {
                    used: secret,
                    fresh: fresh_resume,
                    via,
                    address,
                };
                self.resume_by_secret(pending, resume);
            }
            Credential::Token {
                participant,
                name,
                role,
            } => {
                let pending = PendingAttach {
                    participant,
                    connection,
                    since,
                    fresh: true,
                    via: via.clone(),
                    reply,
                };
                let was_member = self.pipeline.speculative().member(participant).is_some();
                let join = Join {
                    name,
                    role,
                    via,
                    resume: fresh_resume,
                    address,
                };
                let by = Actor::Participant(participant);
                if was_member {
                    // The bearer may have lost its secret: the join says whether it may come in, the rotation gives it a new one.
                    self.submit(
                        &Request {
                            by,
                            id: None,
                            command: Command::Join(join),
                        },
                        Waiter::Nobody,
                    );
                    let command = Command::RotateResume { resume: fresh_resume };
                    self.submit(
                        &Request {
                            by,
                            id: None,
                            command,
                        },
                        Waiter::Attach(Box::new(pending)),
                    );
                } else {
                    let command = Command::Join(join);
                    self.submit(
                        &Request {
                            by,
                            id: None,
                            command,
                        },
                        Waiter::Attach(Box::new(pending)),
                    );
                }
            }
        }
    }

    fn resume_by_secret(&mut self, pending: PendingAttach, resume: Resume) {
        let room = self.pipeline.committed();
        if let Err(rejection) = room.verify_resume(pending.participant, &resume.used) {
            drop(pending.reply.send(Err(rejection.into())));
            return;
        }
        let (participant, connection) = (pending.participant, pending.connection);
        let via = pending.via.clone();
        let position = room.position();
        // One that is about to time out comes back after that: it would be let in only to be thrown out.
        let stays = [room, self.pipeline.speculative()]
            .iter()
            .all(|room| room.member(participant).is_some());
        let waiter = if stays {
            self.finish_attach(pending, Ok(position));
            // The new way in holds at once and becomes durable when it can.
            self.moved.insert(participant, via);
            Waiter::Resumed(participant, connection)
        } else {
            let fresh = true;
            Waiter::Attach(Box::new(PendingAttach { fresh, ..pending }))
        };
        let request = Request {
            by: Actor::Participant(participant),
            id: None,
            command: Command::Resume(resume),
        };
        self.submit(&request, waiter);
    }

    /// The membership is durable (or refused): take the connection up and answer with what the client misses.
    pub(super) fn finish_attach(&mut self, pending: PendingAttach, outcome: Outcome) {
        let PendingAttach {
            participant,
            connection,
            since,
            fresh,
            via,
            reply,
        } = pending;
        if let Err(rejection) = outcome {
            drop(reply.send(Err(rejection.into())));
            return;
        }
        let attached = self.take_up(participant, connection, &via, since, fresh);
        let taken = attached.is_ok();
        if reply.send(attached).is_err() && taken {
            // The socket went away while it waited: its detachment may have come before its attachment.
            self.receive(super::RoomMessage::Signal(Signal::Detached {
                participant,
                connection,
                via,
            }));
        }
    }

    fn take_up(
        &mut self,
        participant: ParticipantId,
        connection: ConnectionId,
        via: &NodeIncarnation,
        since: Option<Position>,
        fresh: bool,
    ) -> Result<Attached, RoomsError> {
        let room = self.pipeline.committed();
        let (position, created_at) = (room.position(), room.created_at());
        let publishable = room.publishable(participant);
        let Some((role, name)) = self.role_of(participant) else {
            return if room.is_waiting(participant) {
                let signal = Signal::Attached {
                    participant,
                    connection,
                    via: via.clone(),
                };
                self.live.apply(room, self.services.clock.now(), &signal)?;
                self.hearers.insert(via.clone());
                let (role, name) = (videorooms_domain::Role::Participant, String::new());
                Ok(Attached {
                    participant,
                    role,
                    name,
                    publishable,
                    created_at,
                    fresh_resume_taken: false,
                    position,
                    history: History::Waiting,
                })
            } else {
                Err(room
                    .ended()
                    .map_or(Rejection::NotMember, |_| Rejection::Ended)
                    .into())
            };
        };
        let signal = Signal::Attached {
            participant,
            connection,
            via: via.clone(),
        };
        let notes = self.live.apply(room, self.services.clock.now(), &signal)?;
        self.hearers.insert(via.clone());
        self.publish_notes(notes);
        let history = self.history(participant, since);
        Ok(Attached {
            participant,
            role,
            name,
            publishable,
            created_at,
            fresh_resume_taken: fresh,
            position,
            history,
        })
    }

    fn history(&self, participant: ParticipantId, since: Option<Position>) -> History {
        let room = self.pipeline.committed();
        match since.and_then(|since| self.tail(since)) {
            Some(facts) => History::Tail {
                facts,
                live: room.live_views(&self.live),
            },
            None => History::Snapshot(Box::new(room.snapshot_for(participant, &self.live))),
        }
    }

    /// The events after `since`, if they are still known without a gap, and `since` is a place in this very history: a store that lost its
    /// end or was restored to an older state goes on with other events of the same numbers, in a later reign.
    pub(super) fn tail(&self, since: Position) -> Option<Vec<Arc<Fact>>> {
        let is_ours = since.epoch <= self.epoch && self.recent.position_of(since.seq) == Some(since);
        is_ours.then(|| self.recent.after(since.seq).cloned().collect())
    }
}
