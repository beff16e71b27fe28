//! What is published in a room and may be forwarded, in the order in which it is given slots: voices and cameras before screens, by
//! participant.

use std::collections::BTreeMap;

use crate::slots::TrackKey;
use crate::{Kind, ParticipantKey, PeerKey, Source};

/// The published tracks of one room.
#[derive(Debug, Default)]
pub(super) struct Published {
    tracks: BTreeMap<(Source, ParticipantKey), PeerKey>,
    audio: usize,
    video: usize,
}

impl Published {
    /// Adds or removes a track; false when nothing changed.
    pub(super) fn set(&mut self, track: TrackKey, participant: ParticipantKey, is_published: bool) -> bool {
        let place = (track.source, participant);
        let known = self.tracks.get(&place) == Some(&track.peer);
        if known == is_published {
            return false;
        }
        let count = match track.source.kind() {
            Kind::Audio => &mut self.audio,
            Kind::Video => &mut self.video,
        };
        if is_published {
            *count += usize::from(self.tracks.insert(place, track.peer).is_none());
        } else {
            self.tracks.remove(&place);
            *count -= 1;
        }
        true
    }

    /// Tracks of that kind which this participant could receive.
    pub(super) fn count_for(&self, participant: ParticipantKey, kind: Kind) -> usize {
        let all = match kind {
            Kind::Audio => self.audio,
            Kind::Video => self.video,
        };
        let own =
            |source: &Source| source.kind() == kind && self.tracks.contains_key(&(*source, participant));
        all - Source::ALL.iter().filter(|source| own(source)).count()
    }

    /// Tracks of that kind which the others publish.
    pub(super) fn others(&self, me: PeerKey, kind: Kind) -> impl Iterator<Item = TrackKey> {
        let tracks = self.tracks.iter();
        let keys = tracks.map(|(&(source, _), &peer)| TrackKey { peer, source });
        keys.filter(move |track| track.peer != me && track.source.kind() == kind)
    }
}
