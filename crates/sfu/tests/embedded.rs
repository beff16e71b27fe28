//! The embedded SFU keeps the port's promises, on a real socket.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod support;

use support::Browsers;
use videorooms_sfu::embedded::{EmbeddedConfig, EmbeddedProvider};
use videorooms_sfu::{SfuError, SfuProvider, contract};

fn start() -> EmbeddedProvider {
    let config = EmbeddedConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        ..EmbeddedConfig::default()
    };
    EmbeddedProvider::start(config).unwrap()
}

#[tokio::test]
async fn the_embedded_provider_keeps_the_contract() {
    contract::suite(&start(), Some(&Browsers)).await;
}

#[tokio::test]
async fn a_taken_port_is_said_at_the_start() {
    let first = start();
    let config = EmbeddedConfig {
        listen: first.local_addr(),
        ..EmbeddedConfig::default()
    };
    assert!(matches!(
        EmbeddedProvider::start(config),
        Err(SfuError::Unavailable(_))
    ));
}

#[tokio::test]
async fn after_shutdown_it_is_unavailable() {
    let provider = start();
    provider.shutdown().await;
    assert!(matches!(
        provider.health_check().await,
        Err(SfuError::Unavailable(_))
    ));
}
