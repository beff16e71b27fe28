use std::collections::VecDeque;

use async_trait::async_trait;
use bytes::Bytes;
use videorooms_cluster::ServiceName;
use videorooms_domain::{Epoch, ParticipantId, RoomId, SourceSet};
use videorooms_sfu::fake::{Call, FakeProvider};
use videorooms_sfu::{SfuProvider, SlotPlan, SpeakerLevels};

use super::super::call::Token;
use super::super::envelope::{Content, Envelope};
use super::*;
use crate::calls::Peers;
use crate::ownership::Ownership;

/// Takes or refuses casts by script, and takes them when that has come to its end.
#[derive(Default)]
struct Scripted {
    refusals: Mutex<VecDeque<LinkError>>,
    taken: Mutex<Vec<Tell>>,
    changed: tokio::sync::Notify,
}

#[async_trait]
impl Peers for Scripted {
    async fn call(
        &self,
        _to: &NodeIncarnation,
        _service: ServiceName,
        _call: Bytes,
        _within: Duration,
    ) -> Result<Bytes, LinkError> {
        Err(LinkError::NotLinked)
    }

    fn cast(&self, _to: &NodeIncarnation, _service: ServiceName, cast: Bytes) -> Result<(), LinkError> {
        if let Some(refusal) = self.refusals.lock().pop_front() {
            return Err(refusal);
        }
        self.taken.lock().push(told_in(&cast));
        self.changed.notify_waiters();
        Ok(())
    }
}

fn told_in(cast: &[u8]) -> Tell {
    let Content::Cast(tell) = Envelope::decode(cast).unwrap().content else {
        panic!("something else was told");
    };
    tell
}

impl Scripted {
    async fn taken(&self, count: usize) -> Vec<Tell> {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                if self.taken.lock().len() >= count {
                    return self.taken.lock().clone();
                }
                changed.await;
            }
        };
        let taken = tokio::time::timeout(Duration::from_secs(60), wait).await;
        taken.unwrap_or_else(|_| panic!("not {count}: {:?}", self.taken.lock()))
    }
}

struct Scene {
    host: MediaHost,
    fake: Arc<FakeProvider>,
    link: Arc<Scripted>,
    attached: Attached,
}

fn node(name: &str) -> NodeIncarnation {
    NodeIncarnation {
        node: name.parse().unwrap(),
        incarnation: 1,
    }
}

/// A socket on node `b` is attached, under the number 5.
async fn attached(refusals: impl IntoIterator<Item = LinkError>) -> Scene {
    let fake = Arc::new(FakeProvider::new());
    let link = Arc::new(Scripted::default());
    let host = MediaHost::new(Arc::clone(&fake) as _, node("a"), Ownership::Alone(Epoch(1)))
        .beyond(|_| Arc::clone(&link) as _);
    let (room, participant) = (RoomId(1), ParticipantId(1));
    let local = MediaHost::new(Arc::clone(&fake) as _, node("a"), Ownership::Alone(Epoch(1)));
    let token = local
        .on(room, &node("a"))
        .admit(participant, "someone", SourceSet::ALL)
        .await;
    link.refusals.lock().extend(refusals);
    let attach = Attach {
        room,
        participant,
        token: Token(token.unwrap().token),
        peer: None,
        stream: 5,
    };
    let attached = host.attach_from(&node("b"), attach).await.unwrap();
    Scene {
        host,
        fake,
        link,
        attached,
    }
}

fn slots(audio: u8) -> SignalEvent {
    SignalEvent::NeedSlots(SlotPlan { audio, video: 0 })
}

fn told(number: u64, audio: u8) -> Tell {
    Tell::Event {
        stream: 5,
        number,
        event: slots(audio).into(),
    }
}

const ENDED: Tell = Tell::Ended { stream: 5 };

#[tokio::test(start_paused = true)]
async fn a_full_link_is_tried_again_in_order_and_only_levels_are_left_out() {
    let Scene {
        fake, link, attached, ..
    } = attached([LinkError::Full, LinkError::Full, LinkError::Full]).await;
    let levels = SignalEvent::Speakers(SpeakerLevels::new(Vec::new()));
    for event in [levels, slots(1), slots(2)] {
        assert!(fake.emit(attached.peer, event));
    }
    assert_eq!(link.taken(2).await, [told(0, 1), told(1, 2)]);
    fake.delete_room(&RoomId(1)).await.unwrap();
    let taken = link.taken(4).await;
    assert!(matches!(
        taken[2],
        Tell::Event {
            event: Event::Reset(_),
            ..
        }
    ));
    assert_eq!(taken[3], ENDED);
}

#[tokio::test(start_paused = true)]
async fn a_lost_link_detaches_and_the_end_is_told_when_it_is_back() {
    let Scene {
        host,
        fake,
        link,
        attached,
    } = attached([LinkError::NotLinked, LinkError::NotLinked]).await;
    assert!(fake.emit(attached.peer, slots(1)));
    // Alone, another node is alive for all that is known.
    assert_eq!(link.taken(1).await, [ENDED]);
    assert!(fake.calls().contains(&Call::Detach(attached.peer)));
    assert_eq!(host.attachments(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_is_released_is_told_nothing_more() {
    let Scene {
        host,
        fake,
        link,
        attached,
    } = attached([]).await;
    host.telling().release(&node("b"), 5);
    while !fake.calls().contains(&Call::Detach(attached.peer)) {
        tokio::task::yield_now().await;
    }
    assert!(!fake.emit(attached.peer, slots(1)));
    assert_eq!(*link.taken.lock(), []);
}

#[tokio::test(start_paused = true)]
async fn a_number_is_taken_once() {
    let Scene { host, .. } = attached([]).await;
    let again = Attach {
        room: RoomId(1),
        participant: ParticipantId(1),
        token: Token("any".into()),
        peer: None,
        stream: 5,
    };
    let refused = host.attach_from(&node("b"), again.clone()).await;
    assert!(matches!(refused, Err(SfuError::Invalid(_))), "{refused:?}");
    let of_another_node = host.attach_from(&node("c"), again).await;
    assert_eq!(of_another_node, Err(SfuError::Forbidden));
    assert_eq!(host.attachments(), (0, 1));
}
