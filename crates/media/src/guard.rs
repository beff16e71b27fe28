//! Keeps a panic over one input from costing more than that input.
//!
//! str0m fails fast on internal bugs. A session's calls are guarded by its peer, which is then closed; this is for what is parsed before a
//! peer is known.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::metrics;

/// What `run` gives, or `None`, counted, when it panics. `run` must leave nothing half done that others see.
pub(crate) fn guarded<T>(run: impl FnOnce() -> T) -> Option<T> {
    let outcome = catch_unwind(AssertUnwindSafe(run));
    if outcome.is_err() {
        metrics::panic_caught();
    }
    outcome.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_nothing_and_anything_else_is_itself() {
        assert_eq!(guarded(|| 7), Some(7));
        assert_eq!(guarded(|| -> u8 { panic!("injected") }), None);
    }
}
