//! What passes over a link.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use videorooms_cluster::links::{BYTES_OUTSTANDING, CALLS_IN_FLIGHT, LinkError, MESSAGE_BYTES, ServiceName};
use videorooms_domain::NodeIncarnation;

use super::kit::{Authority, ECHO, GROW, HANG, Node, PANIC, Recorder, link, pair, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_that_start_at_once_call_each_other() {
    let authority = Authority::new();
    let (a, b, c) = tokio::join!(
        Node::start("a", &authority),
        Node::start("b", &authority),
        Node::start("c", &authority)
    );
    let nodes = [&a, &b, &c];
    link(&nodes).await;
    for from in nodes {
        for to in nodes.into_iter().filter(|to| to.me != from.me) {
            let said = format!("e from {} to {}", from.me, to.me);
            for service in ServiceName::ALL {
                let called = from
                    .links
                    .call(&to.me, service, said.clone().into(), super::kit::SOON);
                assert_eq!(called.await.unwrap(), said);
            }
        }
    }
    // Each link was made once: nothing was torn down on the way.
    for node in nodes {
        assert_eq!(node.seen().ups.len(), 2, "{:?}", node.seen());
    }
    for node in nodes {
        node.links.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn casts_arrive_in_order_with_the_name_of_their_sender() {
    const MANY: usize = 2000;
    let authority = Authority::new();
    let (a, b) = pair(&authority).await;
    let sent: Vec<Bytes> = (0..MANY)
        .map(|number| {
            // Every hundredth is longer than a frame.
            let length = if number % 100 == 0 { 2 << 20 } else { 64 };
            let mut cast = number.to_be_bytes().to_vec();
            cast.resize(length, 0);
            cast.into()
        })
        .collect();
    for cast in &sent {
        within("room for a cast", async {
            while a.cast(&b, cast.clone()) == Err(LinkError::Full) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    b.service
        .until("all casts", |service| service.casts.lock().len() == MANY)
        .await;
    let arrived = std::mem::take(&mut *b.service.casts.lock());
    assert!(arrived.iter().all(|(from, _)| *from == a.me));
    assert!(arrived.into_iter().map(|(_, cast)| cast).eq(sent));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_longer_than_a_frame_passes_both_ways_and_what_is_too_long_does_not() {
    let authority = Authority::new();
    let (a, b) = pair(&authority).await;
    let mut large = vec![ECHO; 5 << 20];
    large[4 << 20] = 1;
    let large = Bytes::from(large);
    assert!(a.call(&b, large.clone()).await.unwrap() == large);
    let grown = b.call(&a, vec![GROW, 3]).await.unwrap();
    assert!(grown.len() == 5 << 20 && grown.iter().all(|byte| *byte == 3));
    let longest = Bytes::from(vec![ECHO; MESSAGE_BYTES]);
    assert!(a.call(&b, longest.clone()).await.unwrap() == longest);
    let longer = vec![ECHO; MESSAGE_BYTES + 1];
    assert_eq!(a.call(&b, longer.clone()).await, Err(LinkError::TooLarge));
    assert_eq!(a.cast(&b, longer), Err(LinkError::TooLarge));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_ends_at_its_deadline_and_the_link_lives_on() {
    let authority = Authority::new();
    let (a, b) = pair(&authority).await;
    let brief = Duration::from_millis(50);
    let hanging = a
        .links
        .call(&b.me, ServiceName::RoomHost, vec![HANG].into(), brief);
    let ended = within("the deadline", hanging).await;
    assert_eq!(ended, Err(LinkError::TimedOut));
    assert_eq!(a.call(&b, vec![ECHO]).await.unwrap(), vec![ECHO]);
    assert_eq!(a.seen().ups.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn past_its_bounds_a_link_is_full_and_then_takes_again() {
    let authority = Authority::new();
    let (a, b) = pair(&authority).await;
    let mut calls = JoinSet::new();
    for _ in 0..CALLS_IN_FLIGHT {
        let (links, to) = (a.links.clone(), b.me.clone());
        let hang = Bytes::from_static(&[HANG]);
        calls.spawn(async move {
            links
                .call(&to, ServiceName::RoomHost, hang, Duration::from_secs(3))
                .await
        });
    }
    let all = |service: &Recorder| service.hung.load(Ordering::SeqCst) == CALLS_IN_FLIGHT as u64;
    b.service.until("all calls", all).await;
    assert_eq!(a.call(&b, vec![ECHO]).await, Err(LinkError::Full));
    // Casts have bounds of their own.
    a.cast(&b, vec![ECHO]).unwrap();
    within("the calls' deadline", calls.join_all()).await;
    assert_eq!(a.call(&b, vec![ECHO]).await.unwrap(), vec![ECHO]);

    let cast = Bytes::from(vec![ECHO; 1 << 19]);
    let mut sent = 0;
    while a.cast(&b, cast.clone()).is_ok() {
        sent += 1;
        assert!(sent < 100_000, "there is no bound");
    }
    assert!(sent >= BYTES_OUTSTANDING / cast.len() - 1);
    assert_eq!(a.cast(&b, cast.clone()), Err(LinkError::Full));
    within("room again", async {
        while a.cast(&b, cast.clone()).is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_panics_fails_that_one_call_or_cast() {
    let authority = Authority::new();
    let (a, b) = pair(&authority).await;
    assert_eq!(a.call(&b, vec![PANIC]).await, Err(LinkError::Failed));
    a.cast(&b, vec![PANIC]).unwrap();
    a.cast(&b, vec![ECHO]).unwrap();
    b.service
        .until("the cast after", |service| !service.casts.lock().is_empty())
        .await;
    assert_eq!(a.call(&b, vec![ECHO]).await.unwrap(), vec![ECHO]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pings_say_whether_their_sender_reaches_the_store() {
    let authority = Authority::new();
    let (a, b) = pair(&authority).await;
    a.until("b reaches the store", |seen| {
        seen.says.get(&b.me.node) == Some(&true)
    })
    .await;
    b.reaches_store.store(false, Ordering::Relaxed);
    a.until("b does not", |seen| seen.says.get(&b.me.node) == Some(&false))
        .await;
    assert_eq!(b.seen().says.get(&a.me.node), Some(&true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_linked_boot_is_called() {
    let authority = Authority::new();
    let (a, b) = pair(&authority).await;
    let other = NodeIncarnation {
        node: b.me.node.clone(),
        incarnation: b.me.incarnation + 1,
    };
    let nobody = a.links.cast(&other, ServiceName::RoomHost, Bytes::new());
    assert_eq!(nobody, Err(LinkError::NotLinked));
}
