//! Names of this crate's metrics. Labels are named beside each.

/// Gauge: sockets open now.
pub const SOCKETS: &str = "videorooms_gateway_sockets";
/// Counter: sockets opened.
pub const SOCKETS_OPENED: &str = "videorooms_gateway_sockets_opened_total";
/// Counter: sockets that this side closed, by `why`: `malformed`, `too_large`, `slow`, `idle`, `gone`, `restart`.
pub const SOCKETS_CLOSED: &str = "videorooms_gateway_sockets_closed_total";
/// Counter: upgrades refused, by `why`: `draining`, `rate`, `full`, `version`, `origin`, `token`, `request`.
pub const UPGRADES_REFUSED: &str = "videorooms_gateway_upgrades_refused_total";
/// Counter: requests on a socket refused by rate, by `of`: `frames`, `joins`, `address_joins`, `signalling`, `offers`, `pushes`, `chat`, `room`.
pub const RATE_LIMITED: &str = "videorooms_gateway_rate_limited_total";
/// Counter: requests on topics that were refused, by `reason`.
pub const REFUSED: &str = "videorooms_gateway_refused_total";
/// Counter: frames handed to sockets by publications.
pub const DELIVERIES: &str = "videorooms_gateway_deliveries_total";
/// Counter: ephemeral frames dropped for slow sockets.
pub const DROPPED: &str = "videorooms_gateway_dropped_frames_total";
/// Counter: rooms whose roster was given up until someone joins.
pub const ROSTERS_MISSED: &str = "videorooms_gateway_rosters_missed_total";
/// Counter: publications of a deposed owner that were dropped.
pub const STALE: &str = "videorooms_gateway_stale_publications_total";
/// Counter: refusals over HTTP, by `code`.
pub const PROBLEMS: &str = "videorooms_gateway_problems_total";
/// Counter: HTTP requests refused by rate.
pub const HTTP_LIMITED: &str = "videorooms_gateway_http_limited_total";
/// Counter: passwords not looked at, since too many waited.
pub const PASSWORDS_BUSY: &str = "videorooms_gateway_passwords_busy_total";
/// Counter: passwords that were wrong.
pub const WRONG_PASSWORDS: &str = "videorooms_gateway_wrong_passwords_total";

/// Tells the recorder what the metrics mean.
pub fn describe() {
    metrics::describe_gauge!(SOCKETS, "sockets open now");
    metrics::describe_counter!(SOCKETS_OPENED, "sockets opened");
    metrics::describe_counter!(SOCKETS_CLOSED, "sockets closed by this side, by reason");
    metrics::describe_counter!(UPGRADES_REFUSED, "socket upgrades refused, by reason");
    metrics::describe_counter!(REFUSED, "requests on topics refused, by reason");
    metrics::describe_counter!(
        RATE_LIMITED,
        "requests on sockets refused by rate, by what was too much"
    );
    metrics::describe_counter!(DELIVERIES, "frames handed to sockets by publications");
    metrics::describe_counter!(DROPPED, "ephemeral frames dropped for slow sockets");
    metrics::describe_counter!(STALE, "publications of deposed owners dropped");
    metrics::describe_counter!(
        ROSTERS_MISSED,
        "rooms whose roster was given up until someone joins"
    );
    metrics::describe_counter!(PROBLEMS, "refusals over HTTP, by code");
    metrics::describe_counter!(HTTP_LIMITED, "HTTP requests refused by rate");
    metrics::describe_counter!(WRONG_PASSWORDS, "wrong passwords");
    metrics::describe_counter!(PASSWORDS_BUSY, "passwords not looked at, since too many waited");
}
