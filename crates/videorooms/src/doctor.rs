//! `doctor`: what is wrong with a node's surroundings, before it starts or while it runs, each with a remedy. It changes nothing.

use std::fmt;

use anyhow::bail;
use videorooms_admin::NodeList;

use crate::Node;
use crate::commands::TOKEN_TTL;
use crate::commands::asking::{Door, Unanswered};
use crate::commands::reachable;
use crate::config::{Config, Sources};
use crate::explain::print_line;
use crate::operator;

mod identity;
mod network;
mod store;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Ok,
    Warn,
    Fail,
}

/// One line of the doctor's.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    level: Level,
    what: &'static str,
    text: String,
    remedy: Option<String>,
}

impl Finding {
    fn ok(what: &'static str, text: impl Into<String>) -> Self {
        Self {
            level: Level::Ok,
            what,
            text: text.into(),
            remedy: None,
        }
    }

    fn warn(what: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            level: Level::Warn,
            remedy: Some(remedy.into()),
            ..Self::ok(what, text)
        }
    }

    fn fail(what: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            level: Level::Fail,
            ..Self::warn(what, text, remedy)
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Ok => "ok  ",
            Level::Warn => "warn",
            Level::Fail => "fail",
        };
        write!(f, "{level} {}: {}", self.what, self.text)?;
        self.remedy
            .as_ref()
            .map_or(Ok(()), |remedy| write!(f, "; remedy: {remedy}"))
    }
}

/// What runs where this node's operator's door is.
enum Running {
    /// This node, and what it sees.
    Us(NodeList),
    /// This node or another, which does not take a token made of this secret.
    Stranger(String),
    /// Nothing that answers.
    Nothing,
}

/// Looks at everything and prints a line for each thing.
///
/// # Errors
/// When something fails.
pub async fn doctor(sources: &Sources) -> anyhow::Result<()> {
    let findings = examine(sources).await;
    for finding in &findings {
        print_line(&finding.to_string());
    }
    let failed = findings.iter().filter(|finding| finding.level == Level::Fail);
    match failed.count() {
        0 => Ok(()),
        failed => bail!("{failed} of {} checks failed", findings.len()),
    }
}

async fn examine(sources: &Sources) -> Vec<Finding> {
    const WHAT: &str = "configuration";
    let read = sources.read().map_err(anyhow::Error::from);
    let checked = read.and_then(|config| {
        Node::builder(config.clone()).check()?;
        Ok(config)
    });
    let config = match checked {
        Ok(config) => config,
        Err(error) => {
            let remedy = "mend the key; videorooms config explain shows each with where it comes from";
            return vec![Finding::fail(WHAT, format!("{error:#}"), remedy)];
        }
    };
    let running = running(&config).await;
    let mut findings = vec![Finding::ok(WHAT, format!("node {} can be started", config.node))];
    if config.cluster.listen.is_some() && config.cluster.weight == 0 {
        let (text, remedy) = (
            "cluster.weight is 0: the node takes no rooms",
            "set it to 1 or more",
        );
        findings.push(Finding::warn("weight", text, remedy));
    }
    findings.extend(store::examine(&config).await);
    findings.extend(identity::examine(&config, &running, crate::now()));
    findings.extend(network::examine(&config, &running).await);
    findings
}

async fn running(config: &Config) -> Running {
    let url = format!("http://{}", reachable(config.admin.listen));
    let token = operator::token(config, TOKEN_TTL).unwrap_or_default();
    let Ok(door) = Door::at(&url, token) else {
        return Running::Nothing;
    };
    match door.get("/admin/api/nodes").await {
        Ok(list) => match serde_json::from_str::<NodeList>(&list) {
            Ok(list) if list.node.node.as_str() == config.node => Running::Us(list),
            Ok(list) => Running::Stranger(format!("node {} runs there", list.node.node)),
            Err(_) => Running::Stranger("what runs there is no node of this version".to_owned()),
        },
        Err(Unanswered::Refused { status, .. }) if status.as_u16() == 403 => {
            Running::Stranger("the node that runs there has another secret".to_owned())
        }
        Err(Unanswered::Refused { .. }) => Running::Stranger("what runs there is no node".to_owned()),
        Err(Unanswered::Away { .. }) => Running::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_it_is_what_is_wrong_and_what_to_do() {
        let fail = Finding::fail("store", "away", "start it");
        assert_eq!(fail.to_string(), "fail store: away; remedy: start it");
        assert_eq!(Finding::ok("store", "here").to_string(), "ok   store: here");
    }
}
