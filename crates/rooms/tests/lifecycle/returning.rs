//! Coming back: by a secret that is replaced each time, from a time-out, past a store that is away.

use videorooms_domain::{
    Command, ConnectionId, ConnectionState, Event, ParticipantId, Rejection, Role, RoomId, SecretHash,
    SettingsPatch,
};
use videorooms_rooms::{Attach, Attached, Body, Credential, History, RoomsConfig, RoomsError};
use videorooms_store::{Fault, MemoryStore};

use crate::support::{Node, command, here, secret};

/// By the secret `used`, with `fresh` to take its place.
async fn resume(node: &Node, room: RoomId, who: u64, used: u64, fresh: u64) -> Result<Attached, RoomsError> {
    let participant = ParticipantId(who);
    let attach = Attach {
        credential: Credential::Resume {
            participant,
            secret: secret(used),
        },
        fresh_resume: secret(fresh),
        connection: ConnectionId(who),
        since: None,
        address: None,
    };
    node.rooms.attach(room, attach).await
}

async fn until_rotated(node: &Node, room: RoomId, who: u64, times: usize) {
    let rotated = Body::ResumeRotated {
        participant: ParticipantId(who),
        connection: ConnectionId(who),
    };
    let heard = |body: &Body| *body == rotated;
    node.hub
        .until_times(room, times, "that the fresh secret counts", heard)
        .await;
}

async fn until_event(node: &Node, room: RoomId, event: Event) {
    let heard = |body: &Body| matches!(body, Body::Durable(fact) if fact.event == event);
    node.hub.until_times(room, 1, "it happen", heard).await;
}

async fn is_good(node: &Node, room: RoomId, who: u64, secret: SecretHash) -> bool {
    node.rooms.verify(room, ParticipantId(who), secret).await.is_ok()
}

/// The member's socket ends and its grace passes.
async fn time_out(node: &Node, room: RoomId, who: u64) {
    node.detach(room, who);
    let reason = videorooms_domain::LeaveReason::Timeout;
    let participant = ParticipantId(who);
    until_event(node, room, Event::MemberLeft { participant, reason }).await;
}

#[tokio::test(start_paused = true)]
async fn each_return_is_answered_at_once_and_the_connection_hears_when_its_fresh_secret_counts() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach(room, 1, None).await.unwrap();
    let back = resume(&node, room, 1, 1, 8).await.unwrap();
    assert!(!back.fresh_resume_taken, "nothing is durable yet");
    until_rotated(&node, room, 1, 1).await;
    assert!(
        is_good(&node, room, 1, secret(1)).await,
        "nobody used the fresh one"
    );
    resume(&node, room, 1, 8, 9).await.unwrap();
    until_rotated(&node, room, 1, 2).await;
    assert!(!is_good(&node, room, 1, secret(1)).await);
    for good in [8, 9] {
        assert!(is_good(&node, room, 1, secret(good)).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_way_in_becomes_durable_when_the_store_answers_again_and_the_old_secret_stays_good() {
    let store = MemoryStore::new();
    let first = Node::over(store.clone(), 1, RoomsConfig::default()).await;
    let room = first.room().await;
    for who in [1, 2] {
        first.attach(room, who, None).await.unwrap();
    }
    first.supervisor.kill();

    let node = Node::over(store, 2, RoomsConfig::default()).await;
    node.rooms.overview(room).await.unwrap();
    node.faults.down("the store is away");
    resume(&node, room, 1, 1, 8).await.unwrap();
    let refused = node
        .say(room, 1, "a", "until it is known that the store is away")
        .await;
    assert!(matches!(refused, Err(RoomsError::Unavailable { .. })));
    resume(&node, room, 2, 2, 9).await.unwrap();
    node.faults.up();
    for who in [1, 2] {
        let (participant, via) = (ParticipantId(who), here(2));
        until_event(&node, room, Event::MemberAttached { participant, via }).await;
    }
    until_rotated(&node, room, 1, 1).await;
    assert!(is_good(&node, room, 2, secret(2)).await);
    assert!(!is_good(&node, room, 2, secret(9)).await, "nothing was rotated");
}

#[tokio::test(start_paused = true)]
async fn a_lone_host_that_slept_too_long_is_host_again_of_its_locked_room() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach_host(room, 1).await;
    let locked = SettingsPatch {
        locked: Some(true),
        ..SettingsPatch::default()
    };
    let lock = command(1, None, Command::ChangeSettings(locked));
    node.rooms.execute(room, lock).await.unwrap();
    time_out(&node, room, 1).await;
    let back = resume(&node, room, 1, 1, 8).await.unwrap();
    assert_eq!((back.role, back.fresh_resume_taken), (Role::Host, true));
    assert!(is_good(&node, room, 1, secret(1)).await && is_good(&node, room, 1, secret(8)).await);
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_while_its_time_out_is_being_committed_is_not_thrown_out_again() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach_host(room, 1).await;
    node.faults.script([Fault::Hold]);
    node.detach(room, 1);
    node.faults.held(1).await;
    let release = async { node.faults.release() };
    let (back, ()) = tokio::join!(resume(&node, room, 1, 1, 8), release);
    let back = back.unwrap();
    assert_eq!((back.role, back.fresh_resume_taken), (Role::Host, true));
    let (_, snapshot) = node.rooms.snapshot(room, ParticipantId(1)).await.unwrap();
    assert_eq!(snapshot.members[0].state, ConnectionState::Connected);
}

#[tokio::test(start_paused = true)]
async fn who_was_removed_is_told_so() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach_host(room, 1).await;
    node.attach(room, 2, None).await.unwrap();
    let kick = Command::Kick {
        participant: ParticipantId(2),
        ban: false,
        ban_address: false,
    };
    node.rooms.execute(room, command(1, None, kick)).await.unwrap();
    let refused = resume(&node, room, 2, 2, 8).await;
    assert_eq!(refused, Err(RoomsError::Rejected(Rejection::Kicked)));
}

#[tokio::test(start_paused = true)]
async fn a_knock_ends_some_time_after_its_socket() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach_host(room, 1).await;
    let lobby = SettingsPatch {
        lobby: Some(true),
        ..SettingsPatch::default()
    };
    let open = command(1, None, Command::ChangeSettings(lobby));
    node.rooms.execute(room, open).await.unwrap();
    let knocked = tokio::time::Instant::now();
    for who in [2, 3] {
        let history = node.attach(room, who, None).await.unwrap().history;
        assert_eq!(history, History::Waiting);
    }
    node.detach(room, 2);
    let gone = |who| Event::LobbyDecided {
        participant: ParticipantId(who),
        admitted: false,
        by: None,
    };
    let grace = RoomsConfig::default().grace;
    until_event(&node, room, gone(2)).await;
    assert!(knocked.elapsed() < grace.reconnect * 2, "{:?}", knocked.elapsed());
    node.rooms.panic_room(room);
    tokio::time::sleep(grace.lobby - grace.reconnect * 2).await;
    until_event(&node, room, gone(3)).await;
    assert!(
        knocked.elapsed() >= grace.lobby,
        "it is there: {:?}",
        knocked.elapsed()
    );
}
