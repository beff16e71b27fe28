//! `operator token`: what opens a node's log to a person for a while. It is signed with the node's own secret, so it is made where the node's
//! configuration and data are, without asking the node.

use std::time::Duration;

use anyhow::ensure;
use videorooms_gateway::auth::Keys;

use crate::config::Config;
use crate::secret;

/// Whoever needs it longer asks again.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A token that reads and deletes the log of the node with this configuration for as long as `ttl`.
///
/// # Errors
/// For a time of nothing or more than a day, and when the node has no secret yet.
pub fn token(config: &Config, ttl: Duration) -> anyhow::Result<String> {
    ensure!(
        !ttl.is_zero() && ttl <= LONGEST,
        "--ttl: a token lives from a second to 24h"
    );
    let secret = secret::load(config)?;
    Ok(Keys::derive(secret.expose().as_bytes(), None).operator_token(ttl))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_made_with_the_nodes_secret_and_makes_none() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            data: dir.path().to_owned(),
            ..Config::default()
        };
        let hour = Duration::from_secs(3600);
        let error = token(&config, hour).unwrap_err().to_string();
        assert!(error.contains("start the node once"), "{error}");
        assert!(!dir.path().join("secret").exists());
        let secret = secret::load_or_make(&config).unwrap();
        let keys = Keys::derive(secret.expose().as_bytes(), None);
        assert!(keys.verify_operator(&token(&config, hour).unwrap()).is_ok());
        for wrong in [Duration::ZERO, LONGEST + Duration::from_secs(1)] {
            assert!(token(&config, wrong).is_err());
        }
    }
}
