//! Facts of a room's log. An event says what happened, with all that is needed to fold it into state.

use serde::{Deserialize, Serialize};

use crate::{
    CommandId, EndReason, Epoch, NodeIncarnation, ParticipantId, Role, SecretHash, Seq, Settings, Source,
    SourceSet, Timestamp,
};

/// One transition as it stands in the log: the events of one command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Format of this record; see [`Record::VERSION`].
    pub v: u16,
    /// In whose reign.
    pub epoch: Epoch,
    /// Seq of the first event; the others follow by one.
    pub first: Seq,
    /// The owner's clock at the decision.
    pub at: Timestamp,
    /// Whose command of what name it was, for idempotency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<(ParticipantId, CommandId)>,
    /// What happened; never empty.
    pub events: Vec<Event>,
}

impl Record {
    /// The format written by this version. Since 2 a member may join with mutes and a former secret, and a rotation names the former one.
    pub const VERSION: u16 = 2;

    /// Seq of the last event.
    #[must_use]
    pub fn last(&self) -> Seq {
        Seq(self.first.0 + self.events.len() as u64 - 1)
    }
}

/// A durable fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The room exists. Always the first.
    Created {
        /// How it began.
        settings: Settings,
    },
    /// Someone is a member now, for the first time or again.
    MemberJoined {
        /// Who.
        participant: ParticipantId,
        /// Shown name.
        name: String,
        /// Role.
        role: Role,
        /// Publish rights.
        rights: SourceSet,
        /// Sources under a moderator's mute since it was here before.
        #[serde(default)]
        muted: SourceSet,
        /// Attached through.
        via: NodeIncarnation,
        /// Hash of the resume secret.
        resume: SecretHash,
        /// Hash of the secret it had before, good until the new one was used.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        former: Option<SecretHash>,
        /// Address prefix.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
    },
    /// A member is attached through another node (or boot).
    MemberAttached {
        /// Who.
        participant: ParticipantId,
        /// Through which node.
        via: NodeIncarnation,
    },
    /// A member's resume secret has a new hash.
    ResumeRotated {
        /// Whose.
        participant: ParticipantId,
        /// The new hash.
        resume: SecretHash,
        /// The one that stays good until the new one was used; none: the one before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        former: Option<SecretHash>,
    },
    /// A member is none any more; its hand is down and its marks are gone.
    MemberLeft {
        /// Who.
        participant: ParticipantId,
        /// Why.
        reason: LeaveReason,
    },
    /// A member has another name.
    MemberRenamed {
        /// Who.
        participant: ParticipantId,
        /// The new name.
        name: String,
    },
    /// A member has another role.
    RoleChanged {
        /// Who.
        participant: ParticipantId,
        /// Which.
        role: Role,
        /// By whom; none on succession.
        by: Option<ParticipantId>,
    },
    /// Someone is refused from now on.
    MemberBanned {
        /// Who.
        participant: ParticipantId,
        /// Name it had.
        name: String,
        /// Address prefix, when that is refused, too.
        address: Option<String>,
        /// By whom.
        by: Option<ParticipantId>,
    },
    /// A ban is lifted.
    MemberUnbanned {
        /// Whose.
        participant: ParticipantId,
        /// By whom.
        by: Option<ParticipantId>,
    },
    /// A moderator muted a source.
    MemberMuted {
        /// Whose.
        participant: ParticipantId,
        /// What.
        source: Source,
        /// By whom.
        by: Option<ParticipantId>,
    },
    /// The mark of a moderator's mute is gone; nothing was switched on.
    MemberUnmuted {
        /// Whose.
        participant: ParticipantId,
        /// What.
        source: Source,
        /// By whom.
        by: Option<ParticipantId>,
    },
    /// Publish rights changed.
    RightsChanged {
        /// Whose.
        participant: ParticipantId,
        /// What it may publish now.
        rights: SourceSet,
        /// By whom.
        by: Option<ParticipantId>,
    },
    /// Someone waits in the lobby.
    LobbyKnocked {
        /// Who.
        participant: ParticipantId,
        /// Shown name.
        name: String,
        /// The role its token grants.
        role: Role,
    },
    /// Someone no longer waits: admitted (may join from now on), refused, or gone by itself (`by` none).
    LobbyDecided {
        /// Who.
        participant: ParticipantId,
        /// Admitted.
        admitted: bool,
        /// By whom.
        by: Option<ParticipantId>,
    },
    /// Settings changed.
    SettingsChanged {
        /// All of them, as they are now.
        settings: Settings,
        /// By whom.
        by: Option<ParticipantId>,
    },
    /// A hand is up, behind those already up.
    HandRaised {
        /// Whose.
        participant: ParticipantId,
    },
    /// A hand is down.
    HandLowered {
        /// Whose.
        participant: ParticipantId,
        /// By whom.
        by: Option<ParticipantId>,
    },
    /// A line of chat. Its id for clients is the command id, or `m<seq>` without one.
    ChatPosted {
        /// Whose.
        from: ParticipantId,
        /// Name at that time.
        name: String,
        /// What.
        text: String,
        /// The client's id for it.
        id: Option<CommandId>,
    },
    /// Where the room's media lives.
    MediaNodeSet {
        /// The node.
        node: NodeIncarnation,
    },
    /// The room is over. Always the last.
    Ended {
        /// Why.
        reason: EndReason,
    },
}

impl Event {
    /// May only those who moderate know of it. For all others `hidden` stands at its position, so that no gap shows. What nobody is told (by
    /// which node someone came, that a secret changed) is not meant: doors say `hidden` to everyone.
    #[must_use]
    pub fn is_for_moderators(&self) -> bool {
        match self {
            Self::LobbyKnocked { .. }
            | Self::LobbyDecided { .. }
            | Self::MemberBanned { .. }
            | Self::MemberUnbanned { .. } => true,
            Self::Created { .. }
            | Self::MemberJoined { .. }
            | Self::MemberAttached { .. }
            | Self::ResumeRotated { .. }
            | Self::MemberLeft { .. }
            | Self::MemberRenamed { .. }
            | Self::RoleChanged { .. }
            | Self::MemberMuted { .. }
            | Self::MemberUnmuted { .. }
            | Self::RightsChanged { .. }
            | Self::SettingsChanged { .. }
            | Self::HandRaised { .. }
            | Self::HandLowered { .. }
            | Self::ChatPosted { .. }
            | Self::MediaNodeSet { .. }
            | Self::Ended { .. } => false,
        }
    }
}

/// Why a member is none any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// Of its own will.
    Left,
    /// Did not come back within the grace.
    Timeout,
    /// Removed by a moderator.
    Kicked,
    /// Removed for good.
    Banned,
}
