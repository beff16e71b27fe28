//! The command line. It says where the configuration is and overrides a few keys; everything else is configuration.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use videorooms_domain::{NodeId, RoomId};

use crate::config::Sources;

/// Video rooms that survive their servers.
#[derive(Debug, Parser)]
#[command(name = "videorooms", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs a node until it is told to stop.
    Serve(SourceArgs),
    /// Looks at the configuration.
    Config {
        /// How.
        #[command(subcommand)]
        action: ConfigAction,
    },
    /// Makes what the nodes of a cluster know each other by.
    Cluster {
        /// What.
        #[command(subcommand)]
        action: ClusterAction,
        /// Where the files are; the part of it named after a node goes to that node, and to no other.
        #[arg(long, default_value = "identities", global = true)]
        dir: PathBuf,
        /// How long certificates of nodes are valid.
        #[arg(long, default_value_t = 825, global = true)]
        days: u32,
    },
    /// Looks at the nodes of a running cluster, and drains them.
    Node {
        /// What.
        #[command(subcommand)]
        action: NodeAction,
    },
    /// Looks at a room of a running node.
    Room {
        /// How.
        #[command(subcommand)]
        action: RoomAction,
    },
    /// Says what is wrong with this node's surroundings, and what to do about it.
    Doctor(SourceArgs),
    /// What an operator needs.
    Operator {
        /// What.
        #[command(subcommand)]
        action: OperatorAction,
    },
}

/// How to look at the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Says whether it can be used.
    Check(SourceArgs),
    /// Prints every key, its value and where that came from.
    Explain(SourceArgs),
}

/// What to make for a cluster.
#[derive(Debug, Subcommand)]
pub enum ClusterAction {
    /// An authority, a secret, and an identity for each of these nodes.
    Init {
        /// Names of the nodes.
        #[arg(required = true)]
        nodes: Vec<NodeId>,
        /// The cluster's name, as cluster.name has it.
        #[arg(long, default_value = "videorooms")]
        name: String,
    },
    /// The identity of one more node.
    AddNode {
        /// Its name.
        node: NodeId,
    },
    /// A node's certificate, valid from now on.
    Renew {
        /// Its name.
        node: NodeId,
    },
    /// Takes a node's certificate out of use.
    Revoke {
        /// Its name.
        node: NodeId,
    },
}

/// What to do with nodes.
#[derive(Debug, Subcommand)]
pub enum NodeAction {
    /// All nodes, as the one that is asked sees them.
    List {
        /// The answer as the node gives it.
        #[arg(long)]
        json: bool,
        /// Whom to ask.
        #[command(flatten)]
        ask: AskArgs,
    },
    /// Has a node give its rooms to the others, and waits until it has none. It keeps its sockets.
    Drain {
        /// Its name.
        id: NodeId,
        /// Have it take rooms again.
        #[arg(long)]
        undo: bool,
        /// How long to wait: 90s, 30m, 12h; at most 12h.
        #[arg(long, default_value = "60s", value_parser = wait)]
        deadline: Duration,
        /// Whom to ask; any node will do.
        #[command(flatten)]
        ask: AskArgs,
    },
}

/// What to do with rooms.
#[derive(Debug, Subcommand)]
pub enum RoomAction {
    /// Says why a room is where it is.
    Explain {
        /// Its id.
        id: RoomId,
        /// The answer as the node gives it.
        #[arg(long)]
        json: bool,
        /// Whom to ask; any node will do.
        #[command(flatten)]
        ask: AskArgs,
    },
}

/// Which node to ask, and by which right.
#[derive(Debug, Args)]
pub struct AskArgs {
    /// Operator's door of a node; the configuration's admin.listen if it is not given.
    #[arg(long)]
    pub url: Option<String>,
    /// Token of `operator token`; made with the configuration's secret if it is not given.
    #[arg(long, env = "VIDEOROOMS_OPERATOR_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// The configuration of a node of the cluster.
    #[command(flatten)]
    pub source: SourceArgs,
}

/// What an operator needs.
#[derive(Debug, Subcommand)]
pub enum OperatorAction {
    /// Prints a token that opens this node's log and the operator's door for a while.
    Token {
        /// How long it lives: 90s, 30m, 12h; at most 24h.
        #[arg(long, default_value = "1h", value_parser = duration)]
        ttl: Duration,
        /// The node's own configuration.
        #[command(flatten)]
        source: SourceArgs,
    },
}

/// Where the configuration comes from.
#[derive(Debug, Args)]
pub struct SourceArgs {
    /// File to read, such as cluster.toml.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Name of this node; its `[nodes.<id>]` part of the file is read.
    #[arg(long)]
    pub node: Option<String>,
    /// Development on loopback: a secret is made up, logs are open.
    #[arg(long)]
    pub dev: bool,
    /// Folder for everything that is kept on disk.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Address of the public door.
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// Address of the operator's door.
    #[arg(long)]
    pub admin_listen: Option<SocketAddr>,
    /// UDP address of the embedded media server.
    #[arg(long)]
    pub media_listen: Option<SocketAddr>,
}

/// A number of seconds, minutes or hours.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no time such as 90s, 30m or 12h");
    let (number, seconds) = match text.char_indices().next_back() {
        Some((end, 's')) => (&text[..end], 1),
        Some((end, 'm')) => (&text[..end], 60),
        Some((end, 'h')) => (&text[..end], 3600),
        Some(_) | None => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number
        .checked_mul(seconds)
        .map(Duration::from_secs)
        .ok_or_else(wrong)
}

/// How long a command may wait: a token lives a day.
fn wait(text: &str) -> Result<Duration, String> {
    let wait = duration(text)?;
    if wait > Duration::from_secs(12 * 60 * 60) {
        return Err("at most 12h".to_owned());
    }
    Ok(wait)
}

/// The environment; what is no text is read as far as it is.
fn environment() -> Vec<(String, String)> {
    let text = |part: std::ffi::OsString| part.to_string_lossy().into_owned();
    std::env::vars_os()
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

impl From<SourceArgs> for Sources {
    fn from(args: SourceArgs) -> Self {
        let text = |value: Option<SocketAddr>| value.map(|address| address.to_string());
        let overrides = [
            ("dev", args.dev.then(|| "true".to_owned())),
            ("data", args.data.map(|path| path.display().to_string())),
            ("http.listen", text(args.listen)),
            ("admin.listen", text(args.admin_listen)),
            ("sfu.listen", text(args.media_listen)),
        ];
        let overrides = overrides
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect();
        Self {
            file: args.config,
            node: args.node,
            environment: environment(),
            overrides,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_unit_and_not_without() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("30m"), Ok(Duration::from_secs(1800)));
        assert_eq!(duration("12h"), Ok(Duration::from_secs(43_200)));
        for wrong in ["", "1", "h", "-1h", "1d", "1ч", "99999999999999999999h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
