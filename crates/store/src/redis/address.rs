//! `redis://user:password@host:port/db?prefix=…`, the same over TLS with `rediss://`, and with `redis+unix:///path`.
//!
//! Over TLS the server's certificate is checked against the system's roots or those of the file `ca`, and `cert` and `key` are who we are; all are PEM, read
//! when the store is opened.

use redis::{Client, ClientTlsConfig, ConnectionInfo, IntoConnectionInfo as _, TlsCertificates};

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
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let query = Query::parse(query)?;
        let prefix = query.prefix.unwrap_or(PREFIX);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        if prefix.is_empty() || prefix.len() > MAX_PREFIX || !prefix.chars().all(is_plain) {
            return Err(wrong(
                "has a prefix that is not 1 to 64 of a-z, A-Z, 0-9, -, _, . and :",
            ));
        }
        // The library's error may show the password.
        let info: ConnectionInfo = base.into_connection_info().map_err(|_| {
            wrong("is none of Redis: redis://[user:password@]host[:port][/db], or rediss:// for TLS")
        })?;
        let client = if base.starts_with("rediss:") {
            // Whoever installed one before in this process has ours, too.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
            Client::build_with_tls(info, query.certificates()?)
                .map_err(|_| wrong("names certificates or a key that are not PEM"))?
        } else if query.certificate_files().is_empty() {
            Client::open(info).map_err(|_| wrong("cannot be used"))?
        } else {
            return Err(wrong("takes ca, cert and key for rediss:// only"));
        };
        Ok(Self {
            client,
            prefix: prefix.to_owned(),
        })
    }
}

/// What stands behind the question mark; values are taken as they are written.
#[derive(Default)]
struct Query<'a> {
    prefix: Option<&'a str>,
    ca: Option<&'a str>,
    cert: Option<&'a str>,
    key: Option<&'a str>,
}

impl<'a> Query<'a> {
    fn parse(text: &'a str) -> Result<Self, StoreError> {
        let mut query = Self::default();
        for parameter in text.split('&').filter(|parameter| !parameter.is_empty()) {
            let former_or_unknown = match parameter.split_once('=') {
                Some(("prefix", value)) => query.prefix.replace(value),
                Some(("ca", value)) => query.ca.replace(value),
                Some(("cert", value)) => query.cert.replace(value),
                Some(("key", value)) => query.key.replace(value),
                Some(_) | None => Some(parameter),
            };
            if former_or_unknown.is_some() {
                return Err(wrong("takes prefix, ca, cert and key, each once"));
            }
        }
        Ok(query)
    }

    fn certificate_files(&self) -> Vec<&'a str> {
        [self.ca, self.cert, self.key].into_iter().flatten().collect()
    }

    fn certificates(&self) -> Result<TlsCertificates, StoreError> {
        let client_tls = match (self.cert, self.key) {
            (Some(cert), Some(key)) => Some(ClientTlsConfig {
                client_cert: read(cert)?,
                client_key: read(key)?,
            }),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err(wrong("needs both cert and key, or neither")),
        };
        let root_cert = self.ca.map(read).transpose()?;
        Ok(TlsCertificates {
            client_tls,
            root_cert,
        })
    }
}

fn read(file: &str) -> Result<Vec<u8>, StoreError> {
    std::fs::read(file).map_err(|error| wrong(&format!("names {file}, which cannot be read: {error}")))
}

fn wrong(what: &str) -> StoreError {
    StoreError::Unavailable(format!("the store's URL {what}"))
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
        assert_eq!(prefix("rediss://:p@h:7000?prefix=x"), "x");
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
            "redis://u:hunter2@h?prefix=a&prefix=b",
            "redis://u:hunter2@h?prefix",
            "redis://u:hunter2@h?ca=/ca.pem",
            "rediss://u:hunter2@h?ca=/nowhere/ca.pem",
            "rediss://u:hunter2@h?cert=/dev/null",
            "rediss://u:hunter2@h?cert=/dev/null&key=/dev/null",
            "rediss://u:hunter2@host:port",
        ] {
            let message = refusal(url);
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}
