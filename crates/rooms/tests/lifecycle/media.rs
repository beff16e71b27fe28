//! What the media server knows follows what is committed, whoever dies or fails in between.

use std::time::Duration;

use tokio::sync::mpsc;
use videorooms_domain::{Command, EndReason, ParticipantId, Rejection, RoomId, Source, SourceSet};
use videorooms_rooms::{RoomsConfig, RoomsError};
use videorooms_sfu::fake::Call;
use videorooms_sfu::{AttachRequest, Offer, RoomInfo, SfuError, SfuProvider, Signalling};
use videorooms_store::Fault;

use crate::support::{Node, command, here};

#[tokio::test(start_paused = true)]
async fn whoever_a_killed_room_had_removed_loses_its_media() {
    for is_connected in [true, false] {
        let node = Node::start().await;
        let room = node.room().await;
        node.attach_host(room, 1).await;
        node.attach(room, 2, None).await.unwrap();
        let token = admit(&node, room, 2).await;
        if is_connected {
            publish(&node, room, 2, token).await;
        }
        node.faults.script([Fault::Hold]);
        let kill = async {
            node.faults.held(1).await;
            node.rooms.kill_room(room);
            node.faults.release();
        };
        let (kicked, ()) = tokio::join!(node.rooms.execute(room, command(1, Some("k"), kick(2))), kill);
        kicked.unwrap();
        let gone = |info: &RoomInfo| !info.admitted.contains(&ParticipantId(2));
        until(&node, room, "that the kicked one has no media", gone).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_mute_decided_while_the_media_server_admits_holds() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach_host(room, 1).await;
    node.attach(room, 2, None).await.unwrap();
    let mute = Command::Mute {
        participant: ParticipantId(2),
        source: Source::Microphone,
    };
    node.rooms.execute(room, command(1, None, mute)).await.unwrap();
    // By rights that the gateway had read before.
    let token = admit(&node, room, 2).await;
    publish(&node, room, 2, token).await;
    let camera_only = |info: &RoomInfo| {
        let two = info
            .participants
            .iter()
            .find(|p| p.participant_id == ParticipantId(2));
        two.is_some_and(|two| two.publishing == SourceSet::NONE.with(Source::Camera))
    };
    until(&node, room, "that just the camera is forwarded", camera_only).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_is_admitted_after_it_was_removed_is_removed_again() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach_host(room, 1).await;
    node.attach(room, 2, None).await.unwrap();
    node.rooms.execute(room, command(1, None, kick(2))).await.unwrap();
    admit(&node, room, 2).await;
    until(&node, room, "that nobody has media", |info| {
        info.admitted.is_empty()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_participant_whom_the_media_server_refuses_holds_up_nobody() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach_host(room, 1).await;
    for who in 2..=3 {
        node.attach(room, who, None).await.unwrap();
        admit(&node, room, who).await;
    }
    settled(&node).await;
    node.media
        .fail_next(SfuError::Unavailable("of this one call".into()));
    for who in 2..=3 {
        node.rooms
            .execute(room, command(1, None, kick(who)))
            .await
            .unwrap();
    }
    until(&node, room, "that nobody has media", |info| {
        info.admitted.is_empty()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn removals_do_not_wait_for_a_store_that_is_away() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach_host(room, 1).await;
    node.attach(room, 2, None).await.unwrap();
    admit(&node, room, 2).await;
    settled(&node).await;
    node.media.set_down(Some("rebooting"));
    node.rooms.execute(room, command(1, None, kick(2))).await.unwrap();
    node.faults.down("the store is away");
    node.say(room, 1, "a", "unknown").await.unwrap_err();
    node.media.set_down(None);
    until(&node, room, "that nobody has media", |info| {
        info.admitted.is_empty()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_for_media_before_the_first_member_comes_is_answered_when_it_does() {
    let node = Node::start().await;
    let room = node.room().await;
    let (media_node, _) = tokio::join!(node.rooms.media_node(room), node.attach_host(room, 1));
    assert_eq!(media_node.unwrap(), here(1));
}

#[tokio::test(start_paused = true)]
async fn without_a_member_there_is_no_media_and_after_the_end_never_again() {
    let node = Node::start().await;
    let room = node.room().await;
    let refused = node.rooms.media_node(room).await;
    assert!(
        matches!(refused, Err(RoomsError::Unavailable { .. })),
        "{refused:?}"
    );
    node.attach_host(room, 1).await;
    let end = Command::End {
        reason: EndReason::Host,
    };
    node.rooms.execute(room, command(1, None, end)).await.unwrap();
    let refused = node.rooms.media_node(room).await;
    assert_eq!(refused, Err(RoomsError::Rejected(Rejection::Ended)));
    assert!(matches!(node.rooms.media(room).await, Err(SfuError::NoSuchRoom)));
}

#[tokio::test(start_paused = true)]
async fn media_of_an_earlier_boot_is_made_anew_by_the_next() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach_host(room, 1).await;
    assert_eq!(node.rooms.media_node(room).await.unwrap(), here(1));
    let next = Node::over(node.store.clone(), 2, RoomsConfig::default()).await;
    assert_eq!(next.rooms.media_node(room).await.unwrap(), here(2));
    admit(&next, room, 1).await;
    assert_eq!(
        next.media.get_room_info(&room).await.unwrap().admitted,
        [ParticipantId(1)]
    );
}

fn kick(who: u64) -> Command {
    Command::Kick {
        participant: ParticipantId(who),
        ban: false,
        ban_address: false,
    }
}

/// As a gateway does for a member that comes in; answers the credential.
async fn admit(node: &Node, room: RoomId, who: u64) -> String {
    let participant = ParticipantId(who);
    let media = node.rooms.media(room).await.unwrap();
    let token = media.admit(participant, "someone", SourceSet::ALL).await;
    node.rooms.media_admitted(room, participant);
    token.unwrap().token
}

async fn publish(node: &Node, room: RoomId, who: u64, token: String) {
    let (events, _) = mpsc::channel(16);
    let request = AttachRequest {
        token,
        peer: None,
        reached: None,
    };
    let participant = ParticipantId(who);
    let attached = node
        .media
        .attach(&room, &participant, request, events)
        .await
        .unwrap();
    let offer = Offer {
        r#gen: 1,
        sdp: "v=0\r\nm=audio\r\nm=video\r\n".into(),
        tracks: vec![("0".into(), Source::Microphone), ("1".into(), Source::Camera)],
    };
    node.media.offer(attached.peer, offer).await.unwrap();
}

/// Waits until the media server knows this of the room. It tells nobody when it changes: look once in each of the paused clock's seconds.
async fn until(node: &Node, room: RoomId, what: &str, wanted: impl Fn(&RoomInfo) -> bool) {
    for _ in 0..60 {
        if node
            .media
            .get_room_info(&room)
            .await
            .is_ok_and(|info| wanted(&info))
        {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("never saw {what}; {:?}", node.media.get_room_info(&room).await);
}

/// Waits until rooms ask the media server nothing any more: for a second of the paused clock, in which everyone does all it can.
async fn settled(node: &Node) {
    let mut asked: Vec<Call> = Vec::new();
    while asked != node.media.calls() {
        asked = node.media.calls();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
