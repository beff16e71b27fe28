//! Names of this crate's metrics, in one place so that dashboards have something to hold on to.

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::Totals;
use crate::peer::Failure;

const ROOMS: &str = "videorooms_media_rooms";
const PEERS: &str = "videorooms_media_peers";
const ATTACHED: &str = "videorooms_media_peers_attached_total";
const CLOSED: &str = "videorooms_media_peers_closed_total";
const FAILED: &str = "videorooms_media_peers_failed_total";
const CONNECT_SECONDS: &str = "videorooms_media_connect_seconds";
const PATH_CHANGES: &str = "videorooms_media_path_changes_total";
const UNKNOWN: &str = "videorooms_media_unknown_datagrams_total";
const RECEIVED: &str = "videorooms_media_received_datagrams_total";
const FORWARDED: &str = "videorooms_media_forwarded_packets_total";
const KEYFRAMES: &str = "videorooms_media_keyframe_requests_total";
const SENT: &str = "videorooms_media_sent_datagrams_total";
const SEND_CALLS: &str = "videorooms_media_send_calls_total";
const SEND_DROPS: &str = "videorooms_media_send_drops_total";
const EVICTED: &str = "videorooms_media_rooms_evicted_total";
const PANICS: &str = "videorooms_media_panics_caught_total";
const RESTARTS: &str = "videorooms_media_worker_restarts_total";
const TURN_SECONDS: &str = "videorooms_media_turn_seconds";

/// Gives the recorder units and help texts. Call once, after the recorder was installed.
pub fn describe() {
    describe_gauge!(ROOMS, "Media rooms");
    describe_gauge!(PEERS, "Media peers");
    describe_counter!(ATTACHED, "Peers made");
    describe_counter!(CLOSED, "Peers closed, by reason");
    describe_counter!(FAILED, "Peers whose session broke; cause panic or protocol");
    describe_histogram!(
        CONNECT_SECONDS,
        Unit::Seconds,
        "From a peer's first offer to its connection"
    );
    describe_counter!(
        PATH_CHANGES,
        "Times a peer's client moved to another address, by itself or by a NAT"
    );
    describe_counter!(UNKNOWN, "Datagrams that belong to no peer");
    describe_counter!(RECEIVED, "Datagrams received");
    describe_counter!(FORWARDED, "RTP packets written to subscribers");
    describe_counter!(KEYFRAMES, "Keyframe requests sent to publishers");
    describe_counter!(SENT, "Datagrams sent");
    describe_counter!(
        SEND_CALLS,
        "System calls that sent them; the ratio shows segmentation offload at work"
    );
    describe_counter!(SEND_DROPS, "Datagrams that the kernel did not take");
    describe_counter!(EVICTED, "Vacant rooms that gave way to new ones");
    describe_counter!(PANICS, "Inputs dropped because reading them panicked");
    describe_counter!(
        RESTARTS,
        "Times the media worker broke and began anew; every peer was reset"
    );
    describe_histogram!(TURN_SECONDS, Unit::Seconds, "Work of one turn of the media loop");
}

pub(crate) fn totals(totals: Totals) {
    gauge!(ROOMS).set(totals.rooms as f64);
    gauge!(PEERS).set(totals.peers as f64);
}

pub(crate) fn peer_attached() {
    counter!(ATTACHED).increment(1);
}

pub(crate) fn peer_closed(reason: &'static str) {
    counter!(CLOSED, "reason" => reason).increment(1);
}

pub(crate) fn peer_failed(failure: &Failure) {
    let cause = match failure {
        Failure::Panicked => "panic",
        Failure::Rtc(_) => "protocol",
    };
    counter!(FAILED, "cause" => cause).increment(1);
}

pub(crate) fn connected(took: Duration) {
    histogram!(CONNECT_SECONDS).record(took.as_secs_f64());
}

pub(crate) fn path_changed() {
    counter!(PATH_CHANGES).increment(1);
}

pub(crate) fn unknown_datagram() {
    counter!(UNKNOWN).increment(1);
}

pub(crate) fn received(datagrams: u64) {
    counter!(RECEIVED).increment(datagrams);
}

pub(crate) fn forwarded(packets: u64) {
    counter!(FORWARDED).increment(packets);
}

pub(crate) fn keyframe_requested() {
    counter!(KEYFRAMES).increment(1);
}

pub(crate) fn sent(datagrams: u64, calls: u64, drops: u64) {
    counter!(SENT).increment(datagrams);
    counter!(SEND_CALLS).increment(calls);
    counter!(SEND_DROPS).increment(drops);
}

pub(crate) fn room_evicted() {
    counter!(EVICTED).increment(1);
}

pub(crate) fn panic_caught() {
    counter!(PANICS).increment(1);
}

pub(crate) fn worker_restarted() {
    counter!(RESTARTS).increment(1);
}

pub(crate) fn turn(took: Duration) {
    histogram!(TURN_SECONDS).record(took.as_secs_f64());
}
