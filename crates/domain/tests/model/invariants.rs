//! The numbered invariants of the crate's front page, as checks on what anyone can see from outside.

use std::collections::BTreeSet;

use videorooms_domain::{
    ConnectionState, Event, Live, Note, ParticipantId, Record, Role, Room, Seq, Snapshot, SourceSet,
    Timestamp, decode_record, encode_record, limits,
};

/// Holds at any time.
pub(crate) fn check(room: &Room, live: &Live, everyone: &[ParticipantId]) {
    let snapshot = room.snapshot_for(moderator(room).unwrap_or(ParticipantId(0)), live);
    let members: Vec<_> = room.members().collect();
    let ids: BTreeSet<_> = members.iter().map(|member| member.participant).collect();

    assert_eq!(
        Room::from_snapshot(&room.to_snapshot()).as_ref(),
        Ok(room),
        "I3: a snapshot reads back"
    );
    assert!(
        members.iter().filter(|member| member.role == Role::Host).count() <= 1,
        "I4: at most one host"
    );
    for viewer in members.iter().filter(|member| member.role == Role::Viewer) {
        assert_eq!(viewer.rights, SourceSet::NONE, "I5: a viewer has no rights");
        assert!(
            !snapshot.hands.contains(&viewer.participant),
            "I5: a viewer has no hand up"
        );
    }
    for waiting in room.waiting() {
        assert!(
            !ids.contains(&waiting.participant_id),
            "I6: nobody waits who is in"
        );
    }
    for banned in &snapshot.banned {
        assert!(!ids.contains(&banned.participant_id), "I6: nobody banned is in");
        assert!(!room.is_waiting(banned.participant_id), "I6: nobody banned waits");
    }
    let (absent, removed) = absent(room);
    for participant in &absent {
        let is_two =
            ids.contains(participant) || room.is_waiting(*participant) || room.is_admitted(*participant);
        assert!(!is_two, "I6: nobody is absent who is expected or in");
        assert!(
            !snapshot
                .banned
                .iter()
                .any(|banned| banned.participant_id == *participant),
            "I6"
        );
    }
    assert!(
        absent.len() <= limits::ABSENT && removed <= limits::REMOVED,
        "I11"
    );
    let hands: BTreeSet<_> = snapshot.hands.iter().copied().collect();
    assert_eq!(hands.len(), snapshot.hands.len(), "I7: a hand is up once");
    assert!(hands.is_subset(&ids), "I7: hands are members'");
    assert!(
        members.is_sorted_by(|a, b| a.joined < b.joined),
        "I10: in order of joining"
    );
    assert_eq!(ids.len(), members.len(), "I10: each member once");
    assert!(snapshot.chat.len() <= limits::CHAT_LINES, "I11");
    assert!(
        snapshot.chat.is_sorted_by(|a, b| a.seq < b.seq),
        "chat stands in its order"
    );
    assert!(
        room.waiting().count() <= limits::WAITING && snapshot.banned.len() <= limits::BANS,
        "I11"
    );
    if room.ended().is_some() {
        assert!(
            members.is_empty() && absent.is_empty() && room.waiting().next().is_none() && hands.is_empty(),
            "I12"
        );
        assert_eq!((live.next_deadline(), live.connected()), (None, 0), "I12");
    }
    check_live(room, live, &snapshot, everyone);
}

fn check_live(room: &Room, live: &Live, snapshot: &Snapshot, everyone: &[ParticipantId]) {
    for member in &snapshot.members {
        let may = room.publishable(member.participant_id);
        assert_eq!(
            may,
            member.rights.minus(member.muted_by_moderator),
            "I8: rights without mutes"
        );
        let shown = [member.media.microphone, member.media.camera, member.media.screen];
        let allowed = may.iter().map(|source| source as usize).collect::<Vec<_>>();
        assert!(
            (0..3).all(|n| !shown[n] || allowed.contains(&n)),
            "I8: {shown:?} of {may:?}"
        );
        let is_gone = member.state == ConnectionState::Reconnecting;
        assert!(
            !is_gone || live.next_deadline().is_some(),
            "I13: who is gone has a deadline"
        );
    }
    assert!(
        room.waiting().next().is_none() || live.next_deadline().is_some(),
        "I13: who waits has a deadline"
    );
    for stranger in everyone.iter().filter(|id| room.member(**id).is_none()) {
        assert_eq!(
            live.connection(*stranger),
            ConnectionState::Reconnecting,
            "I13: only members are there"
        );
        assert_eq!(
            live.media(*stranger),
            Default::default(),
            "I13: only members have devices"
        );
    }
}

/// Holds of each transition.
pub(crate) fn check_transition(before: &Room, record: &Record, after: &Room) {
    assert_eq!(
        record.first,
        before.seq().plus(1),
        "I1: a record begins where the last one ended"
    );
    assert!(!record.events.is_empty(), "I1: a record is never empty");
    assert_eq!(
        after.seq(),
        Seq(before.seq().0 + record.events.len() as u64),
        "I1: one by one"
    );
    assert!(after.position() > before.position(), "I1: positions rise");
    let mut replica = before.clone();
    replica
        .fold(&decode_record(&encode_record(record)).unwrap())
        .unwrap();
    assert_eq!(&replica, after, "I3: state is the fold of its records");
    let had_host = before.members().any(|member| member.role == Role::Host);
    let has_host = after.members().any(|member| member.role == Role::Host);
    let may_succeed = after.members().any(|member| member.role != Role::Viewer);
    assert!(
        !had_host || has_host || !may_succeed,
        "I4: a host has a successor"
    );
    for event in &record.events {
        check_entrance(before, event, after);
    }
    let (was, is) = (before.members().count(), after.members().count());
    assert!(
        is <= was || is <= after.settings().participant_limit as usize,
        "I10: no join passes the limit"
    );
}

/// Who comes in as what.
fn check_entrance(before: &Room, event: &Event, after: &Room) {
    let Event::MemberJoined {
        participant,
        role,
        rights,
        muted,
        former,
        ..
    } = event
    else {
        return;
    };
    let is_open = !(after.settings().locked || after.settings().lobby);
    let has_host = after.members().any(|member| member.role == Role::Host);
    assert!(
        has_host || !is_open || *role == Role::Viewer || !before.was_hosted(),
        "I4: whoever comes first is host"
    );
    let was_absent = absent(before).0.contains(participant);
    assert_eq!(was_absent, former.is_some(), "I14: who comes back keeps a secret");
    assert!(
        was_absent || (*rights == role.default_rights() && muted.is_empty()),
        "I14: a newcomer is unmarked"
    );
}

/// Who is absent, and how many were removed: nobody is shown them, but the store is.
fn absent(room: &Room) -> (Vec<ParticipantId>, usize) {
    let stored: serde_json::Value = serde_json::from_slice(&room.to_snapshot()).unwrap();
    let absent = &stored["room"]["absent"];
    let id = |member: &serde_json::Value| serde_json::from_value(member["participant"].clone()).unwrap();
    let members = absent["members"].as_array().unwrap().iter().map(id).collect();
    (members, absent["removed"].as_array().unwrap().len())
}

/// A signal's notes say all that it changed for others, and nothing else.
pub(crate) fn check_notes(before: &Live, notes: &[Note], after: &Live, everyone: &[ParticipantId]) {
    for id in everyone {
        let (was, is) = (before.connection(*id), after.connection(*id));
        let connection = Note::ConnectionChanged {
            participant: *id,
            state: is,
        };
        let (had, has) = (before.media(*id), after.media(*id));
        let media = Note::MediaChanged {
            participant: *id,
            media: has,
        };
        let about = |note: &Note| match note {
            Note::ConnectionChanged { participant, .. } | Note::MediaChanged { participant, .. } => {
                participant == id
            }
            Note::Reaction { .. } | Note::Data { .. } => false,
        };
        let said: Vec<_> = notes.iter().filter(|note| about(note)).collect();
        let mut expected = Vec::new();
        expected.extend((was != is).then_some(&connection));
        expected.extend((had != has).then_some(&media));
        assert_eq!(said, expected, "notes about {id:?}");
    }
}

/// What is due is due again later, never at once.
pub(crate) fn check_not_hot(live: &mut Live, room: &Room, now: Timestamp) {
    let mut again = live.clone();
    assert!(again.due(room, now).is_empty(), "due twice at the same moment");
    assert!(
        live.next_deadline().is_none_or(|at| at > now),
        "due, and yet nothing to do"
    );
}

fn moderator(room: &Room) -> Option<ParticipantId> {
    room.members()
        .find(|member| member.role.moderates())
        .map(|member| member.participant)
}
