//! Media is on a node of its own: it goes on when the room's owner dies, and is made anew when its own node dies.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use videorooms_cluster::Place;
use videorooms_domain::{
    Actor as By, Command, NodeIncarnation, ParticipantId, Request, Role, RoomId, Source, SourceSet,
};
use videorooms_rooms::RoomMedia;
use videorooms_sfu::fake::{Call, FakeProvider};
use videorooms_sfu::{AttachRequest, Attached, Offer, SfuError, SfuProvider, SignalEvent, SlotPlan};

use super::nodes::{DEADLINE, Node, Nodes};

/// Between two looks at what tells nobody that it changed.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The members are at `a`, which takes no shards; the room is at `b`, its media at `c`.
struct Scene {
    nodes: Nodes,
    a: Node,
    b: Node,
    c: Node,
    room: RoomId,
}

impl Scene {
    async fn set() -> Self {
        let nodes = Nodes::new();
        let c = nodes.start("c", 1).await;
        c.until_all_served().await;
        let (b, a) = (nodes.start("b", 1).await, nodes.start_with("a", 1, 0).await);
        a.until_all_served().await;
        b.until_place("a shard of its own", |_, place| matches!(place, Place::Here(_)))
            .await;
        let room = c.room().await;
        a.attach_as(room, 1, Role::Host).await;
        a.attach(room, 2).await;
        assert_eq!(a.rooms.media_node(room).await.unwrap(), c.here);
        assert_eq!(c.rooms.hand_over(DEADLINE).await, 0);
        let is_the_room = |shard, place: &Place| shard == room.shard() && matches!(place, Place::Here(_));
        b.until_place("the room is at b", is_the_room).await;
        c.cluster.drain(false);
        let scene = Self { nodes, a, b, c, room };
        assert_eq!(
            scene.media_node().await,
            scene.c.here,
            "media does not move with its room"
        );
        scene
    }

    async fn media_node(&self) -> NodeIncarnation {
        self.a.rooms.media_node(self.room).await.unwrap()
    }

    async fn execute(&self, command: Command, by: By) {
        let request = Request {
            by,
            id: None,
            command,
        };
        self.b.rooms.execute(self.room, request).await.unwrap();
    }
}

/// Someone's way to the media.
struct Line {
    media: RoomMedia,
    attached: Attached,
    events: mpsc::Receiver<SignalEvent>,
}

/// As a gateway does for a member that comes in, and its browser then. A client that is told to come again does.
async fn connect(node: &Node, room: RoomId, who: u64) -> Line {
    let connect = async {
        loop {
            match try_connect(node, room, who).await {
                Ok(line) => return line,
                Err(SfuError::Unavailable(_)) => tokio::time::sleep(LOOK_AGAIN).await,
                Err(error) => panic!("{error}"),
            }
        }
    };
    timeout(DEADLINE, connect).await.expect("connected at last")
}

async fn try_connect(node: &Node, room: RoomId, who: u64) -> Result<Line, SfuError> {
    let participant = ParticipantId(who);
    let media = node.rooms.media(room).await?;
    let token = media.admit(participant, "someone", SourceSet::ALL).await?.token;
    node.rooms.media_admitted(room, participant);
    let media = node.rooms.media(room).await?;
    let (sender, events) = mpsc::channel(32);
    let request = AttachRequest {
        token,
        peer: None,
        reached: None,
    };
    let attached = media.attach(participant, request, sender).await?;
    let offer = Offer {
        r#gen: 1,
        sdp: "v=0\r\nm=audio\r\nm=video\r\n".into(),
        tracks: vec![("0".into(), Source::Microphone), ("1".into(), Source::Camera)],
    };
    media.offer(attached.peer, offer).await?;
    Ok(Line {
        media,
        attached,
        events,
    })
}

impl Line {
    async fn until_reset(&mut self) {
        let reset = async {
            // The queue's end says the same.
            while !matches!(self.events.recv().await, Some(SignalEvent::Reset(_)) | None) {}
        };
        timeout(DEADLINE, reset).await.expect("a reset");
    }

    /// Everything that was heard by now; never a reset.
    fn heard(&mut self) -> Vec<SignalEvent> {
        let heard: Vec<_> = std::iter::from_fn(|| self.events.try_recv().ok()).collect();
        assert!(
            !heard.iter().any(|event| matches!(event, SignalEvent::Reset(_))),
            "{heard:?}"
        );
        assert!(!self.events.is_closed());
        heard
    }
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !is_so().await {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    timeout(DEADLINE, wait)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}

/// What this one publishes there.
async fn publishing(media: &FakeProvider, room: RoomId, who: u64) -> Option<SourceSet> {
    let info = media.get_room_info(&room).await.ok()?;
    let mut there = info.participants.into_iter();
    there
        .find(|there| there.participant_id == ParticipantId(who))
        .map(|there| there.publishing)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_rooms_and_media_may_be_on_three_nodes() {
    let scene = Scene::set().await;
    let Scene { a, b, c, room, .. } = &scene;
    let host = connect(a, *room, 1).await;
    let mut line = connect(a, *room, 2).await;
    let both = SourceSet::NONE.with(Source::Microphone).with(Source::Camera);
    assert_eq!(publishing(&c.media, *room, 2).await, Some(both));
    host.media.keyframe(host.attached.peer, "0").await.unwrap();
    line.media
        .mute(line.attached.peer, Source::Microphone, true)
        .await
        .unwrap();
    let camera = SourceSet::NONE.with(Source::Camera);
    assert_eq!(publishing(&c.media, *room, 2).await, Some(camera));
    line.media
        .mute(line.attached.peer, Source::Microphone, false)
        .await
        .unwrap();

    // What the host decides at b is done at c.
    let mute = Command::Mute {
        participant: ParticipantId(2),
        source: Source::Microphone,
    };
    scene.execute(mute, By::Participant(ParticipantId(1))).await;
    until("that just the camera is forwarded", async || {
        publishing(&c.media, *room, 2).await == Some(camera)
    })
    .await;
    // Events of c come to a, in order.
    line.heard();
    let asked: Vec<_> = (1..=10)
        .map(|audio| SignalEvent::NeedSlots(SlotPlan { audio, video: 0 }))
        .collect();
    for event in &asked {
        assert!(c.media.emit(line.attached.peer, event.clone()));
    }
    let mut heard = Vec::new();
    until("that all is heard", async || {
        heard.extend(line.heard());
        heard.len() >= asked.len()
    })
    .await;
    assert_eq!(heard, asked);

    let kick = Command::Kick {
        participant: ParticipantId(2),
        ban: false,
        ban_address: false,
    };
    scene.execute(kick, By::Participant(ParticipantId(1))).await;
    line.until_reset().await;
    until("that its media is cut", async || {
        let info = c.media.get_room_info(room).await.unwrap();
        !info.admitted.contains(&ParticipantId(2))
    })
    .await;
    assert_eq!((a.media.calls(), b.media.calls()), (Vec::new(), Vec::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_media_node_dies_clients_are_reset_and_media_is_made_anew_elsewhere() {
    let scene = Scene::set().await;
    let mut line = connect(&scene.a, scene.room, 2).await;
    let Scene { a, b, c, room, .. } = scene;
    c.kill().await;
    let died = std::time::Instant::now();
    line.until_reset().await;
    println!(
        "reset {} ms after the media's node died",
        died.elapsed().as_millis()
    );
    let again = connect(&a, room, 2).await;
    println!(
        "media again {} ms after its node died",
        died.elapsed().as_millis()
    );
    assert_eq!(a.rooms.media_node(room).await.unwrap(), b.here);
    assert!(publishing(&b.media, room, 2).await.is_some());
    drop(again);
    // The new node is told what the room says of everyone.
    let removed = Command::Kick {
        participant: ParticipantId(2),
        ban: false,
        ban_address: false,
    };
    let request = Request {
        by: By::Participant(ParticipantId(1)),
        id: None,
        command: removed,
    };
    b.rooms.execute(room, request).await.unwrap();
    until("that its media is cut there", async || {
        publishing(&b.media, room, 2).await.is_none()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_owner_dies_media_goes_on_untouched() {
    let scene = Scene::set().await;
    let mut line = connect(&scene.a, scene.room, 2).await;
    let Scene { a, b, c, room, .. } = scene;
    let before = c.media.calls();
    b.kill().await;
    a.insist(room, 2, "after").await;
    assert_eq!(a.rooms.media_node(room).await.unwrap(), c.here);
    let taken_up = Call::SetPublishing(room, ParticipantId(1), SourceSet::ALL);
    until("that the next owner has taken it up", async || {
        c.media.calls()[before.len()..].contains(&taken_up)
    })
    .await;
    assert!(!c.media.calls().contains(&Call::DeleteRoom(room)));
    line.media.keyframe(line.attached.peer, "0").await.unwrap();
    assert!(c.media.emit(
        line.attached.peer,
        SignalEvent::NeedSlots(SlotPlan { audio: 1, video: 1 })
    ));
    until("that the socket still hears", async || !line.heard().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_loses_the_media_node_is_reset_and_detached_and_attaches_anew_when_it_can() {
    let scene = Scene::set().await;
    let Scene {
        nodes, a, c, room, ..
    } = &scene;
    let mut line = connect(a, *room, 2).await;
    assert_eq!(
        (a.media_host.attachments(), c.media_host.attachments()),
        ((1, 0), (0, 1))
    );
    nodes.cut(a, c);
    line.until_reset().await;
    let detached = Call::Detach(line.attached.peer);
    until("that it is detached there", async || {
        c.media.calls().contains(&detached)
    })
    .await;
    assert_eq!(
        (a.media_host.attachments(), c.media_host.attachments()),
        ((0, 0), (0, 0))
    );
    assert!(matches!(
        try_connect(a, *room, 2).await,
        Err(SfuError::Unavailable(_))
    ));
    nodes.heal();
    let mut again = connect(a, *room, 2).await;
    again.heard();
    assert_eq!(scene.media_node().await, c.here);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_of_a_dead_node_are_detached_by_the_media_node_itself() {
    let scene = Scene::set().await;
    let line = connect(&scene.a, scene.room, 2).await;
    let Scene { a, c, .. } = scene;
    a.kill().await;
    let detached = Call::Detach(line.attached.peer);
    until("that it is detached", async || {
        c.media.calls().contains(&detached)
    })
    .await;
    assert_eq!(c.media_host.attachments(), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_carries_the_media_no_more_closes_it() {
    let scene = Scene::set().await;
    let Scene { a, b, c, room, .. } = &scene;
    let mut line = connect(a, *room, 2).await;
    let node = b.here.clone();
    scene.execute(Command::SetMediaNode { node }, By::System).await;
    line.until_reset().await;
    until("that the former node has closed it", async || {
        c.media.get_room_info(room).await == Err(SfuError::NoSuchRoom)
    })
    .await;
    connect(a, *room, 2).await;
    assert!(publishing(&b.media, *room, 2).await.is_some());
}
