//! A member: everything durable that the room knows of one participant.

use serde::{Deserialize, Serialize};

use crate::{NodeIncarnation, ParticipantId, Role, SecretHash, Seq, SourceSet, Timestamp};

/// A member as the log has it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    pub participant: ParticipantId,
    /// Shown name.
    pub name: String,
    /// Role.
    pub role: Role,
    /// What it may publish unless muted.
    pub rights: SourceSet,
    /// Sources under a moderator's mute.
    pub muted: SourceSet,
    /// When it became a member.
    pub joined_at: Timestamp,
    /// The event by which it became a member: the order of joining.
    pub joined: Seq,
    /// Through which boot of which node it is attached.
    pub via: NodeIncarnation,
    /// Address prefix it came from.
    pub address: Option<String>,
    /// What lets it in again.
    pub(super) resume: SecretHash,
    /// Still good: nobody has shown the new one yet.
    pub(super) former_resume: Option<SecretHash>,
}

impl Member {
    /// Rights without the moderators' mutes.
    #[must_use]
    pub fn publishable(&self) -> SourceSet {
        self.rights.minus(self.muted)
    }

    pub(super) fn rotate_resume(&mut self, resume: SecretHash, former: Option<SecretHash>) {
        let former = former.unwrap_or(self.resume);
        self.resume = resume;
        self.former_resume = (former != resume).then_some(former);
    }

    /// The current secret, or the former one while nobody has shown the new one.
    pub(super) fn knows(&self, secret: &SecretHash) -> bool {
        let is_current = same_secret(&self.resume, secret);
        let is_former = self
            .former_resume
            .as_ref()
            .is_some_and(|former| same_secret(former, secret));
        is_current | is_former
    }
}

/// Takes the same time wherever the first difference is.
fn same_secret(a: &SecretHash, b: &SecretHash) -> bool {
    a.0.iter()
        .zip(&b.0)
        .fold(0, |difference, (a, b)| difference | (a ^ b))
        == 0
}
