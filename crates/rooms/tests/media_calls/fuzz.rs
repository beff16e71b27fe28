//! Fuzzing on stable; see [`crate::wire::survives_changes`].

use videorooms_rooms::media_calls::Content;

use crate::format::GOLDEN;
use crate::wire;

#[test]
fn envelopes_that_are_read_read_back_as_written_and_nothing_panics() {
    wire::survives_changes::<Content>(GOLDEN, "media envelope");
}
