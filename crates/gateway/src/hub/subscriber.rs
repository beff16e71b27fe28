//! One socket's subscription to one room, and what is held back for it.

use std::sync::Arc;

use videorooms_domain::{ConnectionId, ParticipantId, Role, Seq};

use crate::channels::translate::Hearing;
use crate::metrics as names;
use crate::socket::outbox::{Class, Closing, Item, Notice, Outbox, Pushed, RESTART};

/// What may be held back for a socket whose attachment is under way; past it the socket starts again.
const MAX_HELD: usize = 1024;

pub(super) struct Subscriber {
    pub(super) connection: ConnectionId,
    pub(super) participant: ParticipantId,
    pub(super) hearing: Hearing,
    outbox: Arc<Outbox>,
    stage: Stage,
}

enum Stage {
    Held(Vec<Held>),
    Waiting,
    Live,
}

/// Something held back, with the last durable event that came before it.
struct Held {
    after: Option<Seq>,
    kind: Kind,
    /// For those who hear everything, and for the others.
    items: [Item; 2],
}

/// What a position says about something held back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is the event of its seq.
    Durable,
    /// It came after the event of its seq.
    Ephemeral(Class),
    /// It is the consequence of the event of its seq.
    Consequence,
}

impl Subscriber {
    pub(super) fn new(participant: ParticipantId, connection: ConnectionId, outbox: Arc<Outbox>) -> Self {
        Self {
            connection,
            participant,
            hearing: Hearing::Public,
            outbox,
            stage: Stage::Held(Vec::new()),
        }
    }

    pub(super) fn is_live(&self) -> bool {
        matches!(self.stage, Stage::Live)
    }

    pub(super) fn is_held(&self) -> bool {
        matches!(self.stage, Stage::Held(_))
    }

    /// Answers whether a frame was put into the outbox.
    pub(super) fn hear(&mut self, after: Option<Seq>, kind: Kind, items: &[Item; 2]) -> bool {
        match &mut self.stage {
            Stage::Live => {
                let item = &items[self.hearing as usize];
                push(&self.outbox, item, kind)
            }
            Stage::Held(held) if held.len() < MAX_HELD => {
                held.push(Held {
                    after,
                    kind,
                    items: items.clone(),
                });
                false
            }
            Stage::Held(_) => {
                self.outbox.close(Closing {
                    code: RESTART,
                    flush: false,
                    why: "slow",
                });
                false
            }
            Stage::Waiting => false,
        }
    }

    /// Tells the channel something, now or when it is released.
    pub(super) fn notice(&mut self, after: Option<Seq>, notice: Notice) {
        let item = Item::Channel(self.connection, notice);
        match (&mut self.stage, notice) {
            (Stage::Held(held), _) => {
                held.push(Held {
                    after,
                    kind: Kind::Consequence,
                    items: [item.clone(), item],
                });
            }
            (Stage::Live, Notice::Closed(_) | Notice::ResumeRotated)
            | (Stage::Waiting, Notice::Closed(_) | Notice::Lobby { .. }) => {
                push(&self.outbox, &item, Kind::Consequence);
            }
            (Stage::Live, Notice::Lobby { .. }) | (Stage::Waiting, Notice::ResumeRotated) => {}
        }
    }

    pub(super) fn release(&mut self, position: Seq, role: Role) {
        self.hearing = Hearing::of(role);
        for held in self.leave_hold(position) {
            push(&self.outbox, &held.items[self.hearing as usize], held.kind);
        }
        self.stage = Stage::Live;
    }

    pub(super) fn wait(&mut self, position: Seq) {
        for held in self.leave_hold(position) {
            if held.kind == Kind::Consequence {
                push(&self.outbox, &held.items[0], held.kind);
            }
        }
        self.stage = Stage::Waiting;
    }

    fn leave_hold(&mut self, position: Seq) -> Vec<Held> {
        let Stage::Held(held) = &mut self.stage else {
            return Vec::new();
        };
        let mut held = std::mem::take(held);
        held.retain(|held| match held.kind {
            Kind::Durable | Kind::Consequence => held.after.is_some_and(|seq| seq > position),
            // It may be in the snapshot already; hearing it twice changes nothing.
            Kind::Ephemeral(_) => held.after.is_none_or(|seq| seq >= position),
        });
        held
    }
}

fn push(outbox: &Outbox, item: &Item, kind: Kind) -> bool {
    let class = match kind {
        Kind::Ephemeral(class) => class,
        Kind::Durable | Kind::Consequence => Class::Needed,
    };
    match outbox.push(item.clone(), class) {
        Pushed::Taken => true,
        Pushed::Dropped => {
            metrics::counter!(names::DROPPED).increment(1);
            false
        }
        Pushed::Closing => false,
    }
}
