//! The fake keeps the port's promises.

use videorooms_sfu::contract;
use videorooms_sfu::fake::FakeProvider;

#[tokio::test]
async fn the_fake_provider_keeps_the_contract() {
    let fake = FakeProvider::new();
    contract::suite(&fake, Some(&fake)).await;
}
