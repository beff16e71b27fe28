//! The program: parse, run, exit code.

use std::process::ExitCode;

use anyhow::bail;
use clap::Parser;
use videorooms::cli::{Cli, ClusterAction, Command, ConfigAction, NodeAction, OperatorAction, RoomAction};
use videorooms::config::{Config, Sources};
use videorooms::identities::Identities;
use videorooms::{Node, Telemetry, commands, doctor, explain, operator, shutdown};

/// A burst of joins allocates from every core at once, where the system's allocator makes one wait for the other.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Serve(args) => serve(Sources::from(args).read()?),
        Command::Config {
            action: ConfigAction::Check(args),
        } => {
            Node::builder(Sources::from(args).read()?).check()?;
            explain::print_line("the configuration can be used");
            Ok(())
        }
        Command::Config {
            action: ConfigAction::Explain(args),
        } => explain::explain(&Sources::from(args)),
        Command::Cluster { action, dir, days } => cluster(action, Identities::in_folder(dir), days),
        Command::Doctor(args) => block_on(doctor::doctor(&Sources::from(args))),
        Command::Node {
            action: NodeAction::List { json, ask },
        } => block_on(commands::node_list(ask, json)),
        Command::Node {
            action:
                NodeAction::Drain {
                    id,
                    undo,
                    deadline,
                    ask,
                },
        } => block_on(commands::node_drain(ask, id, undo, deadline)),
        Command::Room {
            action: RoomAction::Explain { id, json, ask },
        } => block_on(commands::room_explain(ask, id, json)),
        Command::Operator {
            action: OperatorAction::Token { ttl, source },
        } => {
            let token = operator::token(&Sources::from(source).read()?, ttl)?;
            explain::print_line(&token);
            Ok(())
        }
    }
}

fn cluster(action: ClusterAction, files: Identities, days: u32) -> anyhow::Result<()> {
    let now = videorooms::now();
    let (folders, said) = match action {
        ClusterAction::Init { nodes, name } => (
            files.init(&name, &nodes, days, now)?,
            "copy to its node as cluster.identity, and keep authority/ off all of them:",
        ),
        ClusterAction::AddNode { node } => (
            vec![files.add(&node, days, now)?],
            "copy to its node as cluster.identity:",
        ),
        ClusterAction::Renew { node } => (
            vec![files.renew(&node, days, now)?],
            "copy node.pem to its node and send it SIGHUP, or restart it:",
        ),
        ClusterAction::Revoke { node } => (
            files.revoke(&node, now)?,
            "copy revoked.pem to each node and send it SIGHUP, or restart it:",
        ),
    };
    explain::print_line(said);
    folders
        .iter()
        .for_each(|folder| explain::print_line(&format!("  {}", folder.display())));
    Ok(())
}

/// For what asks and waits, and does no work.
fn block_on(asking: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(asking)
}

fn serve(config: Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let telemetry = Telemetry::install(&config)?;
        let mut node = Node::builder(config).telemetry(telemetry).start().await?;
        explain::print_line(&format!("VideoRooms is ready: http://{}", node.address()));
        explain::print_line(&format!("Operators: http://{}", node.admin_address()));
        tokio::select! {
            () = shutdown::requested() => {}
            () = node.ended() => bail!("the root of the supervision tree has ended; start the node again"),
        }
        node.stop().await;
        Ok(())
    })
}

#[expect(
    clippy::print_stderr,
    reason = "the one line that says why the program did not run"
)]
fn print_error(error: &anyhow::Error) {
    eprintln!("videorooms: {error:#}");
}
