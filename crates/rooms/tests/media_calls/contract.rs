//! A media server that is reached through a link keeps the port's promises as one of this node does.

use std::sync::Arc;

use videorooms_domain::Epoch;
use videorooms_rooms::{MediaHost, Ownership};
use videorooms_sfu::embedded::{EmbeddedConfig, EmbeddedProvider};
use videorooms_sfu::fake::FakeProvider;
use videorooms_sfu::{SfuProvider, contract};

use crate::browsers::Browsers;
use crate::examples::here;

/// That provider, reached through a link.
fn linked(provider: Arc<dyn SfuProvider>) -> Arc<dyn SfuProvider> {
    let host = MediaHost::new(provider, here(1), Ownership::Alone(Epoch(1)));
    host.over_loopback().remote(&here(1))
}

#[tokio::test]
async fn the_fake_provider_keeps_the_contract_through_a_link() {
    let fake = Arc::new(FakeProvider::new());
    contract::suite(&*linked(Arc::clone(&fake) as _), Some(&*fake)).await;
}

#[tokio::test]
async fn the_embedded_provider_keeps_the_contract_through_a_link() {
    let config = EmbeddedConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        ..EmbeddedConfig::default()
    };
    let embedded = Arc::new(EmbeddedProvider::start(config).unwrap());
    contract::suite(&*linked(embedded), Some(&Browsers)).await;
}
