//! What the program says to who starts it: one line when it cannot, and what it would do.

use videorooms_tests::{NodeProcess, run};

#[tokio::test]
async fn a_taken_port_is_named_in_one_line_with_the_way_out() {
    let node = NodeProcess::start().await;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let any = "127.0.0.1:0";
    let media = std::net::UdpSocket::bind(any).unwrap();
    let media = media.local_addr().unwrap().to_string();
    for (listen, admin, udp, taken, flag) in [
        (node.address.as_str(), any, any, node.address.as_str(), "--listen"),
        (
            any,
            node.admin.as_str(),
            any,
            node.admin.as_str(),
            "--admin-listen",
        ),
        (any, any, media.as_str(), media.as_str(), "--media-listen"),
    ] {
        let addresses = ["--listen", listen, "--admin-listen", admin, "--media-listen", udp];
        let args = [&["serve", "--data", data], &addresses[..]].concat();
        let failure = run(&args, &[]).await.failure();
        assert!(failure.contains(taken) && failure.contains(flag), "{failure}");
    }
}

#[tokio::test]
async fn a_mistyped_key_is_named_in_one_line_with_the_nearest() {
    let variable = [("VIDEOROOMS__HTTP__LISSEN", "127.0.0.1:0")];
    for args in [&["serve"][..], &["config", "check"], &["config", "explain"]] {
        let failure = run(args, &variable).await.failure();
        assert!(
            failure.contains("VIDEOROOMS__HTTP__LISSEN") && failure.contains("http.listen"),
            "{failure}"
        );
    }
}

#[tokio::test]
async fn the_configuration_is_checked_and_explained_without_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cluster.toml");
    std::fs::write(
        &file,
        "[rooms]\nmax_live = 7\n[nodes.a.http]\nlisten = \"127.0.0.1:1\"\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let secret = "12345678901234567890123456789012";
    let environment = [("SECRET_KEY_BASE", secret), ("VIDEOROOMS__NODE", "1")];
    let source = ["--config", file, "--node", "a", "--data", "1"];
    let args = |action| [&["config", action], &source[..]].concat();
    let checked = run(&args("check"), &environment).await.ok();
    assert!(checked.contains("can be used"), "{checked}");
    let explained = run(&args("explain"), &environment).await.ok();
    for line in [
        "data = \"1\"    # the command line".to_owned(),
        "node = \"a\"    # the command line".to_owned(),
        format!("rooms.max_live = 7    # {file} (shared settings)"),
        format!("http.listen = \"127.0.0.1:1\"    # {file} (this node's settings)"),
        "secret_key_base = \"•••\"    # environment variable SECRET_KEY_BASE".to_owned(),
        "log.format = \"text\"    # default".to_owned(),
    ] {
        assert!(
            explained.lines().any(|found| found == line),
            "{line}\n{explained}"
        );
    }
    assert!(!explained.contains(secret));
    let unknown = [("VIDEOROOMS__SFU__PROVIDER", "mesh")];
    let failure = run(&["config", "check"], &unknown).await.failure();
    assert!(
        failure.contains("sfu.provider") && failure.contains("embedded"),
        "{failure}"
    );
}
