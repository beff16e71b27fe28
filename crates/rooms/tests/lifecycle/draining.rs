//! A node stops: what was decided is finished and answered, and nothing new begins.

use videorooms_rooms::RoomsError;
use videorooms_store::Fault;

use crate::support::Node;

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_the_commit_under_way_and_refuses_what_comes_after() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach(room, 1, None).await.unwrap();
    node.faults.script([Fault::Hold]);
    let stop = async {
        node.faults.held(1).await;
        let mut draining = std::pin::pin!(node.rooms.drain());
        tokio::select! {
            biased;
            _ = &mut draining => panic!("the drain did not wait for the commit"),
            refused = node.say(room, 1, "b", "too late") => {
                assert!(matches!(refused, Err(RoomsError::Unavailable { .. })), "{refused:?}");
            }
        }
        node.faults.release();
        draining.await
    };
    let (said, late) = tokio::join!(node.say(room, 1, "a", "in time"), stop);
    assert!(said.is_ok(), "{said:?}");
    assert_eq!(late, 0);
    assert_eq!(node.hub.chats(room), ["in time"]);
}

#[tokio::test(start_paused = true)]
async fn a_drain_does_not_wait_for_a_store_that_never_answers() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach(room, 1, None).await.unwrap();
    node.faults.script([Fault::Hold]);
    let stop = async {
        node.faults.held(1).await;
        let late = node.rooms.drain().await;
        node.faults.release();
        late
    };
    let (_, late) = tokio::join!(node.say(room, 1, "a", "stuck"), stop);
    assert_eq!(late, 1);
}
