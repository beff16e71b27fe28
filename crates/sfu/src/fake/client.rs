//! Clients of the fake: their packets are numbers in its state.

use std::fmt::Write as _;

use async_trait::async_trait;
use videorooms_domain::Source;

use super::{FakeProvider, State};
use crate::contract::{Client, Clients};
use crate::{Answer, Offer, PeerId};

impl Clients for FakeProvider {
    fn client(&self) -> Box<dyn Client + '_> {
        Box::new(FakeClient {
            provider: self,
            peer: None,
            sdp: "v=0\r\n".to_owned(),
            lines: 0,
            tracks: Vec::new(),
        })
    }
}

struct FakeClient<'a> {
    provider: &'a FakeProvider,
    peer: Option<PeerId>,
    sdp: String,
    lines: usize,
    tracks: Vec<(String, Source)>,
}

impl FakeClient<'_> {
    fn add_line(&mut self, kind: &str, direction: &str) -> String {
        let mid = self.lines.to_string();
        self.lines += 1;
        write!(self.sdp, "m={kind} 9\r\na=mid:{mid}\r\na={direction}\r\n").expect("a string takes all");
        mid
    }
}

#[async_trait]
impl Client for FakeClient<'_> {
    fn offer(&mut self, sources: &[Source], pairs: usize) -> Offer {
        for source in sources {
            let kind = match source {
                Source::Camera | Source::Screen => "video",
                Source::Microphone | Source::ScreenAudio => "audio",
            };
            let mid = self.add_line(kind, "sendonly");
            self.tracks.push((mid, *source));
        }
        for _ in 0..pairs {
            self.add_line("audio", "recvonly");
            self.add_line("video", "recvonly");
        }
        Offer {
            r#gen: 1,
            sdp: self.sdp.clone(),
            tracks: self.tracks.clone(),
        }
    }

    fn answered(&mut self, peer: PeerId, _answer: Answer) {
        self.peer = Some(peer);
    }

    async fn send(&mut self, source: Source) {
        if let Some(peer) = self.peer {
            self.provider.state.lock().deliver(peer, source);
        }
    }

    async fn received(&mut self, mid: &str) -> usize {
        let state = self.provider.state.lock();
        let peer = self.peer.and_then(|peer| state.peers.get(&peer));
        peer.map_or(0, |peer| peer.slots.received(mid))
    }
}

impl State {
    fn deliver(&mut self, sender: PeerId, source: Source) {
        let Some((room, participant)) = self.peers.get(&sender).map(|peer| (peer.room, peer.participant))
        else {
            return;
        };
        let members = self.rooms.get(&room).map(|room| &room.members);
        for (member, peer) in members.into_iter().flatten() {
            if let Some(peer) = self.peers.get_mut(peer).filter(|_| *member != participant) {
                peer.slots.deliver(participant, source);
            }
        }
    }
}
