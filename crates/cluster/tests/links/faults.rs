//! What is seen, and what becomes of calls, when the other node dies, falls silent or comes back.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;
use videorooms_cluster::links::{LinkError, Refusal, ServiceName};
use videorooms_cluster::membership::Evidence;

use super::kit::{Authority, ECHO, HANG, Node, Proxy, Recipe, SOON, id, introduce, link, pair, within};

fn hanging(
    from: &Node,
    to: &Node,
    deadline: Duration,
) -> tokio::task::JoinHandle<Result<bytes::Bytes, LinkError>> {
    let (links, to) = (from.links.clone(), to.me.clone());
    tokio::spawn(async move {
        links
            .call(&to, ServiceName::RoomHost, vec![HANG].into(), deadline)
            .await
    })
}

async fn until_hung(node: &Node) {
    node.service
        .until("the call", |service| service.hung.load(Ordering::SeqCst) == 1)
        .await;
}

/// Bug 1: the library has no liveness, so a closed link has to end what waits for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_peer_is_gone_and_what_waits_for_it_fails_at_once() {
    let authority = Authority::new();
    for (dead, alive) in [("a", "b"), ("b", "a")] {
        let (dead, alive) = (
            Node::start(dead, &authority).await,
            Node::start(alive, &authority).await,
        );
        link(&[&dead, &alive]).await;
        let call = hanging(&alive, &dead, Duration::from_secs(600));
        until_hung(&dead).await;
        dead.links.stop().await;
        assert_eq!(
            within("the call's end", call).await.unwrap(),
            Err(LinkError::Closed)
        );
        alive.until_evidence(dead.me.node.as_str(), Evidence::Gone).await;
        alive.until("down", |seen| seen.up.is_empty()).await;
        assert_eq!(alive.call(&dead, vec![ECHO]).await, Err(LinkError::NotLinked));
        dead.until("no more events", |seen| seen.is_over).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_falls_silent_shows_silence_and_calls_end_at_their_deadline() {
    let authority = Authority::new();
    let (a, b) = (
        Node::start("a", &authority).await,
        Node::start("b", &authority).await,
    );
    let proxy = Proxy::before(&b).await;
    a.links.peers(vec![(b.me.clone(), proxy.address.clone())]);
    b.links.peers(vec![a.row()]);
    a.until_up(&b).await;
    b.until_up(&a).await;
    a.until_evidence("b", Evidence::Answering).await;
    proxy.fall_silent();
    let since = Instant::now();
    let brief = a.links.call(
        &b.me,
        ServiceName::RoomHost,
        vec![ECHO].into(),
        Duration::from_millis(200),
    );
    assert_eq!(brief.await, Err(LinkError::TimedOut));
    a.until_evidence("b", Evidence::Silent).await;
    b.until_evidence("a", Evidence::Silent).await;
    // Long before the link is given up.
    assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    let patient = hanging(&a, &b, Duration::from_secs(600));
    assert_eq!(
        within("the read-idle limit", patient).await.unwrap(),
        Err(LinkError::Closed)
    );
    a.until("down", |seen| seen.up.is_empty()).await;
    b.until("down", |seen| seen.up.is_empty()).await;
    // Nobody refused, so nobody says that it is gone.
    assert_eq!(a.seen().evidence[&id("b")], Evidence::Silent);
}

/// Bug 2: the library may keep the stale session and never link with the restarted node.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_node_is_linked_at_once_though_its_former_boot_still_answers() {
    let authority = Authority::new();
    for (restarted, other) in [("a", "b"), ("b", "a")] {
        let (first, other) = (
            Node::start(restarted, &authority).await,
            Node::start(other, &authority).await,
        );
        link(&[&first, &other]).await;
        let call = hanging(&other, &first, Duration::from_secs(600));
        until_hung(&first).await;
        let second = Node::boot(restarted, authority.identity(restarted), Recipe::default()).await;
        introduce(&[&second, &other]);
        other.until_up(&second).await;
        second.until_up(&other).await;
        assert_eq!(
            within("the call's end", call).await.unwrap(),
            Err(LinkError::Closed)
        );
        assert_eq!(other.call(&second, vec![ECHO]).await.unwrap(), vec![ECHO]);
        assert_eq!(second.call(&other, vec![ECHO]).await.unwrap(), vec![ECHO]);
        assert_eq!(other.call(&first, vec![ECHO]).await, Err(LinkError::NotLinked));
        assert_eq!(second.seen().ups.len(), 1, "at the first attempt");
        first.until("cut off", |seen| seen.up.is_empty()).await;
        if restarted == "a" {
            // It dials, and is not taken again.
            first.until_refused(Refusal::EarlierBoot).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_boot_that_links_shows_that_the_former_is_gone() {
    let authority = Authority::new();
    let (a, b) = pair(&authority).await;
    let second = Node::boot("a", authority.identity("a"), Recipe::default()).await;
    // Only the newcomer knows of itself; the table that b has read still names the former boot.
    second.links.peers(vec![b.row()]);
    b.until_evidence("a", Evidence::Gone).await;
    b.until_up(&second).await;
    // The former boot still dials, and the table still wants it.
    a.until_refused(Refusal::EarlierBoot).await;
    introduce(&[&second, &b]);
    b.until_evidence("a", Evidence::Answering).await;
    assert_eq!(b.call(&second, vec![ECHO]).await.unwrap(), vec![ECHO]);
    assert_eq!(second.seen().ups.len(), 1, "nothing took its place");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_declared_dead_is_cut_off_at_once_and_for_good() {
    let authority = Authority::new();
    for (judge, dead) in [("a", "b"), ("b", "a")] {
        let (judge, dead) = (
            Node::start(judge, &authority).await,
            Node::start(dead, &authority).await,
        );
        link(&[&judge, &dead]).await;
        let call = hanging(&judge, &dead, Duration::from_secs(600));
        until_hung(&dead).await;
        judge.links.forget(&dead.me);
        assert_eq!(
            within("the call's end", call).await.unwrap(),
            Err(LinkError::Closed)
        );
        judge.until("down", |seen| seen.up.is_empty()).await;
        dead.until("down", |seen| seen.up.is_empty()).await;
        judge.until_refused(Refusal::EarlierBoot).await;
        assert_eq!(judge.seen().ups.len(), 1);
    }
}

/// A watch has a thread of its own: a runtime that is busy is not dead.
#[test]
fn a_busy_runtime_is_not_taken_for_a_death() {
    let runtime = |threads| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build()
            .unwrap()
    };
    let (calm, busy) = (runtime(1), runtime(1));
    let authority = Authority::new();
    let a = calm.block_on(Node::start("a", &authority));
    let b = busy.block_on(Node::start("b", &authority));
    calm.block_on(link(&[&a, &b]));
    calm.block_on(a.until_evidence("b", Evidence::Answering));
    let (begin, has_begun) = std::sync::mpsc::channel::<()>();
    let (done, is_done) = std::sync::mpsc::channel::<()>();
    // Its only worker is held until the test lets it go.
    busy.spawn(async move {
        begin.send(()).unwrap();
        let _ = is_done.recv_timeout(SOON);
    });
    has_begun.recv_timeout(SOON).unwrap();
    calm.block_on(async {
        let brief = a.links.call(
            &b.me,
            ServiceName::RoomHost,
            vec![ECHO].into(),
            Duration::from_millis(500),
        );
        assert_eq!(brief.await, Err(LinkError::TimedOut));
        assert_eq!(a.seen().evidence[&id("b")], Evidence::Answering);
    });
    drop(done);
    assert_eq!(calm.block_on(a.call(&b, vec![ECHO])).unwrap(), vec![ECHO]);
    assert_eq!(a.seen().evidence[&id("b")], Evidence::Answering);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_on_one_address_after_each_other_are_two_boots() {
    let authority = Authority::new();
    let (a, b) = pair(&authority).await;
    b.links.stop().await;
    a.until_evidence("b", Evidence::Gone).await;
    let listener = std::net::TcpListener::bind(&*b.address).unwrap();
    let second = Node::at(listener, "b", authority.identity("b"), Recipe::default()).await;
    link(&[&a, &second]).await;
    assert_eq!(a.call(&second, vec![ECHO]).await.unwrap(), vec![ECHO]);
}

/// Bug 2 once more: within one boot the library would choose by a number that it drew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_only_the_dialler_lost_is_made_anew() {
    let authority = Authority::new();
    let (a, b) = (
        Node::start("a", &authority).await,
        Node::start("b", &authority).await,
    );
    let proxy = Proxy::before(&b).await;
    a.links.peers(vec![(b.me.clone(), proxy.address.clone())]);
    b.links.peers(vec![a.row()]);
    a.until_up(&b).await;
    for _ in 0..6 {
        b.until_up(&a).await;
        let before = a.seen().ups.len();
        proxy.hang_up();
        a.until("linked again", |seen| seen.ups.len() > before).await;
        // The two streams are lost one after the other, so the first new link may not be the last.
        for (from, to) in [(&a, &b), (&b, &a)] {
            within("calls pass again", async {
                while from.call(to, vec![ECHO]).await.is_err() {
                    from.until_up(to).await;
                    tokio::task::yield_now().await;
                }
            })
            .await;
        }
    }
}
