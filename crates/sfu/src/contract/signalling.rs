//! What [`Signalling`] promises without any media: credentials, offers, and the end of peers.

use std::time::Duration;

use tokio::sync::mpsc;
use videorooms_domain::{ParticipantId, RoomId, Source};

use super::{ANNA, BEN, PATIENCE, room_options, token_options};
use crate::{
    AttachRequest, Attached, Offer, PeerId, SfuError, SfuProvider, SignalEvent, Signalling, TokenOptions,
};

/// A room of its own for one promise.
pub(super) struct Session<'a> {
    pub(super) provider: &'a dyn SfuProvider,
    pub(super) signalling: &'a dyn Signalling,
    pub(super) room: RoomId,
}

impl Session<'_> {
    pub(super) async fn credentials_open_one_place_only(&self) {
        let token = self.admit(ANNA).await;
        let attach =
            async |room, participant, token: &str| self.try_attach(room, participant, token, None).await.0;
        assert_eq!(attach(self.room, ANNA, "made up").await, Err(SfuError::Forbidden));
        assert_eq!(attach(self.room, BEN, &token).await, Err(SfuError::Forbidden));
        assert_eq!(attach(RoomId(99), ANNA, &token).await, Err(SfuError::Forbidden));
        let spent = TokenOptions {
            ttl: Duration::ZERO,
            ..token_options()
        };
        let spent = self
            .provider
            .generate_token(&self.room, &ANNA, "Anna", spent)
            .await
            .expect("a token");
        assert_eq!(
            attach(self.room, ANNA, &spent.token).await,
            Err(SfuError::Forbidden)
        );
        assert!(attach(self.room, ANNA, &token).await.is_ok());
        assert!(
            attach(self.room, ANNA, &token).await.is_ok(),
            "a token is not spent by use"
        );
    }

    pub(super) async fn offers_are_answered_in_order(&self) {
        let (attached, _events) = self.attach(ANNA).await;
        assert!(!attached.resumed);
        assert!(attached.slots.audio > 0 && attached.slots.video > 0);
        let answer = self
            .signalling
            .offer(attached.peer, offer(1))
            .await
            .expect("an answer");
        assert_eq!(answer.r#gen, 1);
        assert!(answer.sdp.starts_with("v=0"));
        self.signalling
            .offer(attached.peer, offer(2))
            .await
            .expect("an answer");
        assert!(matches!(
            self.signalling.offer(attached.peer, offer(2)).await,
            Err(SfuError::Invalid(_))
        ));
        self.signalling
            .mute(attached.peer, Source::Camera, true)
            .await
            .expect("mute");
        self.signalling
            .keyframe(attached.peer, "2")
            .await
            .expect("keyframe");
        let (other, _events) = self.attach(BEN).await;
        let nonsense = Offer {
            r#gen: 1,
            sdp: "nonsense".into(),
            tracks: Vec::new(),
        };
        assert!(matches!(
            self.signalling.offer(other.peer, nonsense).await,
            Err(SfuError::Invalid(_))
        ));
    }

    pub(super) async fn a_second_peer_resets_the_first(&self) {
        let (first, mut events) = self.attach(ANNA).await;
        let (second, _events) = self.attach(ANNA).await;
        assert_ne!(first.peer, second.peer);
        until_reset(&mut events).await;
        assert!(matches!(
            self.signalling.offer(first.peer, offer(1)).await,
            Err(SfuError::NoSuchPeer)
        ));
    }

    pub(super) async fn what_ended_is_unknown(&self) {
        let (attached, mut events) = self.attach(ANNA).await;
        self.signalling.leave(attached.peer).await.expect("leave");
        until_reset(&mut events).await;
        self.is_unknown(attached.peer).await;
        self.is_unknown(PeerId(u64::MAX)).await;
        let token = self.admit(ANNA).await;
        let (again, _events) = self
            .try_attach(self.room, ANNA, &token, Some(attached.peer))
            .await;
        assert!(!again.expect("a new peer").resumed);
    }

    pub(super) async fn removal_and_deletion_reset(&self) {
        let token = self.admit(ANNA).await;
        assert_eq!(self.admitted().await, [ANNA], "by a credential alone");
        let (attached, mut events) = self.attach(ANNA).await;
        assert_eq!(self.admitted().await, [ANNA]);
        self.provider
            .remove_participant(&self.room, &ANNA)
            .await
            .expect("removal");
        assert_eq!(self.admitted().await, []);
        until_reset(&mut events).await;
        self.is_unknown(attached.peer).await;
        let (refused, _events) = self.try_attach(self.room, ANNA, &token, None).await;
        assert_eq!(
            refused,
            Err(SfuError::Forbidden),
            "a removed participant needs a new token"
        );
        let (_, mut events) = self.attach(BEN).await;
        self.provider.delete_room(&self.room).await.expect("deletion");
        until_reset(&mut events).await;
    }

    pub(super) async fn a_room_has_a_limit(&self) {
        self.provider
            .create_room(&self.room, room_options(1))
            .await
            .expect("a room");
        let (_, _events) = self.attach(ANNA).await;
        let token = self.admit(BEN).await;
        let (refused, _events) = self.try_attach(self.room, BEN, &token, None).await;
        assert!(matches!(refused, Err(SfuError::Full(_))));
    }

    pub(super) async fn is_unknown(&self, peer: PeerId) {
        assert!(matches!(
            self.signalling.offer(peer, offer(9)).await,
            Err(SfuError::NoSuchPeer)
        ));
        assert_eq!(
            self.signalling.mute(peer, Source::Camera, true).await,
            Err(SfuError::NoSuchPeer)
        );
        assert_eq!(
            self.signalling.keyframe(peer, "0").await,
            Err(SfuError::NoSuchPeer)
        );
        assert_eq!(self.signalling.leave(peer).await, Err(SfuError::NoSuchPeer));
        self.signalling.detach(peer, 1);
    }

    async fn admitted(&self) -> Vec<ParticipantId> {
        let info = self.provider.get_room_info(&self.room).await;
        info.expect("a room").admitted
    }

    pub(super) async fn admit(&self, participant: ParticipantId) -> String {
        self.provider
            .create_room(&self.room, room_options(10))
            .await
            .expect("a room");
        let token = self
            .provider
            .generate_token(&self.room, &participant, "someone", token_options())
            .await;
        token.expect("a token").token
    }

    async fn attach(&self, participant: ParticipantId) -> (Attached, mpsc::Receiver<SignalEvent>) {
        let token = self.admit(participant).await;
        let (attached, events) = self.try_attach(self.room, participant, &token, None).await;
        (attached.expect("a peer"), events)
    }

    pub(super) async fn try_attach(
        &self,
        room: RoomId,
        participant: ParticipantId,
        token: &str,
        peer: Option<PeerId>,
    ) -> (Result<Attached, SfuError>, mpsc::Receiver<SignalEvent>) {
        let (events, queue) = mpsc::channel(16);
        let request = AttachRequest {
            token: token.to_owned(),
            peer,
            reached: Some(std::net::Ipv4Addr::LOCALHOST.into()),
        };
        (
            self.signalling.attach(&room, &participant, request, events).await,
            queue,
        )
    }
}

/// Waits for the reset, or for the queue's end where the queue was full.
async fn until_reset(events: &mut mpsc::Receiver<SignalEvent>) {
    let reset = async { while !matches!(events.recv().await, Some(SignalEvent::Reset(_)) | None) {} };
    tokio::time::timeout(PATIENCE, reset)
        .await
        .expect("a reset in time");
}

/// An offer as a browser makes it: two own lines and one pair to receive on.
fn offer(r#gen: u32) -> Offer {
    let session = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2 3\r\na=msid-semantic: WMS\r\n";
    let lines = [
        ("audio", "sendonly"),
        ("video", "sendonly"),
        ("audio", "recvonly"),
        ("video", "recvonly"),
    ];
    let lines = lines
        .iter()
        .enumerate()
        .map(|(mid, (kind, direction))| media_line(mid, kind, direction));
    let tracks = vec![
        ("0".to_owned(), Source::Microphone),
        ("1".to_owned(), Source::Camera),
    ];
    Offer {
        r#gen,
        sdp: std::iter::once(session.to_owned()).chain(lines).collect(),
        tracks,
    }
}

fn media_line(mid: usize, kind: &str, direction: &str) -> String {
    let (pts, codecs) = match kind {
        "audio" => (
            "111",
            "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n",
        ),
        _ => (
            "96 97",
            "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n",
        ),
    };
    let fingerprint = vec!["AB"; 32].join(":");
    format!(
        "m={kind} 9 UDP/TLS/RTP/SAVPF {pts}\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n\
         a=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=ice-options:trickle\r\na=fingerprint:sha-256 {fingerprint}\r\n\
         a=setup:actpass\r\na=mid:{mid}\r\na=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\na={direction}\r\na=rtcp-mux\r\n{codecs}"
    )
}
