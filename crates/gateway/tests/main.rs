//! The public door as a client meets it: over TCP, in process, one house for each test. Nothing sleeps; what is waited for has a deadline.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod http;
mod socket;
mod support;
