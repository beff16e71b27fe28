//! `videorooms doctor` in good surroundings and in bad ones.

use std::net::TcpListener;

use videorooms_tests::{ClusterProcesses, RedisServer, Run, run};

const ANY: [&str; 5] = [
    "doctor",
    "--listen",
    "127.0.0.1:0",
    "--media-listen",
    "127.0.0.1:0",
];

/// The doctor of a node that runs, or of a machine on which `admin` is where it would.
async fn doctor(nodes: &ClusterProcesses, node: &str, admin: &str, more: &[(&str, &str)]) -> Run {
    let args: Vec<_> = ANY.into_iter().chain(["--admin-listen", admin]).collect();
    nodes.command_with(node, &args, more).await
}

/// The line about something.
fn line<'a>(run: &'a Run, what: &str) -> &'a str {
    let mut lines = run.stdout.lines();
    let found = lines.find(|line| line[5..].starts_with(what));
    found.unwrap_or_else(|| panic!("nothing of {what}: {run:?}"))
}

fn fails(run: &Run, what: &str, words: &str) {
    assert_eq!(run.code, Some(1), "{run:?}");
    let line = line(run, what);
    assert!(line.starts_with("fail ") && line.contains(words), "{line}");
    assert!(line.contains("; remedy: "), "{line}");
}

#[tokio::test]
async fn in_good_surroundings_nothing_fails() {
    let nodes = ClusterProcesses::start(&["a", "b"]).await;
    nodes.until_whole().await;
    let admin = &nodes.node("a").admin;
    let found = doctor(&nodes, "a", admin, &[]).await;
    assert_eq!(found.code, Some(0), "{found:?}");
    assert!(!found.stdout.contains("fail "), "{found:?}");
    for (what, words) in [
        ("configuration", "node a"),
        ("store", "is safe"),
        ("clock", "ms"),
        ("secret", "the same at 2 of 2 nodes"),
        ("certificates", "of node a"),
        ("admin.listen", "this node's"),
        ("cluster.advertise", "all nodes are on this machine"),
    ] {
        let line = line(&found, what);
        assert!(line.starts_with("ok ") && line.contains(words), "{line}");
    }
    // The same before the node runs.
    let found = doctor(&nodes, "a", "127.0.0.1:0", &[]).await;
    assert_eq!(found.code, Some(0), "{found:?}");
    assert!(line(&found, "secret").contains("not compared"), "{found:?}");

    let secret = "s".repeat(32);
    let other = doctor(&nodes, "a", admin, &[("SECRET_KEY_BASE", &secret)]).await;
    fails(&other, "secret", "another secret");
}

#[tokio::test]
async fn each_thing_that_is_wrong_fails_by_its_name() {
    let nodes = ClusterProcesses::start(&["z"]).await;
    nodes.identities(&["add-node", "a"]).await;
    let anywhere = "127.0.0.1:0";
    let away = [("VIDEOROOMS__STORE__URL", "redis://127.0.0.1:1")];
    fails(
        &doctor(&nodes, "a", anywhere, &away).await,
        "store",
        "127.0.0.1:1",
    );
    let unsafe_redis = RedisServer::with(&["--maxmemory-policy", "allkeys-lru"]);
    let evicting = [("VIDEOROOMS__STORE__URL", &*unsafe_redis.url())];
    fails(
        &doctor(&nodes, "a", anywhere, &evicting).await,
        "store",
        "noeviction",
    );
    let another = doctor(&nodes, "a", anywhere, &[("VIDEOROOMS__NODE", "b")]).await;
    fails(&another, "certificates", "of node a, this is b");
    let nobody = doctor(&nodes, "x", anywhere, &[]).await;
    fails(&nobody, "certificates", "node.pem");
    fails(&nobody, "secret", "SECRET_KEY_BASE");
    let unknown = [("VIDEOROOMS__CLUSTER__ADVERTISE", "no-such-host.invalid:4400")];
    fails(
        &doctor(&nodes, "a", anywhere, &unknown).await,
        "cluster.advertise",
        "resolved",
    );
    nodes.identities(&["revoke", "a"]).await;
    fails(
        &doctor(&nodes, "a", anywhere, &[]).await,
        "certificates",
        "revoked",
    );

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let data = tempfile::tempdir().unwrap();
    let data = data.path().to_str().unwrap();
    let alone = [
        "doctor",
        "--data",
        data,
        "--listen",
        &taken,
        "--admin-listen",
        anywhere,
    ];
    let found = run(&alone, &[]).await;
    fails(&found, "http.listen", "is taken");
    let found = run(&ANY, &[("VIDEOROOMS__HTTP__LISTEN_ON", "x")]).await;
    fails(&found, "configuration", "listen_on");
}
