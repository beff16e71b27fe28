//! A node as its user starts it: the real binary, on ports that the kernel chooses, with a data folder of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::{DEADLINE, create_room};

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
    /// Starts a node on fresh data.
    pub async fn start() -> Self {
        Self::start_on(TempDir::new().expect("a temporary folder")).await
    }

    /// Starts a node on data that an earlier one left.
    pub async fn start_on(data: TempDir) -> Self {
        let mut child = Command::new(binary())
            .args([
                "serve",
                "--dev",
                "--listen",
                "127.0.0.1:0",
                "--admin-listen",
                "127.0.0.1:0",
            ])
            .args(["--media-listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary was built by `cargo build`");
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

    /// `kill -9`; gives the data back for a next boot.
    pub async fn kill(mut self) -> TempDir {
        self.child.kill().await.expect("it was running");
        self.data
    }

    /// SIGTERM; answers the exit code once it has drained.
    pub async fn terminate(mut self) -> (Option<i32>, TempDir) {
        let pid = self.child.id().expect("it was running").to_string();
        let sent = Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .await
            .expect("kill is there");
        assert!(sent.success());
        let status = timeout(DEADLINE, self.child.wait())
            .await
            .expect("it stops in time")
            .expect("it was running");
        (status.code(), self.data)
    }
}

/// The binary beside the test's own: `target/<profile>/videorooms`.
#[must_use]
pub(crate) fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("the test knows its file");
    let profile = test
        .parent()
        .and_then(Path::parent)
        .expect("target/<profile>/deps/<test>");
    profile.join("videorooms")
}
