//! One of every kind that travels, with fixed values.

use videorooms_domain::{NodeIncarnation, ParticipantId, RoomId, Source, SourceSet};
use videorooms_rooms::media_calls::{Answer, Ask, Attach, Attached, Content, Event, Refused, Tell, Token};
use videorooms_sfu::{
    Answer as Description, Health, MediaParticipant, Offer, PeerId, RoomInfo, SfuToken, Slot, SlotPlan,
};

const ROOM: RoomId = RoomId(0x1234_5678_9ABC_DEF0_1234_5678_9ABC_DEF0);
const ONE: ParticipantId = ParticipantId(1);
const TWO: ParticipantId = ParticipantId(0x00C0_FFEE);
const PEER: PeerId = PeerId(1 << 49);
pub(crate) const SECRET: &str = "s3cr3t";
const SLOTS: SlotPlan = SlotPlan { audio: 8, video: 16 };

pub(crate) fn here(incarnation: u64) -> NodeIncarnation {
    NodeIncarnation {
        node: "a".parse().unwrap(),
        incarnation,
    }
}

/// Everything, in the order of `golden.jsonl`.
pub(crate) fn contents() -> Vec<Content> {
    let asks = asks().into_iter().map(Content::Call);
    let tells = tells().into_iter().map(Content::Cast);
    let answers = answers().into_iter().map(Content::Answer);
    let refused = refused().into_iter().map(Content::Refused);
    asks.chain(tells).chain(answers).chain(refused).collect()
}

fn asks() -> Vec<Ask> {
    vec![
        Ask::CreateRoom {
            room: ROOM,
            max_participants: 1000,
            empty_timeout_ms: 60_000,
        },
        Ask::DeleteRoom { room: ROOM },
        Ask::GenerateToken {
            room: ROOM,
            participant: ONE,
            name: "Анна".into(),
            publish: SourceSet::ALL,
            subscribe: true,
            ttl_ms: 600_000,
        },
        Ask::RoomInfo { room: ROOM },
        Ask::Health,
        Ask::Remove {
            room: ROOM,
            participant: ONE,
        },
        Ask::SetPublishing {
            room: ROOM,
            participant: ONE,
            allowed: SourceSet::NONE.with(Source::Microphone),
        },
        Ask::Attach(Box::new(Attach {
            room: ROOM,
            participant: ONE,
            token: Token(SECRET.into()),
            peer: Some(PEER),
            stream: 5,
        })),
        Ask::Offer {
            peer: PEER,
            offer: Offer {
                r#gen: 2,
                sdp: format!("v=0\r\na=ice-pwd:{SECRET}\r\n"),
                tracks: vec![("0".into(), Source::Microphone), ("1".into(), Source::Camera)],
            },
        },
        Ask::Mute {
            peer: PEER,
            source: Source::Camera,
            muted: true,
        },
        Ask::Keyframe {
            peer: PEER,
            mid: "7".into(),
        },
        Ask::Leave { peer: PEER },
    ]
}

fn tells() -> Vec<Tell> {
    let slot = Slot {
        mid: "7".into(),
        participant: TWO,
        source: Source::Screen,
        muted: false,
    };
    let events = [
        Event::Slots {
            rev: 3,
            map: vec![slot],
        },
        Event::NeedSlots(SLOTS),
        Event::Speakers(vec![(TWO, 20), (ONE, 40)]),
        Event::Reset("replaced".into()),
    ];
    let event = |event| Tell::Event {
        stream: 5,
        number: 1,
        event,
    };
    let mut tells: Vec<_> = events.into_iter().map(event).collect();
    tells.extend([Tell::Ended { stream: 5 }, Tell::Release { stream: 5 }]);
    tells
}

fn answers() -> Vec<Answer> {
    vec![
        Answer::Done,
        Answer::Room(RoomInfo {
            room_id: ROOM,
            participants: vec![MediaParticipant {
                participant_id: ONE,
                publishing: SourceSet::ALL,
            }],
            admitted: vec![ONE, TWO],
        }),
        Answer::Token(SfuToken {
            token: SECRET.into(),
            url: None,
        }),
        Answer::Health(Health {
            rooms: 1,
            peers: 2,
            detail: "embedded".into(),
        }),
        Answer::Attached(Attached {
            peer: PEER,
            resumed: true,
            slots: SLOTS,
        }),
        Answer::Description(Description {
            r#gen: 2,
            sdp: format!("v=0\r\na=ice-pwd:{SECRET}\r\n"),
        }),
    ]
}

fn refused() -> Vec<Refused> {
    vec![
        Refused::NoSuchRoom,
        Refused::NoSuchPeer,
        Refused::Forbidden,
        Refused::Full("tokens".into()),
        Refused::TooFast { wait_ms: 250 },
        Refused::Invalid("no m-line".into()),
        Refused::Unavailable("stopped".into()),
        Refused::Unsupported,
    ]
}
