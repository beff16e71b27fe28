//! The command line. It says where the configuration is and overrides a few keys; everything else is configuration.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

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
}

/// How to look at the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Says whether it can be used.
    Check(SourceArgs),
    /// Prints every key, its value and where that came from.
    Explain(SourceArgs),
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
            overrides,
        }
    }
}
