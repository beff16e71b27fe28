//! What a node listens on beside the cluster port. Alone in its process, which is what it looks at.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

#[expect(dead_code, reason = "the links' own tests use the rest")]
#[path = "links/kit.rs"]
mod kit;

use kit::{Authority, pair};

/// `ractor_cluster` opens a port in any case. It is on the loopback, and not even a node of the cluster comes in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_librarys_own_port_lets_nobody_in() {
    let authority = Authority::new();
    let (a, b) = pair(&authority).await;
    let (mut open, mut closed) = (0, 0);
    for port in listening_ports() {
        let is_cluster = [&a, &b]
            .iter()
            .any(|node| node.address.ends_with(&format!(":{port}")));
        let result = shake_hands(port, &authority).await;
        assert_eq!(result.is_ok(), is_cluster, "port {port}: {result:?}");
        *(if is_cluster { &mut open } else { &mut closed }) += 1;
    }
    assert_eq!((open, closed), (2, 2));
    // Nor is it in the way of anyone who is silent there.
    let mut silent = Vec::new();
    for port in listening_ports() {
        silent.push(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    }
    assert_eq!(a.call(&b, vec![kit::ECHO]).await.unwrap(), vec![kit::ECHO]);
}

/// As node c, which every node of the cluster would shake hands with.
async fn shake_hands(port: u16, authority: &Authority) -> std::io::Result<()> {
    let identity = authority.identity("c");
    let mut roots = RootCertStore::empty();
    let certificate = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    roots.add(certificate(&identity.authority)).unwrap();
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate(&identity.certificate)], key)
        .unwrap();
    let tcp = TcpStream::connect(("127.0.0.1", port)).await?;
    let names =
        ["a", "b"].map(|node| ServerName::try_from(format!("{node}.node.videorooms.internal")).unwrap());
    let [first, second] = names;
    let limit = Duration::from_secs(10);
    let connector = TlsConnector::from(Arc::new(config));
    if timeout(limit, connector.connect(first, tcp)).await?.is_ok() {
        return Ok(());
    }
    let tcp = TcpStream::connect(("127.0.0.1", port)).await?;
    timeout(limit, connector.connect(second, tcp)).await?.map(drop)
}

/// Ports on which this process listens, on IPv4.
fn listening_ports() -> Vec<u16> {
    const LISTENING: &str = "0A";
    let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    let mine: Vec<_> = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok())
        .filter_map(|link| {
            Some(
                link.to_str()?
                    .strip_prefix("socket:[")?
                    .strip_suffix(']')?
                    .to_owned(),
            )
        })
        .collect();
    let rows = table
        .lines()
        .skip(1)
        .map(|row| row.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row[3] == LISTENING && mine.iter().any(|inode| inode == row[9]))
        .map(|row| {
            let (address, port) = row[1].split_once(':').unwrap();
            assert_eq!(address, "0100007F", "nothing listens beyond the loopback");
            u16::from_str_radix(port, 16).unwrap()
        })
        .collect()
}
