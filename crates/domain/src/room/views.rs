//! What of a room is shown to whom. No secret, hash or address leaves by here.

use super::{Member, Room};
use crate::{Live, LiveView, MemberView, ParticipantId, RoomView, Snapshot};

impl Room {
    /// Settings as anyone may see them.
    #[must_use]
    pub fn view(&self) -> RoomView {
        RoomView {
            id: self.id,
            name: self.settings.name.clone(),
            locked: self.settings.locked,
            lobby: self.settings.lobby,
            has_password: self.settings.password.is_some(),
            participant_limit: self.settings.participant_limit,
            created_at: self.created_at,
        }
    }

    /// The whole room as this participant may see it; lobby and bans are for those who moderate.
    #[must_use]
    pub fn snapshot_for(&self, viewer: ParticipantId, live: &Live) -> Snapshot {
        let moderates = self.moderates(viewer);
        Snapshot {
            room: self.view(),
            members: self.members().map(|member| member_view(member, live)).collect(),
            hands: self.hands.clone(),
            chat: self.chat.iter().cloned().collect(),
            lobby: if moderates {
                self.lobby.waiting().to_vec()
            } else {
                Vec::new()
            },
            banned: if moderates { self.bans.views() } else { Vec::new() },
        }
    }

    /// What a member cannot know from events alone, in order of joining.
    #[must_use]
    pub fn live_views(&self, live: &Live) -> Vec<LiveView> {
        let view = |member: &Member| live_view(member, live);
        self.members().map(view).collect()
    }

    fn moderates(&self, participant: ParticipantId) -> bool {
        self.member(participant)
            .is_some_and(|member| member.role.moderates())
    }
}

fn live_view(member: &Member, live: &Live) -> LiveView {
    LiveView {
        participant_id: member.participant,
        state: live.connection(member.participant),
        media: live.media(member.participant),
    }
}

fn member_view(member: &Member, live: &Live) -> MemberView {
    let LiveView { state, media, .. } = live_view(member, live);
    MemberView {
        participant_id: member.participant,
        name: member.name.clone(),
        role: member.role,
        joined_at: member.joined_at,
        state,
        media,
        muted_by_moderator: member.muted,
        rights: member.rights,
    }
}

#[cfg(test)]
mod tests {
    use crate::room::testing::{Scene, id, join_as};
    use crate::{Command, Event, Grace, Live, Role, SettingsPatch};

    #[test]
    fn lobby_and_bans_are_shown_to_moderators_only() {
        let mut scene = Scene::with(&[(1, Role::Host), (2, Role::Participant), (3, Role::Participant)]);
        scene.ok(
            1,
            Command::Kick {
                participant: id(3),
                ban: true,
                ban_address: false,
            },
        );
        scene.ok(
            1,
            Command::ChangeSettings(SettingsPatch {
                lobby: Some(true),
                ..SettingsPatch::default()
            }),
        );
        scene.ok(4, join_as(Role::Participant, "p4"));
        let live = Live::new(Grace::default());
        let (host, guest) = (
            scene.room.snapshot_for(id(1), &live),
            scene.room.snapshot_for(id(2), &live),
        );
        assert_eq!((host.lobby.len(), host.banned.len()), (1, 1));
        assert_eq!((guest.lobby.len(), guest.banned.len()), (0, 0));
    }

    #[test]
    fn of_the_log_only_lobby_and_bans_are_for_moderators() {
        let by = None;
        let unbanned = Event::MemberUnbanned {
            participant: id(3),
            by,
        };
        let decided = Event::LobbyDecided {
            participant: id(3),
            admitted: true,
            by,
        };
        assert!(unbanned.is_for_moderators() && decided.is_for_moderators());
        assert!(!Event::HandRaised { participant: id(1) }.is_for_moderators());
    }

    #[test]
    fn an_empty_room_is_small() {
        assert!(size_of::<crate::Room>() <= 512, "{}", size_of::<crate::Room>());
    }
}
