//! The program: parse, run, exit code.

use std::process::ExitCode;

use clap::Parser;
use videorooms::cli::{Cli, Command, ConfigAction};
use videorooms::config::{Config, Sources};
use videorooms::{Node, Telemetry, explain, shutdown};

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
            Sources::from(args).read()?;
            explain::print_line("the configuration can be used");
            Ok(())
        }
        Command::Config {
            action: ConfigAction::Explain(args),
        } => explain::explain(&Sources::from(args)),
    }
}

fn serve(config: Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let telemetry = Telemetry::install(&config)?;
        let node = Node::builder(config).telemetry(telemetry).start().await?;
        explain::print_line(&format!("VideoRooms is ready: http://{}", node.address()));
        explain::print_line(&format!("Operators: http://{}", node.admin_address()));
        shutdown::requested().await;
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
