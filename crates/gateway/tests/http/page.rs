//! The page and its files. These tests need it built into the binary: `make build`.

use reqwest::Response;

use super::problem;
use crate::support::House;

async fn page(house: &House, path: &str) -> Response {
    let answer = house.get(path).send().await.unwrap();
    assert_eq!(
        answer.status(),
        200,
        "{path} answers {}: the page is not in this binary, build frontend/dist first (`make build`)",
        answer.status()
    );
    answer
}

#[tokio::test]
async fn every_path_of_the_page_is_the_page() {
    let house = House::open().await;
    let index = page(&house, "/").await;
    assert_eq!(index.headers()["content-type"], "text/html");
    assert_eq!(index.headers()["cache-control"], "no-cache");
    let index = index.text().await.unwrap();
    assert!(index.contains("<html"));
    for path in [
        "/rooms/00000000000000000000000000",
        "/logs",
        "/no/such/path",
        "/index.html",
    ] {
        assert_eq!(page(&house, path).await.text().await.unwrap(), index, "{path}");
    }
}

#[tokio::test]
async fn what_the_page_asks_for_is_there_and_kept_for_good() {
    let house = House::open().await;
    let index = page(&house, "/").await.text().await.unwrap();
    let files: Vec<_> = index
        .split('"')
        .filter(|text| text.starts_with("/assets/"))
        .collect();
    assert!(!files.is_empty(), "{index}");
    for file in files {
        let answer = page(&house, file).await;
        let headers = answer.headers();
        assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable");
        let kind = headers["content-type"].to_str().unwrap();
        let expected = if file.ends_with(".js") {
            "text/javascript"
        } else {
            "text/css"
        };
        assert!(kind.starts_with(expected), "{file} is {kind}");
    }
}

#[tokio::test]
async fn an_asset_that_is_none_is_not_found() {
    let house = House::open().await;
    for path in ["/assets/none", "/assets/none.js", "/assets/"] {
        problem(house.get(path).send().await.unwrap(), 404, "not_found").await;
    }
}

#[tokio::test]
async fn a_page_that_is_known_is_not_sent_again() {
    let house = House::open().await;
    let first = page(&house, "/").await;
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    let again = |tag: &str| house.get("/rooms/x").header("if-none-match", tag).send();
    let known = again(&tag).await.unwrap();
    assert_eq!(known.status(), 304);
    assert_eq!(known.headers()["etag"], tag.as_str());
    assert_eq!(known.text().await.unwrap(), "");
    assert_eq!(again("\"other\"").await.unwrap().status(), 200);
}
