//! A Redis that speaks TLS only, and asks who its clients are.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;
use videorooms_store::{Durability, StoreError};
use videorooms_tests::RedisServer;

/// Certificates of one authority, as files.
struct Papers {
    folder: TempDir,
}

impl Papers {
    fn issue() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");
        let papers = Self { folder };
        std::fs::write(papers.file("ca.pem"), authority.pem()).expect("a file");
        for name in ["server", "client"] {
            let key = KeyPair::generate().expect("a key");
            let names = vec!["localhost".to_owned()];
            let mut params = CertificateParams::new(names).expect("a legal name");
            // Not that of its issuer, or it looks as if it had signed itself.
            params.distinguished_name.push(DnType::CommonName, name);
            let certificate = params.signed_by(&key, &authority).expect("a certificate");
            std::fs::write(papers.file(&format!("{name}.pem")), certificate.pem()).expect("a file");
            std::fs::write(papers.file(&format!("{name}.key")), key.serialize_pem()).expect("a file");
        }
        papers
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn start(papers: &Papers) -> (RedisServer, u16) {
    // Free when asked for; the server fails to start if it is taken by then.
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("it is bound").port();
    drop(free);
    let file = |name: &str| papers.file(name).display().to_string();
    let (port_text, cert, key, ca) = (
        port.to_string(),
        file("server.pem"),
        file("server.key"),
        file("ca.pem"),
    );
    let settings = [
        ["--tls-port", &port_text],
        ["--bind", "127.0.0.1"],
        ["--tls-cert-file", &cert],
        ["--tls-key-file", &key],
        ["--tls-ca-cert-file", &ca],
        ["--tls-auth-clients", "yes"],
    ];
    (RedisServer::with(&settings.concat()), port)
}

async fn open(url: &str) -> Result<videorooms_store::Opened, StoreError> {
    videorooms_store::open(url, Durability::Strict).await
}

#[tokio::test]
async fn rooms_and_owners_are_reached_over_tls_by_who_is_known_and_nobody_else() {
    let papers = Papers::issue();
    let (_server, port) = start(&papers);
    let show = |path: &Path| path.display().to_string();
    let file = |name| show(&papers.file(name));
    let host = format!("rediss://localhost:{port}?prefix=x");
    let (ca, cert, key) = (file("ca.pem"), file("client.pem"), file("client.key"));
    let opened = open(&format!("{host}&ca={ca}&cert={cert}&key={key}")).await;
    let opened = opened.expect("it knows us, and we it");
    assert_eq!(opened.rooms.health().await, Ok(()));
    let ownership = opened.ownership.expect("nodes can share Redis");
    assert!(ownership.connect().await.is_ok());

    let stranger = Papers::issue();
    let strange = |name| show(&stranger.file(name));
    let (other_ca, other_cert, other_key) = (strange("ca.pem"), strange("client.pem"), strange("client.key"));
    for (why, query) in [
        (
            "we do not know it",
            format!("&ca={other_ca}&cert={cert}&key={key}"),
        ),
        ("nor by the system's roots", format!("&cert={cert}&key={key}")),
        (
            "it does not know us",
            format!("&ca={ca}&cert={other_cert}&key={other_key}"),
        ),
        ("we do not say who we are", format!("&ca={ca}")),
    ] {
        let refused = open(&format!("{host}{query}")).await.err();
        assert!(
            matches!(refused, Some(StoreError::Unavailable(_))),
            "{why}: {refused:?}"
        );
    }
    let by_address = format!("rediss://127.0.0.1:{port}?ca={ca}&cert={cert}&key={key}");
    let refused = open(&by_address).await.err();
    assert!(
        matches!(refused, Some(StoreError::Unavailable(_))),
        "its certificate names localhost only: {refused:?}"
    );
}
