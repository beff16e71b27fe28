//! What the media server must be told, derived from the room's state: a set of things to reconcile, not a queue of commands, so that a failed
//! or repeated call does no harm and the last wish wins. Pure.
//!
//! All of it is for the media server of one node, the room's media node; as long as there is none, there is nothing to tell. When it becomes another, that one
//! is told everything, and the former one, unless it is dead, that the room's media there is over.
//!
//! A room just loaded does not trust that its predecessor lived to do everything: it asks the media server who is there, and wishes those away
//! who are no members. What failed rests for a pause; everything else goes on meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use videorooms_domain::{Event, NodeIncarnation, ParticipantId, Room, SourceSet};

/// Most calls to the media server at once for one room.
const BATCH: usize = 16;

/// What a participant's media is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// May publish just this.
    Publish(SourceSet),
    /// Must have no media.
    Remove,
}

/// A piece of work for the media server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Work {
    /// Say who has, or may come to have, media in the room.
    Survey,
    /// Bring these participants' media in line; each succeeds or fails by itself.
    Participants(BTreeMap<ParticipantId, Wish>),
    /// End the room's media.
    Close,
    /// End what there is left of it on this node, which carried it before.
    Leave(NodeIncarnation),
}

/// What came of a piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Report {
    /// These are there.
    Present(Vec<ParticipantId>),
    /// All was done, but for these participants.
    Failed(BTreeSet<ParticipantId>),
    /// Nothing was done.
    Nothing,
}

/// Wishes not yet fulfilled; at most one piece of work is under way.
#[derive(Debug, Default)]
pub(crate) struct MediaPlan {
    /// Where the media is.
    node: Option<NodeIncarnation>,
    /// Where it was.
    former: BTreeSet<NodeIncarnation>,
    survey: Wanted,
    close: Wanted,
    leave: Wanted,
    wishes: BTreeMap<ParticipantId, Wish>,
    /// Their wishes failed and wait for the pause's end.
    resting: BTreeSet<ParticipantId>,
    under_way: Option<Work>,
    /// The pause runs.
    pausing: bool,
}

/// Is something to be done that concerns the whole room.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    #[default]
    No,
    Yes,
    /// It failed and waits for the pause's end.
    Resting,
}

impl MediaPlan {
    /// Wishes for a room just loaded.
    #[must_use]
    pub(crate) fn load(room: &Room) -> Self {
        let mut plan = Self {
            node: room.media_node().cloned(),
            ..Self::default()
        };
        if room.ended().is_some() {
            plan.close();
        } else {
            plan.begin(room);
        }
        plan
    }

    /// The node whose media server is meant by all work that names none.
    #[must_use]
    pub(crate) fn node(&self) -> Option<&NodeIncarnation> {
        self.node.as_ref()
    }

    /// Takes note of a committed event (`room` already holds it).
    pub(crate) fn observe(&mut self, room: &Room, event: &Event) {
        match event {
            // It has no media before it is [`Self::admitted`]; but if its former media were to go, they may not take the new one's with them.
            Event::MemberJoined { participant, .. } if !self.concerns(*participant) => {}
            Event::MemberLeft { participant, .. }
            | Event::MemberJoined { participant, .. }
            | Event::RoleChanged { participant, .. }
            | Event::MemberMuted { participant, .. }
            | Event::MemberUnmuted { participant, .. }
            | Event::RightsChanged { participant, .. } => self.wish(room, *participant),
            Event::Ended { .. } => self.close(),
            Event::MediaNodeSet { node } => self.moved(room, node),
            Event::Created { .. }
            | Event::MemberAttached { .. }
            | Event::ResumeRotated { .. }
            | Event::MemberRenamed { .. }
            | Event::MemberBanned { .. }
            | Event::MemberUnbanned { .. }
            | Event::LobbyKnocked { .. }
            | Event::LobbyDecided { .. }
            | Event::SettingsChanged { .. }
            | Event::HandRaised { .. }
            | Event::HandLowered { .. }
            | Event::ChatPosted { .. } => {}
        }
    }

    /// Someone was given a way to the media by rights that may have changed since: what `room` says now has the last word.
    pub(crate) fn admitted(&mut self, room: &Room, participant: ParticipantId) {
        if room.ended().is_some() {
            // The media room may have been made anew for it.
            self.close();
        } else {
            self.wish(room, participant);
        }
    }

    /// The next piece of work, if there is one and none is under way.
    pub(crate) fn next(&mut self) -> Option<Work> {
        if self.under_way.is_some() {
            return None;
        }
        let work = if self.close == Wanted::Yes {
            *self = Self {
                node: self.node.take(),
                former: std::mem::take(&mut self.former),
                leave: self.leave,
                pausing: self.pausing,
                ..Self::default()
            };
            Work::Close
        } else if let Some(node) = self.next_former() {
            Work::Leave(node)
        } else if self.survey == Wanted::Yes {
            self.survey = Wanted::No;
            Work::Survey
        } else {
            Work::Participants(self.batch()?)
        };
        self.under_way = Some(work.clone());
        Some(work)
    }

    /// The work under way ended. What failed is wished again after a pause, unless something newer was wished meanwhile. Answers whether a
    /// pause begins: [`Self::wake`] ends it.
    #[must_use]
    pub(crate) fn done(&mut self, room: &Room, report: Report) -> bool {
        let failed = match (self.under_way.take(), report) {
            (None, _) => false,
            (Some(Work::Close), report) => self.close.done(report),
            (Some(Work::Leave(node)), report) => {
                let failed = report == Report::Nothing;
                if failed {
                    self.former.insert(node);
                    self.leave = Wanted::Resting;
                }
                failed
            }
            (Some(Work::Survey), Report::Present(present)) => {
                let is_stranger = |who: &ParticipantId| room.member(*who).is_none();
                present
                    .into_iter()
                    .filter(is_stranger)
                    .for_each(|who| self.wish(room, who));
                false
            }
            (Some(Work::Survey), report) => self.survey.done(report),
            (Some(Work::Participants(wishes)), report) => self.put_back(room, &wishes, &report),
        };
        let begins = failed && !self.pausing;
        self.pausing |= failed;
        begins
    }

    /// The pause after a failure is over.
    pub(crate) fn wake(&mut self) {
        self.pausing = false;
        self.resting.clear();
        self.survey.wake();
        self.leave.wake();
        self.close.wake();
    }

    /// Is there nothing to do and nothing under way.
    #[must_use]
    pub(crate) fn is_done(&self) -> bool {
        let idle = [self.survey, self.close, self.leave] == [Wanted::No; 3];
        idle && self.under_way.is_none() && self.wishes.is_empty()
    }

    /// Is something wished for this participant, or being done.
    fn concerns(&self, participant: ParticipantId) -> bool {
        let is_under_way = match &self.under_way {
            Some(Work::Participants(wishes)) => wishes.contains_key(&participant),
            Some(Work::Survey | Work::Close | Work::Leave(_)) | None => false,
        };
        is_under_way || self.wishes.contains_key(&participant)
    }

    /// Everything is to be said to the room's media node.
    fn begin(&mut self, room: &Room) {
        if self.node.is_some() {
            self.survey = Wanted::Yes;
        }
        for member in room.members() {
            self.wish(room, member.participant);
        }
    }

    fn close(&mut self) {
        if self.node.is_some() {
            self.close = Wanted::Yes;
        }
    }

    fn moved(&mut self, room: &Room, to: &NodeIncarnation) {
        let from = self.node.replace(to.clone());
        self.former.remove(to);
        if let Some(from) = from.filter(|from| from != to) {
            self.former.insert(from);
            self.leave = Wanted::Yes;
        }
        self.begin(room);
    }

    fn next_former(&mut self) -> Option<NodeIncarnation> {
        if self.leave != Wanted::Yes {
            return None;
        }
        let next = self.former.pop_first();
        if self.former.is_empty() {
            self.leave = Wanted::No;
        }
        next
    }

    fn wish(&mut self, room: &Room, participant: ParticipantId) {
        if self.node.is_none() {
            // There is no media of anyone yet; the node that will carry it is told everything.
            return;
        }
        let wish = match room.member(participant) {
            Some(_) => Wish::Publish(room.publishable(participant)),
            None => Wish::Remove,
        };
        self.wishes.insert(participant, wish);
        self.resting.remove(&participant);
    }

    /// Removals first: of all wishes they are the ones that someone waits for.
    fn batch(&mut self) -> Option<BTreeMap<ParticipantId, Wish>> {
        let ready = |only_removals: bool| {
            let awake = self.wishes.iter().filter(|(who, _)| !self.resting.contains(who));
            awake
                .filter(move |(_, wish)| (**wish == Wish::Remove) == only_removals)
                .map(|(who, wish)| (*who, *wish))
        };
        let batch: BTreeMap<_, _> = ready(true).chain(ready(false)).take(BATCH).collect();
        for participant in batch.keys() {
            self.wishes.remove(participant);
        }
        (!batch.is_empty()).then_some(batch)
    }

    /// Wishes again what failed, as `room` would have it by now. Answers whether anything did.
    fn put_back(&mut self, room: &Room, wishes: &BTreeMap<ParticipantId, Wish>, report: &Report) -> bool {
        if self.close != Wanted::No {
            return false;
        }
        let mut any = false;
        for participant in wishes.keys() {
            let failed = match report {
                Report::Failed(failed) => failed.contains(participant),
                Report::Nothing => true,
                Report::Present(_) => false,
            };
            any |= failed;
            if failed && !self.wishes.contains_key(participant) {
                self.wish(room, *participant);
                self.resting.insert(*participant);
            }
        }
        any
    }
}

impl Wanted {
    /// Answers whether it failed.
    fn done(&mut self, report: Report) -> bool {
        let failed = report == Report::Nothing;
        if failed && *self == Self::No {
            *self = Self::Resting;
        }
        failed
    }

    fn wake(&mut self) {
        if *self == Self::Resting {
            *self = Self::Yes;
        }
    }
}

#[cfg(test)]
mod tests;
