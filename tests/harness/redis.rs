//! A real Redis on a socket in a folder of its own: no port, no password, nothing left behind.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::DEADLINE;

/// A running Redis. Killed when dropped.
pub struct RedisServer {
    folder: tempfile::TempDir,
    settings: Vec<String>,
    process: Process,
}

/// What a Redis had on disk at some time.
pub struct RedisData(tempfile::TempDir);

/// Ends with its owner.
struct Process(Child);

impl RedisServer {
    /// One in which rooms are safe.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// One with these settings beside the safe ones.
    #[must_use]
    pub fn with(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let settings: Vec<_> = settings.iter().map(|each| (*each).to_owned()).collect();
        let process = Process::start(&folder, &settings);
        Self {
            folder,
            settings,
            process,
        }
    }

    /// For `store.url`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis+unix://{}", socket(&self.folder).display())
    }

    /// SIGKILL: nothing is saved that was not.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// On the same data, after [`Self::kill`].
    pub fn restart(&mut self) {
        self.process = Process::start(&self.folder, &self.settings);
    }

    /// A copy of all that it has on disk now.
    #[must_use]
    pub fn copy(&self) -> RedisData {
        let copy = tempfile::tempdir().expect("a temporary folder");
        copy_files(&data(&self.folder), copy.path());
        RedisData(copy)
    }

    /// SIGKILL, and on with this data: what came after the copy is lost.
    pub fn restart_on(&mut self, data: &RedisData) {
        self.restart_empty_but(|folder| copy_files(data.0.path(), folder));
    }

    /// SIGKILL, and on without any data.
    pub fn restart_empty(&mut self) {
        self.restart_empty_but(|_| ());
    }

    fn restart_empty_but(&mut self, fill: impl FnOnce(&Path)) {
        self.kill();
        let data = data(&self.folder);
        std::fs::remove_dir_all(&data).expect("it had data");
        std::fs::create_dir(&data).expect("its folder is ours");
        fill(&data);
        self.restart();
    }

    /// SIGSTOP: it falls silent.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Ends a [`Self::pause`].
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// Runs a command, as an operator would.
    pub fn run(&self, command: &[&str]) {
        let client = redis::Client::open(self.url()).expect("a URL");
        let mut connection = client.get_connection().expect("it runs");
        let mut asking = redis::cmd(command[0]);
        for argument in &command[1..] {
            asking.arg(*argument);
        }
        asking.exec(&mut connection).expect("it does as it is told");
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process.0), signal).expect("it runs");
    }
}

impl Process {
    fn start(folder: &tempfile::TempDir, settings: &[String]) -> Self {
        // A socket that a killed server left behind answers nobody.
        let _ = std::fs::remove_file(socket(folder));
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", "always"])
            .arg("--unixsocket")
            .arg(socket(folder))
            .arg("--dir")
            .arg(folder.path())
            .args(settings)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is on the PATH: `make test-setup` installs it");
        let process = Self(child);
        let url = format!("redis+unix://{}", socket(folder).display());
        let client = redis::Client::open(url).expect("a URL");
        let start = Instant::now();
        loop {
            let answers = client
                .get_connection()
                .and_then(|mut connection| redis::cmd("PING").exec(&mut connection));
            if answers.is_ok() {
                return process;
            }
            assert!(start.elapsed() < DEADLINE, "Redis does not start: {answers:?}");
            pause();
        }
    }

    fn kill(&mut self) {
        // It may be dead already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Where Redis 7 keeps its append-only file.
fn data(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("appendonlydir")
}

fn copy_files(from: &Path, to: &Path) {
    for file in std::fs::read_dir(from).expect("a folder") {
        let file = file.expect("a file").path();
        let name = file.file_name().expect("a file has a name");
        std::fs::copy(&file, to.join(name)).expect("a copy");
    }
}

fn socket(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("redis.sock")
}

#[expect(
    clippy::disallowed_methods,
    reason = "a condition with a deadline is looked at again after it"
)]
fn pause() {
    std::thread::sleep(Duration::from_millis(5));
}
