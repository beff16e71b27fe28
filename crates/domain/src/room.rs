//! One room's durable state and the door to its rules. Rules stand in the files below, one topic each; they look at the state and answer
//! with events. Only `fold` changes state, from a record: so a decision, a reading from the store and a replica are the same walk.
//!
//! Deliberately not here: sockets, devices and grace times ([`crate::Live`]); the store and media (their owners derive what they need from state).
//!
//! Copies are cheap: members, lines of chat and remembered commands are shared between a room and its clone until one of them changes.

mod absent;
mod admit;
mod asker;
mod bans;
mod chat;
mod depart;
mod fold;
mod hands;
mod lobby;
mod member;
mod moderate;
mod once;
mod roster;
mod settings;
mod stored;
mod text;
mod views;

#[cfg(test)]
pub(crate) mod testing;

use serde::{Deserialize, Serialize};

pub use member::Member;
pub use text::participant_name;

use crate::{
    Command, EndReason, Epoch, Event, NodeIncarnation, ParticipantId, Position, Record, Rejection, Request,
    RoomId, Seq, Settings, SourceSet, Timestamp, Transition,
};
use absent::Absent;
use asker::own;
use bans::Bans;
use chat::ChatLog;
use lobby::Lobby;
use once::Once;
use roster::Roster;

/// Durable state: a fold of records.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Room {
    id: RoomId,
    epoch: Epoch,
    seq: Seq,
    created_at: Timestamp,
    changed_at: Timestamp,
    settings: Settings,
    ended: Option<EndReason>,
    media_node: Option<NodeIncarnation>,
    members: Roster,
    /// Has it ever had a host.
    #[serde(default)]
    hosted: bool,
    /// Raised, first raised first.
    hands: Vec<ParticipantId>,
    /// Not known to snapshots of version 1.
    #[serde(default)]
    absent: Absent,
    lobby: Lobby,
    bans: Bans,
    chat: ChatLog,
    done: Once,
}

/// What a rule answers: what happens, or why nothing does. No events: all is as asked already.
type Decision = Result<Vec<Event>, Rejection>;

impl Room {
    /// A room before its first record.
    #[must_use]
    pub fn new(id: RoomId) -> Self {
        Self {
            id,
            epoch: Epoch::default(),
            seq: Seq::default(),
            created_at: Timestamp::default(),
            changed_at: Timestamp::default(),
            settings: Settings::default(),
            ended: None,
            media_node: None,
            members: Roster::default(),
            hosted: false,
            hands: Vec::new(),
            absent: Absent::default(),
            lobby: Lobby::default(),
            bans: Bans::default(),
            chat: ChatLog::default(),
            done: Once::default(),
        }
    }

    /// The first transition of a room.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] for settings out of range.
    pub fn create(
        id: RoomId,
        at: Timestamp,
        epoch: Epoch,
        settings: Settings,
    ) -> Result<(Self, Record), Rejection> {
        let mut room = Self::new(id);
        let events = vec![Event::Created {
            settings: settings::checked(settings)?,
        }];
        let record = Record {
            v: Record::VERSION,
            epoch,
            first: Seq(1),
            at,
            origin: None,
            events,
        };
        room.absorb(&record);
        Ok((room, record))
    }

    /// Decides a command and folds what it comes to. A command id that is known is answered with the first verdict, whatever the
    /// command now is and whoever has left meanwhile. Commands that were refused or changed nothing are not remembered: sent again they are
    /// decided anew.
    ///
    /// # Errors
    /// [`Rejection`]; then nothing changed.
    pub fn apply(&mut self, at: Timestamp, epoch: Epoch, request: &Request) -> Result<Transition, Rejection> {
        let origin = own(request.by).ok().zip(request.id.clone());
        if let Some(answer) = origin.as_ref().and_then(|(by, id)| self.done.position(*by, id)) {
            return Ok(Transition { record: None, answer });
        }
        let events = self.decide(request)?;
        if events.is_empty() {
            return Ok(Transition {
                record: None,
                answer: self.position(),
            });
        }
        let record = Record {
            v: Record::VERSION,
            epoch,
            first: self.seq.plus(1),
            at,
            origin,
            events,
        };
        self.absorb(&record);
        Ok(Transition {
            record: Some(record),
            answer: self.position(),
        })
    }

    fn decide(&self, request: &Request) -> Decision {
        if self.ended.is_some() {
            return Err(Rejection::Ended);
        }
        let by = request.by;
        match &request.command {
            Command::Join(join) => self.join(own(by)?, join),
            Command::Resume(resume) => self.resume(own(by)?, resume),
            Command::Attach { via } => self.attach(self.asking_member(by)?, via),
            Command::RotateResume { resume } => self.rotate_resume(self.asking_member(by)?, *resume),
            Command::Leave => self.leave(own(by)?),
            Command::Expire { participant } => self.expire(by, *participant),
            Command::Rename { name } => self.rename(self.asking_member(by)?, name),
            Command::SetRole { participant, role } => self.set_role(by, *participant, *role),
            Command::Kick {
                participant,
                ban,
                ban_address,
            } => self.kick(by, *participant, *ban, *ban_address),
            Command::Unban { participant } => self.unban(by, *participant),
            Command::Mute { participant, source } => self.mute(by, *participant, *source),
            Command::Unmute { participant, source } => self.unmute(by, *participant, *source),
            Command::SetRights { participant, rights } => self.set_rights(by, *participant, *rights),
            Command::DecideLobby { participant, admit } => self.decide_lobby(by, *participant, *admit),
            Command::ChangeSettings(patch) => self.change_settings(by, patch),
            Command::RaiseHand => self.raise_hand(self.asking_member(by)?),
            Command::LowerHand { participant } => self.lower_hand(by, *participant),
            Command::Chat { text } => self.post(self.asking_member(by)?, text, request.id.clone()),
            Command::SetMediaNode { node } => self.set_media_node(by, node),
            Command::End { reason } => self.end(by, *reason),
        }
    }

    /// Which room.
    #[must_use]
    pub fn id(&self) -> RoomId {
        self.id
    }

    /// Number of the last event; 0 before the first.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// Where the last event stands.
    #[must_use]
    pub fn position(&self) -> Position {
        Position {
            epoch: self.epoch,
            seq: self.seq,
        }
    }

    /// Why it ended, if it did.
    #[must_use]
    pub fn ended(&self) -> Option<EndReason> {
        self.ended
    }

    /// A member.
    #[must_use]
    pub fn member(&self, participant: ParticipantId) -> Option<&Member> {
        self.members.get(participant)
    }

    /// Members in order of joining.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter()
    }

    /// Settings, the password's hash included.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// When it was created.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// Has it ever had a host. Until then the place is its creator's.
    #[must_use]
    pub fn was_hosted(&self) -> bool {
        self.hosted
    }

    /// When anything durable happened last.
    #[must_use]
    pub fn changed_at(&self) -> Timestamp {
        self.changed_at
    }

    /// Does this participant wait in the lobby.
    #[must_use]
    pub fn is_waiting(&self, participant: ParticipantId) -> bool {
        self.lobby.is_waiting(participant)
    }

    /// What the participant may publish now: its rights without the moderators' mutes; nothing for those who are no members.
    #[must_use]
    pub fn publishable(&self, participant: ParticipantId) -> SourceSet {
        self.member(participant)
            .map_or(SourceSet::NONE, Member::publishable)
    }

    /// Where the room's media lives.
    #[must_use]
    pub fn media_node(&self) -> Option<&NodeIncarnation> {
        self.media_node.as_ref()
    }
}
