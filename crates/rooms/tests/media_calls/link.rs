//! What a link does to attachments.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use videorooms_domain::{Epoch, ParticipantId, RoomId, SourceSet};
use videorooms_rooms::calls::WireError;
use videorooms_rooms::media_calls::{Content, Envelope, Refused};
use videorooms_rooms::{MediaHost, Ownership, RoomMedia};
use videorooms_sfu::fake::{Call, FakeProvider};
use videorooms_sfu::{AttachRequest, SfuError, SignalEvent, SlotPlan};

use crate::examples::{contents, here};

const ONE: ParticipantId = ParticipantId(1);
const PATIENCE: Duration = Duration::from_secs(10);

fn linked() -> (Arc<FakeProvider>, MediaHost, RoomMedia) {
    let fake = Arc::new(FakeProvider::new());
    let host = MediaHost::new(Arc::clone(&fake) as _, here(1), Ownership::Alone(Epoch(1))).over_loopback();
    let media = host.on(RoomId(1), &here(1));
    (fake, host, media)
}

async fn request(media: &RoomMedia) -> AttachRequest {
    let token = media.admit(ONE, "someone", SourceSet::ALL).await.unwrap().token;
    AttachRequest {
        token,
        peer: None,
        reached: Some([192, 0, 2, 1].into()),
    }
}

/// Waits until this is so; whoever changes it runs as soon as nobody else does.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test]
async fn events_come_back_in_order_and_the_address_means_nothing_there() {
    let (fake, host, media) = linked();
    let (sender, mut events) = mpsc::channel(64);
    let attached = media.attach(ONE, request(&media).await, sender).await.unwrap();
    assert!(fake.calls().contains(&Call::Attach(RoomId(1), ONE, None)));
    let asked: Vec<_> = (1..=20)
        .map(|audio| SignalEvent::NeedSlots(SlotPlan { audio, video: 0 }))
        .collect();
    for event in &asked {
        assert!(fake.emit(attached.peer, event.clone()));
    }
    media.leave(attached.peer).await.unwrap();
    let mut heard = Vec::new();
    while let Some(event) = timeout(PATIENCE, events.recv()).await.unwrap() {
        heard.push(event);
    }
    assert!(matches!(heard.pop(), Some(SignalEvent::Reset(_))));
    assert_eq!(heard, asked);
    until("that nothing is left", || host.attachments() == (0, 0)).await;
}

#[tokio::test]
async fn a_socket_that_goes_is_detached_there() {
    let (fake, host, media) = linked();
    let (sender, _events) = mpsc::channel(64);
    let attached = media.attach(ONE, request(&media).await, sender).await.unwrap();
    assert_eq!(host.attachments(), (1, 1));
    media.detach(attached.peer, attached.attachment);
    let detached = Call::Detach(attached.peer);
    until("that it is detached", || fake.calls().contains(&detached)).await;
    assert_eq!(host.attachments(), (0, 0));
}

#[tokio::test]
async fn a_detachment_that_was_lost_is_made_up_for_with_the_next_event() {
    let (fake, host, media) = linked();
    let (sender, events) = mpsc::channel(64);
    let attached = media.attach(ONE, request(&media).await, sender).await.unwrap();
    drop(events);
    let event = SignalEvent::NeedSlots(SlotPlan { audio: 1, video: 1 });
    assert!(fake.emit(attached.peer, event));
    let detached = Call::Detach(attached.peer);
    until("that it is detached", || fake.calls().contains(&detached)).await;
    assert_eq!(host.attachments(), (0, 0));
}

#[tokio::test]
async fn an_attachment_that_is_refused_leaves_nothing() {
    let (_fake, host, media) = linked();
    let (sender, mut events) = mpsc::channel(64);
    let wrong = AttachRequest {
        token: "wrong".into(),
        ..request(&media).await
    };
    let refused = media.attach(ONE, wrong, sender).await;
    assert_eq!(refused, Err(SfuError::Forbidden));
    assert_eq!(host.attachments(), (0, 0));
    assert_eq!(events.recv().await, None);
}

#[tokio::test]
async fn whatever_comes_is_answered_and_only_the_known_sender_is_heard() {
    let (fake, host, _media) = linked();
    let refused = |bytes: Vec<u8>| match Envelope::decode(&bytes).unwrap().content {
        Content::Refused(Refused::Unavailable(_)) => {}
        other @ (Content::Call(_) | Content::Cast(_) | Content::Answer(_) | Content::Refused(_)) => {
            panic!("{other:?}")
        }
    };
    refused(host.answer(&here(1), b"nonsense").await);
    for content in contents() {
        let bytes = Envelope::new(here(2), content.clone()).encode().unwrap();
        refused(host.answer(&here(1), &bytes).await);
        assert!(host.take_cast(&here(1), &bytes).is_err());
        let (is_call, is_cast) = (
            matches!(content, Content::Call(_)),
            matches!(content, Content::Cast(_)),
        );
        if !is_call {
            refused(host.answer(&here(2), &bytes).await);
        }
        assert_eq!(host.take_cast(&here(2), &bytes).is_ok(), is_cast);
    }
    assert_eq!(fake.calls(), []);
    assert_eq!(Envelope::decode(b""), Err(WireError::Malformed { column: 0 }));
}
