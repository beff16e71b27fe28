//! A room in memory: the pipeline, the ephemeral half, what was lately said, and what is under way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ractor::ActorRef;
use videorooms_domain::{
    Actor, Command, ConnectionId, ConnectionState, Epoch, Live, NodeIncarnation, ParticipantId, Position,
    Request, Seq, Signal, Timestamp,
};

use super::attach::PendingAttach;
use super::{Envelope, Reply, RoomMessage};
use crate::api::{Body, Overview, RoomsError};
use crate::directory::Directory;
use crate::door::Door;
use crate::draining::LOOK_AGAIN;
use crate::load::Stored;
use crate::media_plan::MediaPlan;
use crate::metrics as names;
use crate::pipeline::{Outcome, Output, Pipeline, Refusal};
use crate::recent::Recent;
use crate::rooms::Inside;
use crate::services::Services;

/// What a refused client is told to wait.
pub(crate) const RETRY_AFTER_MS: u64 = 500;

/// Reason of an end: nobody is there.
pub(crate) const IDLE: &str = "idle";
/// Reason of an end: someone else owns the room.
pub(crate) const DEPOSED: &str = "deposed";
/// Reason of an end: the store was told again what it had lost, and the room begins anew from it.
pub(crate) const RESTORED: &str = "restored";

/// A room as read from the store, ready to become an actor.
pub(crate) struct Loaded {
    pub(crate) stored: Stored,
    /// The reign in which this node owns the room.
    pub(crate) epoch: Epoch,
    pub(crate) door: Arc<Door>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) services: Arc<Services>,
}

/// Who waits for a durable command.
pub(crate) enum Waiter {
    /// A member, by its gateway.
    Command(Reply<Position>),
    /// A socket that wants to be in the room.
    Attach(Box<PendingAttach>),
    /// A socket that is back already and is told when its fresh secret counts.
    Resumed(ParticipantId, ConnectionId),
    /// The room itself.
    Nobody,
}

pub(crate) struct RoomState {
    pub(super) pipeline: Pipeline<Waiter>,
    pub(super) live: Live,
    pub(super) media_plan: MediaPlan,
    pub(super) recent: Recent,
    pub(super) myself: ActorRef<Envelope>,
    pub(super) door: Arc<Door>,
    pub(super) services: Arc<Services>,
    pub(super) commit_backoff: Duration,
    pub(super) epoch: Epoch,
    /// Members that came back through another node than before, which the store may not know yet.
    pub(super) moved: BTreeMap<ParticipantId, NodeIncarnation>,
    /// Nodes at which someone may be attached.
    pub(super) hearers: BTreeSet<NodeIncarnation>,
    /// Nodes through which members came, that have not said yet who is attached there.
    pub(super) unheard: BTreeSet<NodeIncarnation>,
    pub(super) rolls_called: u32,
    /// Who asked for the media while it has no node.
    pub(super) media_waiters: Vec<Reply<NodeIncarnation>>,
    directory: Arc<Directory>,
    tick_at: Option<Timestamp>,
    idle_since: Option<Timestamp>,
}

impl RoomState {
    pub(super) fn new(loaded: Loaded, myself: ActorRef<Envelope>) -> Self {
        let Loaded {
            stored,
            epoch,
            door,
            directory,
            services,
        } = loaded;
        let Stored {
            room,
            recent,
            since_snapshot,
        } = stored;
        let now = services.clock.now();
        Self {
            live: Live::load(&room, now, &services.here, services.config.grace),
            media_plan: MediaPlan::load(&room),
            recent,
            myself,
            door,
            commit_backoff: services.config.commit_retry,
            epoch,
            moved: BTreeMap::new(),
            hearers: BTreeSet::new(),
            unheard: BTreeSet::new(),
            rolls_called: 0,
            media_waiters: Vec::new(),
            pipeline: Pipeline::new(room, epoch, since_snapshot),
            services,
            directory,
            tick_at: None,
            idle_since: None,
        }
    }

    pub(super) fn receive(&mut self, message: RoomMessage) {
        match message {
            RoomMessage::Resume => self.resume(),
            RoomMessage::Attach(attach, reply) => {
                let (attach, via) = *attach;
                self.attach(attach, via, reply);
            }
            RoomMessage::Subscribe(wish, reply) => {
                let (via, roll) = *wish;
                drop(reply.send(Ok(self.subscribe(via, &roll))));
            }
            RoomMessage::Roll(answer) => {
                let (via, roll) = *answer;
                self.roll(&via, roll.as_ref());
            }
            RoomMessage::CallRolls => self.call_rolls(),
            RoomMessage::Restore(epoch) => self.restore(epoch),
            RoomMessage::Restored => self.myself.stop(Some(RESTORED.to_owned())),
            RoomMessage::Execute(request, reply) => self.submit(&request, Waiter::Command(reply)),
            RoomMessage::Signal(signal) => self.signal(&signal),
            RoomMessage::Overview(reply) => drop(reply.send(Ok(self.overview()))),
            RoomMessage::Explain(reply) => {
                let inside = Inside::of(self.pipeline.committed(), self.live.sockets_by_node());
                drop(reply.send(Ok(inside)));
            }
            RoomMessage::Verify(participant, secret, reply) => {
                let room = self.pipeline.committed();
                let verified = room.verify_resume(participant, &secret).map_err(RoomsError::from);
                let role = verified.and_then(|()| {
                    room.member(participant)
                        .map(|m| m.role)
                        .ok_or(videorooms_domain::Rejection::NotMember.into())
                });
                drop(reply.send(role));
            }
            RoomMessage::Snapshot(participant, reply) => {
                let room = self.pipeline.committed();
                let snapshot = match room.member(participant) {
                    Some(_) => Ok((room.position(), room.snapshot_for(participant, &self.live))),
                    None => Err(videorooms_domain::Rejection::NotMember.into()),
                };
                drop(reply.send(snapshot));
            }
            RoomMessage::Verdicts(verdicts) => self.verdicts(verdicts),
            RoomMessage::RetryCommit => {
                if let Some(batch) = self.pipeline.retry() {
                    self.send_to_store(batch);
                }
            }
            RoomMessage::MediaNode(reply) => self.wait_for_media(reply),
            RoomMessage::MediaAdmitted(participant) => {
                self.media_plan.admitted(self.pipeline.committed(), participant);
            }
            RoomMessage::MediaDone(report) => self.media_done(report),
            RoomMessage::RetryMedia => self.media_plan.wake(),
            RoomMessage::Settle(told) if self.pipeline.is_idle() => drop(told.send(())),
            RoomMessage::Settle(told) => drop(
                self.myself
                    .send_after(LOOK_AGAIN, move || Envelope::inner(RoomMessage::Settle(told))),
            ),
            RoomMessage::Tick => self.tick(),
            #[cfg(any(test, feature = "test-kit"))]
            RoomMessage::Panic => panic!("asked to panic"),
        }
    }

    /// After every message: let the store and the media server work, and set the alarm for the next deadline.
    pub(super) fn settle(&mut self) {
        self.claim_media();
        self.record_moves();
        if let Some(batch) = self.pipeline.next_batch() {
            self.send_to_store(batch);
        }
        self.answer_media_waiters();
        self.ask_media();
        self.watch_idleness();
        self.set_alarm();
    }

    /// Decides a command; the answer leaves when it is durable.
    pub(super) fn submit(&mut self, request: &Request, waiter: Waiter) {
        match self.pipeline.submit(self.services.clock.now(), request, waiter) {
            Ok(None) => {}
            Ok(Some(output)) => self.carry_out(vec![output]),
            Err((refusal, waiter)) => self.refuse(waiter, refusal),
        }
    }

    fn signal(&mut self, signal: &Signal) {
        let now = self.services.clock.now();
        match self.live.apply(self.pipeline.committed(), now, signal) {
            Ok(notes) => {
                self.publish_notes(notes);
                self.let_hearers_go(signal);
            }
            Err(rejection) => {
                metrics::counter!(names::SIGNALS_REFUSED, "reason" => rejection.code()).increment(1);
                tracing::debug!(room.id = %self.door.room, reason = rejection.code(), "signal refused")
            }
        }
    }

    fn tick(&mut self) {
        let now = self.services.clock.now();
        if self.tick_at.is_some_and(|at| at <= now) {
            self.tick_at = None;
        }
        for request in self.live.due(self.pipeline.committed(), now) {
            self.submit(&request, Waiter::Nobody);
        }
        self.pipeline.rest();
    }

    /// What was said when the store did not listen, or in a life before: through which node a member is attached.
    fn record_moves(&mut self) {
        while self.pipeline.store_answers() && self.pipeline.has_place() {
            let Some((participant, via)) = self.moved.pop_first() else {
                return;
            };
            let is_there = self.live.connection(participant) == ConnectionState::Connected;
            let member = self.pipeline.speculative().member(participant);
            if is_there && member.is_some_and(|member| member.via != via) {
                let by = Actor::Participant(participant);
                let command = Command::Attach { via };
                self.submit(
                    &Request {
                        by,
                        id: None,
                        command,
                    },
                    Waiter::Nobody,
                );
            }
        }
    }

    fn refuse(&self, waiter: Waiter, refusal: Refusal) {
        let reason = match refusal {
            Refusal::StoreUnknown => "the store does not answer",
            Refusal::Full => "the room has too much to do",
            Refusal::Closed => "the room is moving",
        };
        self.fail(
            waiter,
            &RoomsError::Unavailable {
                reason: reason.into(),
                retry_after_ms: RETRY_AFTER_MS,
            },
        );
    }

    pub(super) fn fail(&self, waiter: Waiter, error: &RoomsError) {
        metrics::counter!(names::COMMANDS, "outcome" => "unavailable").increment(1);
        match waiter {
            Waiter::Command(reply) => drop(reply.send(Err(error.clone()))),
            Waiter::Attach(pending) => drop(pending.reply.send(Err(error.clone()))),
            // Nothing rotates, and the old secret stays good.
            Waiter::Resumed(..) | Waiter::Nobody => {}
        }
    }

    /// First says everything, then answers: whoever is answered finds all of it said, or in the answer.
    pub(super) fn carry_out(&mut self, outputs: Vec<Output<Waiter>>) {
        let mut answers: Vec<(Waiter, Outcome)> = Vec::new();
        for output in outputs {
            match output {
                Output::Answer(waiter, outcome) => answers.push((waiter, outcome)),
                Output::Committed { record, by, waiters } => {
                    self.commit_backoff = self.services.config.commit_retry;
                    self.say(&record, by);
                    answers.extend(waiters);
                }
                Output::Retry => self.retry_later(),
                Output::Deposed { epoch, waiters } => {
                    tracing::warn!(room.id = %self.door.room, epoch = epoch.0, "room deposed by a newer owner");
                    self.services.ownership.deposed(self.reign());
                    self.give_up(waiters, DEPOSED);
                }
                Output::Behind { stored, waiters } => {
                    let Seq(known) = self.pipeline.committed().seq();
                    tracing::warn!(room.id = %self.door.room, stored = stored.0, known, "log is not where the room left it");
                    self.give_up(waiters, "behind");
                }
            }
        }
        for (waiter, outcome) in answers {
            self.answer(waiter, outcome);
        }
    }

    fn answer(&mut self, waiter: Waiter, outcome: Outcome) {
        let label = if outcome.is_ok() { "ok" } else { "rejected" };
        metrics::counter!(names::COMMANDS, "outcome" => label).increment(1);
        match waiter {
            Waiter::Command(reply) => drop(reply.send(outcome.map_err(RoomsError::from))),
            Waiter::Attach(pending) => self.finish_attach(*pending, outcome),
            Waiter::Resumed(participant, connection) if outcome.is_ok() => {
                self.publish(Body::ResumeRotated {
                    participant,
                    connection,
                });
            }
            Waiter::Resumed(..) | Waiter::Nobody => {}
        }
    }

    /// The waiters' channels close without an answer, so that their callers ask again wherever the room then is.
    fn give_up(&mut self, waiters: Vec<Waiter>, why: &'static str) {
        drop(waiters);
        self.myself.stop(Some(why.to_owned()));
    }

    fn overview(&self) -> Overview {
        let room = self.pipeline.committed();
        Overview {
            room: room.view(),
            members: room.members().count() as u32,
            ended: room.ended().is_some(),
            password: room.settings().password.clone(),
        }
    }

    fn watch_idleness(&mut self) {
        let busy = self.live.connected() > 0 || !self.pipeline.is_idle() || !self.pipeline.store_answers();
        self.media_waiters.retain(|waiter| !waiter.is_closed());
        let busy = busy || !self.media_waiters.is_empty();
        if busy || self.waits_for_members() || !self.media_plan.is_done() {
            self.idle_since = None;
            return;
        }
        let now = self.services.clock.now();
        let since = *self.idle_since.get_or_insert(now);
        if now < since.after(self.services.config.idle_unload) {
            return;
        }
        let forget_at = self.services.forget_at(self.pipeline.committed());
        if let Some(at) = self.live.next_deadline().into_iter().chain(forget_at).min() {
            self.directory.wake_at(at, self.door.room);
        }
        self.myself.stop(Some(IDLE.to_owned()));
    }

    /// Their grace is not in the log: after a pause in the store's keeping it would start anew.
    fn waits_for_members(&self) -> bool {
        let mut members = self.pipeline.committed().members();
        members.any(|member| self.live.connection(member.participant) == ConnectionState::Reconnecting)
    }

    fn set_alarm(&mut self) {
        let idle = self
            .idle_since
            .map(|since| since.after(self.services.config.idle_unload));
        let Some(at) = [self.live.next_deadline(), idle].into_iter().flatten().min() else {
            return;
        };
        if self.tick_at.is_some_and(|set| set <= at) {
            return;
        }
        self.tick_at = Some(at);
        let wait = Duration::from_millis(at.0.saturating_sub(self.services.clock.now().0).max(1));
        drop(
            self.myself
                .send_after(wait, || Envelope::inner(RoomMessage::Tick)),
        );
    }

    pub(super) fn role_of(&self, participant: ParticipantId) -> Option<(videorooms_domain::Role, String)> {
        self.pipeline
            .committed()
            .member(participant)
            .map(|member| (member.role, member.name.to_string()))
    }
}
