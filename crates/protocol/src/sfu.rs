//! Topic `sfu:<id>`: signalling of embedded media. The client offers, the server answers.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::room::Source;

/// `phx_join`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct SfuJoin {
    /// From the room join's `media`.
    pub token: String,
    /// A living peer to re-attach.
    #[serde(default)]
    #[ts(optional)]
    pub peer: Option<u64>,
}

/// Answer to [`SfuJoin`].
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct SfuJoined {
    /// The peer, old or new.
    pub peer: u64,
    /// The named peer was alive and its connection stands.
    pub resumed: bool,
    /// Beside the candidates in the answer.
    pub ice_servers: Vec<IceServer>,
    /// Receiving m-lines to offer at first.
    pub slots: SlotCounts,
}

/// An `RTCIceServer`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct IceServer {
    /// `stun:` and `turn:` addresses.
    pub urls: Vec<String>,
    /// For TURN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub username: Option<String>,
    /// For TURN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub credential: Option<String>,
}

/// m-lines of each kind; also the event `need_slots`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
pub struct SlotCounts {
    /// Audio.
    pub audio: u8,
    /// Video.
    pub video: u8,
}

/// Push `offer`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct SfuOffer {
    /// Rises by one with each offer.
    pub r#gen: u32,
    /// Session description.
    pub sdp: String,
    /// The m-lines that this client sends on.
    pub tracks: Vec<OfferedTrack>,
}

/// One sending m-line.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct OfferedTrack {
    /// The m-line.
    pub mid: String,
    /// What is on it.
    pub source: Source,
}

/// Answer to `offer`.
#[derive(Debug, Clone, Serialize, TS)]
pub struct SfuAnswer {
    /// That of the offer.
    pub r#gen: u32,
    /// Session description.
    pub sdp: String,
}

/// Push `mute`: stop or resume forwarding at once.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct SfuMute {
    /// Which of one's own.
    pub source: Source,
    /// Stop.
    pub muted: bool,
}

/// Push `keyframe`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct SfuKeyframe {
    /// The receiving m-line.
    pub mid: String,
}

/// What a client may push on `sfu:<id>`, by event.
#[derive(Debug, Clone)]
pub enum SfuPush {
    /// `offer`.
    Offer(SfuOffer),
    /// `mute`.
    Mute(SfuMute),
    /// `keyframe`.
    Keyframe(SfuKeyframe),
    /// `leave`: close the peer now.
    Leave,
}

impl SfuPush {
    /// Reads a push; `None` for an event that does not exist.
    ///
    /// # Errors
    /// What is wrong with the payload.
    pub fn parse(event: &str, payload: &str) -> Option<Result<Self, serde_json::Error>> {
        Some(match event {
            "offer" => serde_json::from_str(payload).map(Self::Offer),
            "mute" => serde_json::from_str(payload).map(Self::Mute),
            "keyframe" => serde_json::from_str(payload).map(Self::Keyframe),
            "leave" => Ok(Self::Leave),
            _ => return None,
        })
    }
}

/// Kind of an m-line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum TrackKind {
    /// Sound.
    Audio,
    /// Picture.
    Video,
}

/// A receiving m-line and who is on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct SlotBinding {
    /// The m-line.
    pub mid: String,
    /// The publisher.
    pub participant_id: String,
    /// What it publishes there.
    pub source: Source,
    /// Sound or picture.
    pub kind: TrackKind,
    /// Nothing flows at present.
    pub muted: bool,
}

/// Event `slots`: the whole truth about who is on which m-line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct SlotMap {
    /// Rises.
    pub rev: u64,
    /// Every bound m-line.
    pub map: Vec<SlotBinding>,
}

/// How loud someone is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct SpeakerLevel {
    /// Who.
    pub participant_id: String,
    /// 0 is loudest, 127 silence (RFC 6464).
    pub level: u8,
}

/// Event `speakers`, at most four a second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Speakers {
    /// Loudest first.
    pub levels: Vec<SpeakerLevel>,
}

/// Event `reset`: the peer is gone, build a new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct SfuReset {
    /// Why.
    pub reason: String,
}

/// Event name of [`Speakers`].
pub const SPEAKERS: &str = "speakers";

/// Events of `sfu:<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum SfuEvent {
    /// `slots`.
    Slots(SlotMap),
    /// `need_slots`.
    NeedSlots(SlotCounts),
    /// `speakers`.
    Speakers(Speakers),
    /// `reset`.
    Reset(SfuReset),
}

impl SfuEvent {
    /// The event's name; the value itself is its payload.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Slots(_) => "slots",
            Self::NeedSlots(_) => "need_slots",
            Self::Speakers(_) => SPEAKERS,
            Self::Reset(_) => "reset",
        }
    }
}
