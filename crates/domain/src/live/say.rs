//! What members say in passing: devices, reactions, application data.

use std::sync::Arc;

use crate::limits::{DATA_BYTES, REACTION_BYTES};
use crate::{MediaState, Member, Note, ParticipantId, Rejection, Room, Source, SourceSet};

pub(super) fn member(room: &Room, participant: ParticipantId) -> Result<&Member, Rejection> {
    let missing = room.ended().map_or(Rejection::NotMember, |_| Rejection::Ended);
    room.member(participant).ok_or(missing)
}

pub(super) fn reaction(room: &Room, from: ParticipantId, emoji: &str) -> Result<Note, Rejection> {
    member(room, from)?;
    check_reaction(emoji)?;
    Ok(Note::Reaction {
        from,
        emoji: emoji.to_owned(),
    })
}

/// Says whether this can be a reaction.
///
/// # Errors
/// [`Rejection::Invalid`] for a text that is empty, longer than [`REACTION_BYTES`] or has control characters.
pub fn check_reaction(emoji: &str) -> Result<(), Rejection> {
    if !(1..=REACTION_BYTES).contains(&emoji.len()) || emoji.chars().any(char::is_control) {
        return Err(Rejection::Invalid("emoji"));
    }
    Ok(())
}

pub(super) fn data(room: &Room, from: ParticipantId, data: &Arc<str>) -> Result<Note, Rejection> {
    if !member(room, from)?.role.may_send_data() {
        return Err(Rejection::Forbidden);
    }
    if data.len() > DATA_BYTES {
        return Err(Rejection::Invalid("data"));
    }
    Ok(Note::Data {
        from,
        data: Arc::clone(data),
    })
}

pub(super) fn masked(media: MediaState, allowed: SourceSet) -> MediaState {
    MediaState {
        microphone: media.microphone && allowed.contains(Source::Microphone),
        camera: media.camera && allowed.contains(Source::Camera),
        screen: media.screen && allowed.contains(Source::Screen),
    }
}
