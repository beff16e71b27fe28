//! The store: reached, safe, quick, and of our time.

use std::path::Path;
use std::time::Duration;

use videorooms_store::{Examined, StoreError, examine_redis};

use super::Finding;
use crate::config::Config;

const WHAT: &str = "store";
/// A lease is renewed six times in its length; a store slower than this leaves few of these.
const SLOW: Duration = Duration::from_millis(100);
/// Tokens are taken with five seconds of difference; half of it is near.
const APART_MS: u64 = 2500;

pub(super) async fn examine(config: &Config) -> Vec<Finding> {
    let url = config.store_url();
    if let Some(folder) = url.expose().strip_prefix("file:") {
        return vec![folder_found(Path::new(folder))];
    }
    if !url.is_shared() {
        let text = "rooms are kept in memory and gone with the process";
        return vec![Finding::warn(
            WHAT,
            text,
            "set store.url to file:<dir> or redis://<host>",
        )];
    }
    let examined = examine_redis(url.expose(), config.store.durability).await;
    match examined {
        Ok(examined) => redis_found(&url.to_string(), examined, crate::now().0),
        Err(StoreError::Unsafe(why)) => {
            let remedy = "set it in redis.conf, and restart Redis where it says so";
            vec![Finding::fail(WHAT, why, remedy)]
        }
        Err(error) => {
            let remedy = "start Redis, and check host, port, user, password and certificates in store.url";
            vec![Finding::fail(WHAT, format!("{url}: {error}"), remedy)]
        }
    }
}

fn redis_found(url: &str, examined: Examined, now_ms: u64) -> Vec<Finding> {
    let Examined { round_trip, clock_ms } = examined;
    let took = format!("{:.1} ms", round_trip.as_secs_f64() * 1000.0);
    let safe = if round_trip > SLOW {
        let text = format!("{url} is safe, but a write took {took} there and back");
        let remedy = "a faster disk for its append-only file, or a nearer machine";
        Finding::warn(WHAT, text, remedy)
    } else {
        Finding::ok(WHAT, format!("{url} is safe; a write took {took} there and back"))
    };
    let apart = clock_ms.abs_diff(now_ms);
    let text = format!("{apart} ms from the store's");
    let clock = if apart > APART_MS {
        Finding::fail("clock", text, "keep both machines on time by NTP")
    } else {
        Finding::ok("clock", text)
    };
    vec![safe, clock]
}

fn folder_found(folder: &Path) -> Finding {
    let existing = folder.ancestors().find(|part| part.is_dir());
    let Some(existing) = existing.or_else(|| folder.is_relative().then_some(Path::new("."))) else {
        let text = format!("{} cannot be made", folder.display());
        return Finding::fail(WHAT, text, "choose another folder with --data or store.url");
    };
    match tempfile_in(existing) {
        Ok(()) => Finding::ok(WHAT, format!("{} can be written", folder.display())),
        Err(error) => {
            let text = format!("{} cannot be written: {error}", existing.display());
            Finding::fail(
                WHAT,
                text,
                "give the folder to the user of the node, or choose another",
            )
        }
    }
}

/// Writes a file there and removes it.
fn tempfile_in(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!(".videorooms-doctor-{}", std::process::id()));
    let made = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path);
    drop(made?);
    std::fs::remove_file(path)
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn a_slow_store_is_a_warning_and_another_time_a_failure() {
        let levels = |round_trip, clock_ms| {
            let examined = Examined { round_trip, clock_ms };
            let found = redis_found("redis://r", examined, 1_000_000);
            [found[0].level, found[1].level]
        };
        let quick = Duration::from_millis(2);
        assert_eq!(levels(quick, 1_000_100), [Level::Ok, Level::Ok]);
        assert_eq!(levels(SLOW * 2, 1_000_000), [Level::Warn, Level::Ok]);
        assert_eq!(levels(quick, 900_000), [Level::Ok, Level::Fail]);
        assert_eq!(levels(quick, 1_100_000), [Level::Ok, Level::Fail]);
    }

    #[test]
    fn a_folder_is_written_to_and_left_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let found = folder_found(&dir.path().join("rooms/below"));
        assert_eq!(found.level, Level::Ok, "{found}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
