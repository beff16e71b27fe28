//! A node as its user starts it: the real binary, on ports that the kernel chooses, with a data folder of its own.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::{DEADLINE, LOOK_AGAIN, create_room, get};

/// A running node. Killed when dropped.
pub struct NodeProcess {
    child: Child,
    /// `127.0.0.1:<port>` of the public door.
    pub address: String,
    /// `127.0.0.1:<port>` of the operator's door.
    pub admin: String,
    data: TempDir,
}

impl NodeProcess {
    /// Starts a node for development on fresh data.
    pub async fn start() -> Self {
        Self::start_on(TempDir::new().expect("a temporary folder")).await
    }

    /// Starts a node for development on data that an earlier one left.
    pub async fn start_on(data: TempDir) -> Self {
        Self::start_with::<&str>(data, &[]).await
    }

    /// As [`Self::start_on`], with more variables.
    pub async fn start_with<T: AsRef<OsStr>>(data: TempDir, environment: &[(T, T)]) -> Self {
        let mut command = command(&["serve", "--dev"], environment);
        Self::spawn(command.args(ANY_PORTS), data).await
    }

    /// Starts a node as an operator does, without `--dev`, with more variables.
    pub async fn start_closed(environment: &[(&str, &str)]) -> Self {
        let data = TempDir::new().expect("a temporary folder");
        Self::spawn(command(&["serve"], environment).args(ANY_PORTS), data).await
    }

    /// Starts a node for development that may not make any file larger than so many KiB: its disk is full.
    pub async fn start_with_disk_of(kib: u32, environment: &[(&str, &str)]) -> Self {
        let data = TempDir::new().expect("a temporary folder");
        let script = format!("trap '' XFSZ; ulimit -f {kib}; exec \"$0\" \"$@\"");
        let mut shell = Command::new("bash");
        shell.args(["-c", &script]).arg(binary()).args(["serve", "--dev"]);
        shell.envs(environment.iter().copied());
        Self::spawn(shell.args(ANY_PORTS), data).await
    }

    async fn spawn(command: &mut Command, data: TempDir) -> Self {
        let mut child = command
            .arg("--data")
            .arg(data.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary was built by `make build`");
        let stdout = child.stdout.take().expect("it is piped");
        let mut lines = BufReader::new(stdout).lines();
        let (mut address, mut admin) = (None, None);
        while address.is_none() || admin.is_none() {
            let line = timeout(DEADLINE, lines.next_line())
                .await
                .expect("a node is ready in time");
            let line = line
                .expect("its output is text")
                .expect("it lives until it is ready");
            if let Some(found) = line.strip_prefix("VideoRooms is ready: http://") {
                address = Some(found.to_owned());
            }
            if let Some(found) = line.strip_prefix("Operators: http://") {
                admin = Some(found.to_owned());
            }
        }
        drop(tokio::spawn(async move {
            while let Ok(Some(_)) = lines.next_line().await {}
        }));
        let (address, admin) = (address.expect("seen"), admin.expect("seen"));
        Self {
            child,
            address,
            admin,
            data,
        }
    }

    /// A URL of the public door.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A URL of the operator's door.
    #[must_use]
    pub fn admin_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.admin)
    }

    /// Makes a room; answers its id and the host's token.
    pub async fn create_room(&self) -> (String, String) {
        create_room(&self.address).await
    }

    /// Where it keeps its data.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// SIGSTOP: it falls silent.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Ends a [`Self::pause`].
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// SIGHUP: it reads its certificates again.
    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process has a number"), signal).expect("it runs");
    }

    /// Waits until the log of a node for development has this message.
    pub async fn until_logged(&self, message: &str) {
        let url = self.url("/debug/api/logs");
        let waiting = async {
            loop {
                let page: Value = get(&url).await.json().await.expect("the log is JSON");
                let records = page["records"].as_array().into_iter().flatten();
                if records.into_iter().any(|record| record["message"] == message) {
                    return;
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        let waited = timeout(DEADLINE, waiting).await;
        waited.unwrap_or_else(|_| panic!("{message:?} was never logged"));
    }

    /// Waits until it ends by itself; answers the exit code.
    pub async fn ended(mut self) -> (Option<i32>, TempDir) {
        let status = timeout(DEADLINE, self.child.wait()).await;
        let status = status.expect("it ends in time").expect("it was running");
        (status.code(), self.data)
    }

    /// `kill -9`, and no waiting.
    pub fn kill_now(&self) {
        self.signal(Signal::KILL);
    }

    /// `kill -9`; gives the data back for a next boot.
    pub async fn kill(mut self) -> TempDir {
        self.child.kill().await.expect("it was running");
        self.data
    }

    /// SIGTERM; answers the exit code once it has drained.
    pub async fn terminate(self) -> (Option<i32>, TempDir) {
        self.signal(Signal::TERM);
        self.ended().await
    }
}

/// What a run of the program that ends by itself left.
#[derive(Debug)]
pub struct Run {
    /// Its exit code.
    pub code: Option<i32>,
    /// What it said to who asked.
    pub stdout: String,
    /// What it said of itself.
    pub stderr: String,
}

impl Run {
    /// The output of a run that must have gone well.
    #[must_use]
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }

    /// The one line of a run that must have failed with one line.
    #[must_use]
    pub fn failure(self) -> String {
        assert_eq!(self.code, Some(1), "{self:?}");
        assert_eq!(
            (self.stderr.lines().count(), self.stdout.as_str()),
            (1, ""),
            "{self:?}"
        );
        self.stderr
    }
}

/// Runs the program to its end.
pub async fn run(args: &[&str], environment: &[(&str, &str)]) -> Run {
    let mut command = command(args, environment);
    let output = timeout(DEADLINE, command.kill_on_drop(true).output())
        .await
        .expect("it ends in time")
        .expect("the binary was built by `make build`");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("its output is text");
    Run {
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

const ANY_PORTS: [&str; 6] = [
    "--listen",
    "127.0.0.1:0",
    "--admin-listen",
    "127.0.0.1:0",
    "--media-listen",
    "127.0.0.1:0",
];

/// The program, without what the environment of the tests would tell it.
fn command<T: AsRef<OsStr>>(args: &[&str], environment: &[(T, T)]) -> Command {
    let mut command = Command::new(binary());
    for name in ["SECRET_KEY_BASE", "SECRET_KEY_BASE_PREVIOUS"] {
        command.env_remove(name);
    }
    command
        .args(args)
        .envs(environment.iter().map(|(name, value)| (name, value)));
    command
}

/// What `VIDEOROOMS_BINARY` names, or the binary beside the test's own: `target/<profile>/videorooms`.
#[must_use]
fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("VIDEOROOMS_BINARY") {
        return named.into();
    }
    let test = std::env::current_exe().expect("the test knows its file");
    let profile = test
        .parent()
        .and_then(Path::parent)
        .expect("target/<profile>/deps/<test>");
    profile.join("videorooms")
}
