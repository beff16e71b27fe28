//! The bound of an envelope holds what a room of the default limits can come to.

use videorooms_domain::{
    ChatLine, ConnectionState, MediaState, MemberView, ParticipantId, Position, Role, RoomId, RoomView, Seq,
    Settings, Snapshot, SourceSet, Timestamp, Waiting, limits,
};
use videorooms_rooms::calls::{Answer, Content, ENVELOPE_BYTES, Envelope};

use crate::examples::here;

#[test]
fn the_fullest_room_of_the_default_limits_fits_twice() {
    let names = || "\u{10FFFF}".repeat(limits::NAME_CHARS);
    let (participant_id, late) = (ParticipantId(u64::MAX), Timestamp(u64::MAX));
    let member = MemberView {
        participant_id,
        name: names(),
        role: Role::Participant,
        joined_at: late,
        state: ConnectionState::Reconnecting,
        media: MediaState::default(),
        muted_by_moderator: SourceSet::ALL,
        rights: SourceSet::ALL,
    };
    let waiting = Waiting {
        participant_id,
        name: names(),
        since: late,
    };
    let banned = videorooms_domain::BannedView {
        participant_id,
        name: names(),
    };
    // Each byte of a line can become two: quotes are escaped.
    let line = ChatLine {
        id: "x".repeat(64),
        from: participant_id,
        name: names(),
        text: "\"".repeat(limits::CHAT_BYTES / limits::CHAT_LINES),
        at: late,
        seq: Seq(u64::MAX),
    };
    let limit = Settings::default().participant_limit;
    let members = limit as usize;
    let snapshot = Snapshot {
        room: RoomView {
            id: RoomId(u128::MAX),
            name: "\u{10FFFF}".repeat(limits::ROOM_NAME_CHARS),
            locked: false,
            lobby: false,
            has_password: false,
            participant_limit: limit,
            created_at: late,
        },
        members: vec![member; members],
        hands: vec![participant_id; members],
        chat: vec![line; limits::CHAT_LINES],
        lobby: vec![waiting; limits::WAITING],
        banned: vec![banned; limits::BANS],
    };
    let answer = Answer::Snapshot {
        position: Position::default(),
        snapshot: Box::new(snapshot),
    };
    let bytes = Envelope::new(here(1), Content::Answer(answer)).encode().unwrap();
    assert!(bytes.len() * 2 <= ENVELOPE_BYTES, "{} bytes", bytes.len());
}
