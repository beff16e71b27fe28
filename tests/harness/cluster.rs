//! A cluster of real nodes with a real Redis and real certificates, on ports that the kernel chooses.

use std::collections::BTreeMap;

use tempfile::TempDir;
use tokio::time::timeout;

use crate::{DEADLINE, LOOK_AGAIN, NodeProcess, RedisServer, Run, get, run};

/// Nodes that share a Redis. All are killed when it is dropped.
pub struct ClusterProcesses {
    /// Where they keep rooms and who owns them.
    pub redis: RedisServer,
    identities: TempDir,
    nodes: BTreeMap<String, NodeProcess>,
}

impl ClusterProcesses {
    /// Starts nodes of these names, one after the other.
    pub async fn start(names: &[&str]) -> Self {
        let mut cluster = Self::prepare(names).await;
        for name in names {
            cluster.start_node(name).await;
        }
        cluster
    }

    /// Starts a Redis and makes identities for nodes of these names.
    pub async fn prepare(names: &[&str]) -> Self {
        let identities = TempDir::new().expect("a temporary folder");
        let dir = identities.path().display().to_string();
        let mut init = vec!["cluster", "init", "--dir", &dir];
        init.extend(names);
        let _ = run(&init, &[]).await.ok();
        Self {
            redis: RedisServer::start(),
            identities,
            nodes: BTreeMap::new(),
        }
    }

    /// Makes an identity for one more node, as `cluster add-node` does.
    pub async fn add_identity(&self, name: &str) {
        let dir = self.identities.path().display().to_string();
        let _ = run(&["cluster", "add-node", "--dir", &dir, name], &[]).await.ok();
    }

    /// Starts a node that has an identity.
    pub async fn start_node(&mut self, name: &str) {
        let node = self.spawn(name).await;
        self.nodes.insert(name.to_owned(), node);
    }

    /// Starts a node that has an identity, with more variables.
    pub async fn start_node_with(&mut self, name: &str, more: &[(&str, &str)]) {
        let data = TempDir::new().expect("a temporary folder");
        let mut environment = self.environment(name);
        let more = more
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        environment.extend(more);
        let node = NodeProcess::start_with(data, &environment).await;
        self.nodes.insert(name.to_owned(), node);
    }

    /// Starts a process of this name beside one that may run already.
    pub async fn spawn(&self, name: &str) -> NodeProcess {
        let data = TempDir::new().expect("a temporary folder");
        NodeProcess::start_with(data, &self.environment(name)).await
    }

    /// Runs a command as an operator does on the machine of a node: with its configuration, and its operator's door as `--url`.
    pub async fn operate(&self, name: &str, args: &[&str]) -> Run {
        let url = self.node(name).admin_url("");
        let args: Vec<_> = args.iter().copied().chain(["--url", &url]).collect();
        self.command(name, &args).await
    }

    /// Runs a command with the configuration of a node.
    pub async fn command(&self, name: &str, args: &[&str]) -> Run {
        self.command_with(name, args, &[]).await
    }

    /// The same with more variables.
    pub async fn command_with(&self, name: &str, args: &[&str], more: &[(&str, &str)]) -> Run {
        let environment = self.environment(name);
        let own = environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let environment: Vec<_> = own.chain(more.iter().copied()).collect();
        run(args, &environment).await
    }

    /// Runs `cluster …` on the identities of this cluster.
    pub async fn identities(&self, args: &[&str]) {
        let dir = self.identities.path().display().to_string();
        let args: Vec<_> = ["cluster"]
            .iter()
            .chain(args)
            .chain(&["--dir", &dir])
            .copied()
            .collect();
        let _ = run(&args, &[]).await.ok();
    }

    fn environment(&self, name: &str) -> Vec<(String, String)> {
        let identity = self.identities.path().join(name).display().to_string();
        [
            ("VIDEOROOMS__NODE", name.to_owned()),
            ("VIDEOROOMS__STORE__URL", self.redis.url()),
            ("VIDEOROOMS__CLUSTER__LISTEN", "127.0.0.1:0".to_owned()),
            ("VIDEOROOMS__CLUSTER__IDENTITY", identity),
            // What they do is tried, not how patient they are.
            ("VIDEOROOMS__LIMITS__HTTP_PER_SECOND", "100000".to_owned()),
            ("VIDEOROOMS__LIMITS__PUSHES_PER_SECOND", "100000".to_owned()),
            ("VIDEOROOMS__LIMITS__ROOM_PUSHES_PER_SECOND", "100000".to_owned()),
            ("VIDEOROOMS__LIMITS__CHAT_PER_SECOND", "100000".to_owned()),
            ("VIDEOROOMS__LIMITS__FRAMES_PER_SECOND", "100000".to_owned()),
            ("VIDEOROOMS__LIMITS__SOCKETS_PER_SECOND", "100000".to_owned()),
            ("VIDEOROOMS__LIMITS__JOINS_PER_SECOND", "100000".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// A running node.
    #[must_use]
    pub fn node(&self, name: &str) -> &NodeProcess {
        &self.nodes[name]
    }

    /// Takes a node out, to kill or stop it.
    pub fn take(&mut self, name: &str) -> NodeProcess {
        self.nodes.remove(name).expect("it runs")
    }

    /// Waits until a figure of a node is as wanted.
    pub async fn until_figure(&self, name: &str, figure: &str, wanted: impl Fn(f64) -> bool) {
        let url = self.node(name).admin_url("/metrics");
        let wait = async {
            loop {
                let text = get(&url).await.text().await.expect("figures are text");
                let value = text
                    .lines()
                    .find_map(|line| line.strip_prefix(figure)?.trim().parse().ok());
                if value.is_some_and(&wanted) {
                    return;
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        let waited = timeout(DEADLINE, wait).await;
        waited.unwrap_or_else(|_| panic!("{figure} of {name} never was as wanted"));
    }

    /// Waits until every node is linked with every other.
    pub async fn until_linked(&self) {
        let others = (self.nodes.len() - 1) as f64;
        for name in self.nodes.keys() {
            self.until_figure(name, "videorooms_cluster_links_up ", |up| up == others)
                .await;
        }
    }

    /// Waits until every node is linked with every other and owns a part of the shards.
    pub async fn until_whole(&self) {
        self.until_linked().await;
        for name in self.nodes.keys() {
            self.until_figure(name, "videorooms_cluster_shards_held ", |held| held > 0.0)
                .await;
        }
    }

    /// Makes rooms until one is owned by this node; answers its id and the host's token.
    pub async fn room_on(&self, name: &str) -> (String, String) {
        loop {
            let before = self.live_rooms(name).await;
            let (room, token) = self.node(name).create_room().await;
            // Whoever looks at it has it in its owner's memory.
            get(&self.node(name).url(&format!("/api/rooms/{room}"))).await;
            if self.live_rooms(name).await > before {
                return (room, token);
            }
        }
    }

    async fn live_rooms(&self, name: &str) -> u64 {
        let status = get(&self.node(name).url("/api/status")).await;
        let status: serde_json::Value = status.json().await.expect("status is JSON");
        status["rooms"].as_u64().expect("a number")
    }
}
