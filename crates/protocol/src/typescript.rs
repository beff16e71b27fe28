//! The contract as TypeScript: one file with every payload type and the maps from event to payload.

use std::fmt::Write;

use ts_rs::{Config, TS};

use crate::frame::Empty;
use crate::room::*;
use crate::{ErrorReply, Reason, log, presence, sfu};

const HEADER: &str = "\
/**
 * What the server says and hears, as `docs/protocol.md` has it.
 * Generated from `crates/protocol`; `UPDATE=1 cargo test -p videorooms-protocol` writes it again.
 */
/* eslint-disable */
";

/// The whole file `frontend/src/services/protocol.ts`.
#[must_use]
pub fn file() -> String {
    let config = Config::new().with_large_int("number");
    let mut file = HEADER.to_owned();
    for declaration in declarations(&config) {
        let _ = write!(file, "\nexport {declaration}\n");
    }
    let durable = DurableEvent::table(&config);
    let durable: Vec<_> = durable
        .into_iter()
        .map(|(name, payload)| (name, format!("Stamp & {payload}")))
        .collect();
    write_map(
        &mut file,
        "DurableEvents",
        "Durable events of `room:<id>` and their payloads.",
        &durable,
    );
    write_map(
        &mut file,
        "EphemeralEvents",
        "Ephemeral events of `room:<id>`.",
        &ephemeral_table(&config),
    );
    file.push_str("\n/** All that is heard on `room:<id>`. */\nexport type RoomEvents = DurableEvents & EphemeralEvents;\n");
    write_map(
        &mut file,
        "RoomPushes",
        "Pushes on `room:<id>` and their payloads.",
        &room_pushes(&config),
    );
    write_map(
        &mut file,
        "SfuEvents",
        "All that is heard on `sfu:<id>`.",
        &sfu_events(&config),
    );
    write_map(
        &mut file,
        "SfuPushes",
        "Pushes on `sfu:<id>` and their payloads.",
        &sfu_pushes(&config),
    );
    file
}

fn declarations(config: &Config) -> Vec<String> {
    macro_rules! declare {
        ($($type:ty),* $(,)?) => { vec![$(<$type as TS>::decl(config)),*] };
    }
    declare![
        Empty,
        Reason,
        ErrorReply,
        Role,
        Source,
        ConnectionState,
        MediaState,
        Position,
        RoomInfo,
        Member,
        LiveMember,
        ChatMessage,
        WaitingPerson,
        BannedPerson,
        Snapshot,
        SnapshotAnswer,
        RoomJoin,
        MediaGrant,
        MissedEvent,
        MemberJoin,
        WaitingJoin,
        RoomJoined,
        Named,
        ChatSend,
        HandLower,
        Rename,
        Target,
        MemberRole,
        MemberKick,
        MemberMute,
        MemberUnmute,
        MemberRights,
        SettingsChange,
        React,
        Done,
        Stamp,
        MemberJoined,
        LeaveReason,
        MemberLeft,
        NamedMember,
        RoleChanged,
        HandRaised,
        MemberBy,
        ChatPosted,
        SettingsChanged,
        MuteChanged,
        RightsChanged,
        LobbyDecided,
        MemberBanned,
        EndReason,
        RoomEnded,
        Hidden,
        ConnectionChanged,
        MediaChanged,
        Reaction,
        Data<'static>,
        RoomResumed,
        LobbyRefused,
        Kicked,
        FreshResume,
        presence::PresenceMeta,
        presence::PresenceEntry,
        presence::PresenceDiff,
        sfu::SfuJoin,
        sfu::IceServer,
        sfu::SlotCounts,
        sfu::SfuJoined,
        sfu::OfferedTrack,
        sfu::SfuOffer,
        sfu::SfuAnswer,
        sfu::SfuMute,
        sfu::SfuKeyframe,
        sfu::TrackKind,
        sfu::SlotBinding,
        sfu::SlotMap,
        sfu::SpeakerLevel,
        sfu::Speakers,
        sfu::SfuReset,
        log::LogsJoin,
        log::LogLevel,
        log::LogRecord,
        log::LogBatch,
    ]
}

fn room_pushes(config: &Config) -> Vec<(&'static str, String)> {
    let named = |payload: String| format!("Named & {payload}");
    vec![
        ("chat_send", named(ChatSend::name(config))),
        ("hand_raise", Named::name(config)),
        ("hand_lower", named(HandLower::name(config))),
        ("leave", Named::name(config)),
        ("rename", named(Rename::name(config))),
        ("member_role", named(MemberRole::name(config))),
        ("member_kick", named(MemberKick::name(config))),
        ("member_unban", named(Target::name(config))),
        ("member_mute", named(MemberMute::name(config))),
        ("member_unmute", named(MemberUnmute::name(config))),
        ("member_rights", named(MemberRights::name(config))),
        ("settings", named(SettingsChange::name(config))),
        ("lobby_admit", named(Target::name(config))),
        ("lobby_refuse", named(Target::name(config))),
        ("room_end", Named::name(config)),
        ("media", MediaState::name(config)),
        ("reaction", React::name(config)),
        ("data", "Record<string, unknown>".to_owned()),
        ("snapshot", Empty::name(config)),
    ]
}

fn sfu_pushes(config: &Config) -> Vec<(&'static str, String)> {
    vec![
        ("offer", sfu::SfuOffer::name(config)),
        ("mute", sfu::SfuMute::name(config)),
        ("keyframe", sfu::SfuKeyframe::name(config)),
        ("leave", Empty::name(config)),
    ]
}

fn sfu_events(config: &Config) -> Vec<(&'static str, String)> {
    vec![
        ("slots", sfu::SlotMap::name(config)),
        ("need_slots", sfu::SlotCounts::name(config)),
        ("speakers", sfu::Speakers::name(config)),
        ("reset", sfu::SfuReset::name(config)),
    ]
}

fn write_map(file: &mut String, name: &str, doc: &str, entries: &[(&str, String)]) {
    let _ = write!(file, "\n/** {doc} */\nexport interface {name} {{\n");
    for (event, payload) in entries {
        let _ = writeln!(file, "  {event}: {payload};");
    }
    file.push_str("}\n");
}
