//! A media server that is reached through a link keeps the port's promises as one of this node does.

use std::sync::Arc;

use videorooms_domain::Epoch;
use videorooms_rooms::{MediaHost, Ownership};
use videorooms_sfu::contract;
use videorooms_sfu::fake::FakeProvider;

use crate::examples::here;

#[tokio::test]
async fn the_fake_provider_keeps_the_contract_through_a_link() {
    let fake = Arc::new(FakeProvider::new());
    let ownership = Ownership::Alone(Epoch(1));
    let host = MediaHost::new(Arc::clone(&fake) as _, here(1), ownership).over_loopback();
    contract::suite(&*host.remote(&here(1)), Some(&*fake)).await;
}
