//! Values: domain ⇄ wire.

use videorooms_domain as domain;
use videorooms_protocol::room as wire;

pub(crate) fn wire_role(role: domain::Role) -> wire::Role {
    match role {
        domain::Role::Host => wire::Role::Host,
        domain::Role::Moderator => wire::Role::Moderator,
        domain::Role::Participant => wire::Role::Participant,
        domain::Role::Viewer => wire::Role::Viewer,
    }
}

pub(super) fn role(role: wire::Role) -> domain::Role {
    match role {
        wire::Role::Host => domain::Role::Host,
        wire::Role::Moderator => domain::Role::Moderator,
        wire::Role::Participant => domain::Role::Participant,
        wire::Role::Viewer => domain::Role::Viewer,
    }
}

pub(crate) fn wire_source(source: domain::Source) -> wire::Source {
    match source {
        domain::Source::Microphone => wire::Source::Microphone,
        domain::Source::Camera => wire::Source::Camera,
        domain::Source::Screen => wire::Source::Screen,
        domain::Source::ScreenAudio => wire::Source::ScreenAudio,
    }
}

pub(crate) fn source(source: wire::Source) -> domain::Source {
    match source {
        wire::Source::Microphone => domain::Source::Microphone,
        wire::Source::Camera => domain::Source::Camera,
        wire::Source::Screen => domain::Source::Screen,
        wire::Source::ScreenAudio => domain::Source::ScreenAudio,
    }
}

pub(super) fn wire_sources(sources: domain::SourceSet) -> Vec<wire::Source> {
    sources.iter().map(wire_source).collect()
}

pub(crate) fn wire_state(state: domain::ConnectionState) -> wire::ConnectionState {
    match state {
        domain::ConnectionState::Connected => wire::ConnectionState::Connected,
        domain::ConnectionState::Reconnecting => wire::ConnectionState::Reconnecting,
    }
}

pub(super) fn wire_media(media: domain::MediaState) -> wire::MediaState {
    let domain::MediaState {
        microphone,
        camera,
        screen,
    } = media;
    wire::MediaState {
        microphone,
        camera,
        screen,
    }
}

pub(crate) fn room_info(room: &domain::RoomView) -> wire::RoomInfo {
    wire::RoomInfo {
        id: room.id.to_string(),
        name: room.name.clone(),
        locked: room.locked,
        lobby: room.lobby,
        has_password: room.has_password,
        participant_limit: room.participant_limit,
        created_at: room.created_at.0,
    }
}

fn member(member: &domain::MemberView) -> wire::Member {
    wire::Member {
        participant_id: member.participant_id.to_string(),
        name: member.name.clone(),
        role: wire_role(member.role),
        joined_at: member.joined_at.0,
        state: wire_state(member.state),
        media: wire_media(member.media),
        muted_by_moderator: wire_sources(member.muted_by_moderator),
        rights: wire_sources(member.rights),
    }
}

/// What stands in no event.
pub(crate) fn live(members: &[domain::LiveView]) -> Vec<wire::LiveMember> {
    let live = |member: &domain::LiveView| wire::LiveMember {
        participant_id: member.participant_id.to_string(),
        state: wire_state(member.state),
        media: wire_media(member.media),
    };
    members.iter().map(live).collect()
}

/// A snapshot as the one it was made for may see it.
pub(crate) fn snapshot(snapshot: &domain::Snapshot) -> wire::Snapshot {
    let chat = |line: &domain::ChatLine| wire::ChatMessage {
        id: line.id.clone(),
        from: line.from.to_string(),
        name: line.name.clone(),
        text: line.text.clone(),
        at: line.at.0,
        seq: line.seq.0,
    };
    let waiting = |person: &domain::Waiting| wire::WaitingPerson {
        participant_id: person.participant_id.to_string(),
        name: person.name.clone(),
        since: person.since.0,
    };
    let banned = |person: &domain::BannedView| wire::BannedPerson {
        participant_id: person.participant_id.to_string(),
        name: person.name.clone(),
    };
    wire::Snapshot {
        room: room_info(&snapshot.room),
        members: snapshot.members.iter().map(member).collect(),
        hands: snapshot.hands.iter().map(ToString::to_string).collect(),
        chat: snapshot.chat.iter().map(chat).collect(),
        lobby: snapshot.lobby.iter().map(waiting).collect(),
        banned: snapshot.banned.iter().map(banned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_and_roles_read_back_as_written() {
        for each in domain::Source::ALL {
            assert_eq!(source(wire_source(each)), each);
        }
        for each in [
            domain::Role::Host,
            domain::Role::Moderator,
            domain::Role::Participant,
            domain::Role::Viewer,
        ] {
            assert_eq!(role(wire_role(each)), each);
            assert_eq!(serde_json::to_value(wire_role(each)).unwrap(), each.as_str());
        }
    }
}
