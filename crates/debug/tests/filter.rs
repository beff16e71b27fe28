//! What a filter means, in cases that the page shares: it narrows what comes live by the same rules.

use serde::Deserialize;
use videorooms_debug::{LogRecord, Query};

#[derive(Deserialize)]
struct Shared {
    records: Vec<LogRecord>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    filter: Query,
    ids: Vec<u64>,
}

#[test]
fn a_filter_means_the_same_to_the_service_and_to_the_page() {
    let shared: Shared = serde_json::from_str(include_str!("filter-cases.json")).expect("the cases are read");
    for Case { filter, ids } in shared.cases {
        let found: Vec<_> = shared
            .records
            .iter()
            .filter(|record| filter.matches(record))
            .map(|record| record.id)
            .collect();
        assert_eq!(found, ids, "{filter:?}");
    }
}
