//! One socket's subscription to one room, and what is held back for it.

use std::sync::Arc;

use parking_lot::Mutex;
use videorooms_domain::{ConnectionId, ParticipantId, Role, Seq};

use crate::channels::translate::Hearing;
use crate::metrics as names;
use crate::socket::outbox::{Class, Closing, Item, Notice, Outbox, Pushed, RESTART};

/// What may be held back for a socket whose attachment is under way; past it the socket starts again.
const MAX_HELD: usize = 1024;

/// A member's role, as its channel reads it.
pub(crate) type SharedRole = Arc<Mutex<Role>>;

pub(super) struct Subscriber {
    pub(super) connection: ConnectionId,
    pub(super) participant: ParticipantId,
    /// It goes on where a muted one of the same socket stopped.
    replaces: bool,
    role: SharedRole,
    hearing: Hearing,
    outbox: Arc<Outbox>,
    stage: Stage,
}

enum Stage {
    /// The attachment is under way.
    Held {
        held: Vec<Held>,
        /// The last change of role that came meanwhile, with the seq of its event.
        changed: Option<(Seq, Role)>,
    },
    /// In front of the door.
    Waiting,
    Live,
    /// Attached, and about to be replaced.
    Muted,
}

/// Something held back, with the last durable event that came before it.
struct Held {
    after: Option<Seq>,
    kind: Kind,
    /// The last change of role before it.
    changed: Option<(Seq, Role)>,
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

/// Does a subscription go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goes {
    On,
    /// Its membership ended while it was held back.
    Over,
}

impl Goes {
    pub(super) fn is_over(self) -> bool {
        self == Self::Over
    }
}

impl Subscriber {
    pub(super) fn new(
        participant: ParticipantId,
        connection: ConnectionId,
        outbox: Arc<Outbox>,
        replaces: bool,
    ) -> Self {
        Self {
            connection,
            participant,
            replaces,
            role: Arc::new(Mutex::new(Role::Viewer)),
            hearing: Hearing::Public,
            outbox,
            stage: Stage::Held {
                held: Vec::new(),
                changed: None,
            },
        }
    }

    pub(super) fn role(&self) -> SharedRole {
        Arc::clone(&self.role)
    }

    /// Its attachment is answered and stands.
    pub(super) fn is_attached(&self) -> bool {
        matches!(self.stage, Stage::Live | Stage::Muted)
    }

    pub(super) fn is_held(&self) -> bool {
        matches!(self.stage, Stage::Held { .. })
    }

    /// Hears nothing any more, but still is attached.
    pub(super) fn mute(&mut self) {
        if matches!(self.stage, Stage::Live) {
            self.stage = Stage::Muted;
        }
    }

    /// The event of that seq gave the member another role.
    pub(super) fn role_changed(&mut self, seq: Seq, role: Role) {
        match &mut self.stage {
            Stage::Held { changed, .. } => *changed = Some((seq, role)),
            Stage::Live | Stage::Waiting | Stage::Muted => self.take_role(role),
        }
    }

    fn take_role(&mut self, role: Role) {
        self.hearing = Hearing::of(role);
        *self.role.lock() = role;
    }

    /// Answers whether a frame was put into the outbox.
    pub(super) fn hear(&mut self, after: Option<Seq>, kind: Kind, items: &[Item; 2]) -> bool {
        match &mut self.stage {
            Stage::Live => {
                let item = &items[self.hearing as usize];
                push(&self.outbox, item, kind)
            }
            Stage::Held { held, changed } if held.len() < MAX_HELD => {
                held.push(Held {
                    after,
                    kind,
                    changed: *changed,
                    items: items.clone(),
                });
                false
            }
            Stage::Held { .. } => {
                self.outbox.close(Closing {
                    code: RESTART,
                    flush: false,
                    why: "slow",
                });
                false
            }
            Stage::Waiting | Stage::Muted => false,
        }
    }

    /// Tells the channel something, now or when it is released.
    pub(super) fn notice(&mut self, after: Option<Seq>, notice: Notice) {
        let item = Item::Channel(self.connection, notice);
        match (&mut self.stage, notice) {
            (Stage::Held { held, changed }, _) => {
                held.push(Held {
                    after,
                    kind: Kind::Consequence,
                    changed: *changed,
                    items: [item.clone(), item],
                });
            }
            (Stage::Live, Notice::Closed(_) | Notice::ResumeRotated)
            | (Stage::Waiting, Notice::Closed(_) | Notice::Lobby { .. }) => {
                push(&self.outbox, &item, Kind::Consequence);
            }
            (Stage::Live, Notice::Lobby { .. })
            | (Stage::Waiting, Notice::ResumeRotated)
            | (Stage::Muted, _) => {}
        }
    }

    /// Hands out what was held back after `position`, at which the member's role was `role`.
    pub(super) fn release(&mut self, position: Seq, role: Role) -> Goes {
        let Stage::Held { held, changed } = std::mem::replace(&mut self.stage, Stage::Live) else {
            return Goes::On;
        };
        // What changed up to the position is in `role` already.
        let role_after = |change: Option<(Seq, Role)>| {
            let newer = change.filter(|(seq, _)| *seq > position);
            newer.map_or(role, |(_, role)| role)
        };
        for held in later(held, position, self.replaces) {
            let hearing = Hearing::of(role_after(held.changed));
            push(&self.outbox, &held.items[hearing as usize], held.kind);
            if held.ends() {
                return Goes::Over;
            }
        }
        self.take_role(role_after(changed));
        Goes::On
    }

    /// Hands out what the lobby decided after `position`.
    pub(super) fn wait(&mut self, position: Seq) -> Goes {
        let Stage::Held { held, .. } = std::mem::replace(&mut self.stage, Stage::Waiting) else {
            return Goes::On;
        };
        for held in later(held, position, false).filter(|held| held.kind == Kind::Consequence) {
            push(&self.outbox, &held.items[0], held.kind);
            if held.ends() {
                return Goes::Over;
            }
        }
        Goes::On
    }
}

impl Held {
    /// Is it the end of the membership.
    fn ends(&self) -> bool {
        matches!(self.items[0], Item::Channel(_, Notice::Closed(_)))
    }
}

/// What the answer of that position does not hold; for one that `replaces` another also what was said in passing since that one was muted.
fn later(held: Vec<Held>, position: Seq, replaces: bool) -> impl Iterator<Item = Held> {
    held.into_iter().filter(move |held| match held.kind {
        Kind::Durable | Kind::Consequence => held.after.is_some_and(|seq| seq > position),
        // It may be in the snapshot already; hearing it twice changes nothing.
        Kind::Ephemeral(_) => replaces || held.after.is_none_or(|seq| seq >= position),
    })
}

fn push(outbox: &Arc<Outbox>, item: &Item, kind: Kind) -> bool {
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
