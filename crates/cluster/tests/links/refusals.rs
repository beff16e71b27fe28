//! Who is not linked with, and why.

use tokio::net::TcpStream;
use videorooms_cluster::certificates;
use videorooms_cluster::links::{LinkError, LinksError, Refusal};

use super::kit::{Authority, Node, Recipe, id, introduce, link, pair, today};

/// Two nodes of which each is told of the other come to nothing, and both say why.
async fn refuse(a: &Node, b: &Node, reason: Refusal) {
    introduce(&[a, b]);
    a.until_refused(reason).await;
    b.until_refused(reason).await;
    assert!(a.seen().ups.is_empty() && b.seen().ups.is_empty());
    assert_eq!(a.call(b, vec![0]).await, Err(LinkError::NotLinked));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_a_foreign_authority_is_refused() {
    let a = Node::start("a", &Authority::new()).await;
    let b = Node::start("b", &Authority::new()).await;
    refuse(&a, &b, Refusal::ForeignAuthority).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dialler_of_a_foreign_authority_is_refused_even_if_it_trusts_everyone() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let mut identity = theirs.identity("a");
    identity.authority.push_str(&ours.certified.certificate);
    identity.revocations.push_str(&ours.revocations);
    let a = Node::boot("a", identity, Recipe::default()).await;
    let b = Node::start("b", &ours).await;
    introduce(&[&a, &b]);
    b.until_refused(Refusal::ForeignAuthority).await;
    assert!(b.seen().ups.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_another_node_answers_than_was_dialled_is_no_link() {
    let authority = Authority::new();
    let (a, c) = (
        Node::start("a", &authority).await,
        Node::start("c", &authority).await,
    );
    // The table says that b is there.
    let mut b = c.me.clone();
    b.node = id("b");
    a.links.peers(vec![(b, c.address.clone())]);
    a.until_refused(Refusal::WrongNode).await;
    assert!(a.seen().ups.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_certificate_of_another_node_does_not_start() {
    let authority = Authority::new();
    let refused = Node::attempt("a", authority.identity("b"), Recipe::default()).await;
    assert!(
        matches!(refused, Err(LinksError::OfAnotherNode { .. })),
        "{refused:?}"
    );
    let mut identity = authority.identity("a");
    identity.key = authority.identity("a").key;
    let refused = Node::attempt("a", identity, Recipe::default()).await;
    assert!(
        matches!(refused, Err(LinksError::Identity { what: "key", .. })),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_node_is_refused_by_whoever_has_the_list() {
    let mut authority = Authority::new();
    let identity = authority.identity("a");
    authority.revocations = certificates::revoke(
        &authority.certified,
        &authority.revocations,
        &identity.certificate,
        today(),
    )
    .unwrap();
    let a = Node::boot("a", identity, Recipe::default()).await;
    let b = Node::start("b", &authority).await;
    refuse(&a, &b, Refusal::Revoked).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_and_certificates_are_taken_while_the_links_run() {
    let mut authority = Authority::new();
    let (a, b) = pair(&authority).await;
    let former = authority.identity("a");
    a.links.renew(&former).unwrap();
    authority.revocations = certificates::revoke(
        &authority.certified,
        &authority.revocations,
        &former.certificate,
        today(),
    )
    .unwrap();
    b.links.renew(&authority.identity("b")).unwrap();
    assert!(b.links.renew(&former).is_err());
    // What stands, stands; once it is cut, only the new ones count.
    assert_eq!(a.call(&b, vec![1]).await.unwrap(), vec![1]);
    b.links.peers(Vec::new());
    a.until("cut off", |seen| seen.up.is_empty()).await;
    introduce(&[&a, &b]);
    b.until_refused(Refusal::Revoked).await;
    a.links.renew(&authority.identity("a")).unwrap();
    link(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_another_cluster_is_refused() {
    let authority = Authority::new();
    let a = Node::start("a", &authority).await;
    let other = Recipe {
        cluster: "other",
        ..Recipe::default()
    };
    let b = Node::boot("b", authority.identity("b"), other).await;
    refuse(&a, &b, Refusal::WrongCluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_does_not_know_the_secret_is_refused() {
    let authority = Authority::new();
    let a = Node::start("a", &authority).await;
    let other = Recipe {
        secret: [8; 32],
        ..Recipe::default()
    };
    let b = Node::boot("b", authority.identity("b"), other).await;
    refuse(&a, &b, Refusal::WrongSecret).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_is_refused_until_it_is_a_peer() {
    let authority = Authority::new();
    let (a, b) = (
        Node::start("a", &authority).await,
        Node::start("b", &authority).await,
    );
    a.links.peers(vec![b.row()]);
    b.until_refused(Refusal::NotAPeer).await;
    a.until_refused(Refusal::NotAPeer).await;
    link(&[&a, &b]).await;
}

/// Bug 10 of the library's own listener, which shakes hands with one after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_clients_delay_nobody_and_are_put_out() {
    let authority = Authority::new();
    let (a, b) = (
        Node::start("a", &authority).await,
        Node::start("b", &authority).await,
    );
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(&*b.address).await.unwrap());
    }
    link(&[&a, &b]).await;
    assert!(b.seen().refused.is_empty(), "the silent ones were not waited for");
    b.until_refused(Refusal::TimedOut).await;
}
