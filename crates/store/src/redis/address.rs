//! `redis://user:password@host:port/db?prefix=…`, and the same with `redis+unix:///path`.

use redis::{Client, ConnectionInfo, IntoConnectionInfo as _};

use crate::StoreError;

const PREFIX: &str = "videorooms";
const MAX_PREFIX: usize = 64;

/// Where Redis is, who we are there, and under which keys.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) client: Client,
    pub(super) prefix: String,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let wrong = |what: &str| StoreError::Unavailable(format!("the store's URL {what}"));
        let (base, prefix) = match url.split_once('?') {
            None => (url, PREFIX),
            Some((base, query)) => {
                let prefix = query.strip_prefix("prefix=");
                (base, prefix.ok_or_else(|| wrong("takes one parameter, prefix"))?)
            }
        };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        if prefix.is_empty() || prefix.len() > MAX_PREFIX || !prefix.chars().all(is_plain) {
            return Err(wrong(
                "has a prefix that is not 1 to 64 of a-z, A-Z, 0-9, -, _, . and :",
            ));
        }
        // The library's error may show the password.
        let info: ConnectionInfo = base
            .into_connection_info()
            .map_err(|_| wrong("is none of Redis: redis://[user:password@]host[:port][/db]"))?;
        let client = Client::open(info).map_err(|_| wrong("cannot be used"))?;
        Ok(Self {
            client,
            prefix: prefix.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        match Address::parse(url) {
            Ok(address) => panic!("{url} is taken, with prefix {}", address.prefix),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_prefix_is_read_and_has_a_default() {
        let prefix = |url| Address::parse(url).unwrap().prefix;
        assert_eq!(prefix("redis://localhost"), "videorooms");
        assert_eq!(prefix("redis://u:p@10.0.0.1:7000/2?prefix=house:a"), "house:a");
        assert_eq!(prefix("redis+unix:///run/redis.sock?prefix=x"), "x");
    }

    #[test]
    fn a_wrong_url_is_refused_without_its_password() {
        for url in [
            "redis://:hunter2@host:port",
            "redis://u:hunter2@h?prefix=",
            "redis://u:hunter2@h?prefix=a b",
            "redis://u:hunter2@h?db=1",
            "redis:",
        ] {
            let message = refusal(url);
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}
