//! How much one address may ask for, and whose address it is.

use reqwest::Response;
use serde_json::Value;

use super::problem;
use crate::support::{House, only};

async fn ask(house: &House, forwarded: Option<&str>) -> Response {
    let mut request = house.get("/api/health");
    if let Some(forwarded) = forwarded {
        request = request.header("x-forwarded-for", forwarded);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn who_asks_too_much_is_told_when_to_come_again() {
    let house = House::with(|config| config.limits.http = only(2.0)).await;
    for _ in 0..2 {
        assert_eq!(ask(&house, None).await.status(), 200);
    }
    let refused = ask(&house, None).await;
    let wait: u64 = refused.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let refused = problem(refused, 429, "rate_limited").await;
    let wait_ms = refused["retry_after_ms"].as_u64().unwrap();
    assert_eq!(wait, wait_ms.div_ceil(1000));
    assert_eq!(
        house.get("/").send().await.unwrap().status(),
        200,
        "the page is not limited"
    );
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_its_own_measure() {
    let house = House::with(|config| {
        config.limits.http = only(1.0);
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    assert_eq!(ask(&house, Some("9.9.9.1")).await.status(), 200);
    assert_eq!(ask(&house, Some("9.9.9.1")).await.status(), 429);
    assert_eq!(
        ask(&house, Some("1.1.1.1, 9.9.9.1")).await.status(),
        429,
        "what the client wrote itself does not count"
    );
    assert_eq!(
        ask(&house, Some("9.9.9.1, 127.0.0.2")).await.status(),
        429,
        "nor do further proxies of ours"
    );
    assert_eq!(ask(&house, Some("9.9.9.2")).await.status(), 200);
    assert_eq!(ask(&house, Some("2001:db8::1")).await.status(), 200);
    assert_eq!(
        ask(&house, Some("2001:db8::2")).await.status(),
        429,
        "an IPv6 customer has a /64"
    );
}

#[tokio::test]
async fn what_anyone_else_writes_into_x_forwarded_for_does_not_count() {
    for trusted in [vec![], vec!["10.0.0.0/8".parse().unwrap()]] {
        let house = House::with(|config| {
            config.limits.http = only(1.0);
            config.trusted_proxies = trusted;
        })
        .await;
        assert_eq!(ask(&house, Some("9.9.9.1")).await.status(), 200);
        let refused = ask(&house, Some("9.9.9.2")).await;
        let refused: Value = refused.json().await.unwrap();
        assert_eq!(refused["code"], "rate_limited");
    }
}
