//! How the services of a node are: the same facts for `/api/status`, where people look, and for `/readyz`, where machines do.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;
use videorooms_admin::{Check, Readiness};
use videorooms_cluster::lease::Standing as Lease;
use videorooms_debug::DebugLogHandle;
use videorooms_gateway::{Door, ServiceStatus, StatusSource};
use videorooms_rooms::{MediaHost, Rooms};

use crate::operations::Together;
use crate::standing::Standing;

/// Below the two seconds that a probe waits.
const DEADLINE: Duration = Duration::from_millis(1500);

/// Asks the services of one node.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) rooms: Rooms,
    pub(crate) media: MediaHost,
    pub(crate) log: DebugLogHandle,
    pub(crate) standing: Standing,
    /// None: the node is alone.
    pub(crate) together: Option<Together>,
}

#[async_trait]
impl StatusSource for Services {
    async fn services(&self) -> Vec<ServiceStatus> {
        let gateway = self.standing.of("Gateway").map(|()| String::new());
        let rooms = self
            .standing
            .of("Rooms")
            .map(|()| format!("{} in memory", self.rooms.live_rooms()));
        let (store, media, log) = tokio::join!(self.store(), self.media(), self.log());
        let mut services = vec![
            ("gateway", gateway),
            ("rooms", rooms),
            ("store", store),
            ("media", media),
            ("debug", log),
        ];
        services.extend(self.cluster().map(|cluster| ("cluster", cluster)));
        services.into_iter().map(service).collect()
    }
}

impl Services {
    /// None for a node that is alone.
    fn cluster(&self) -> Option<Result<String, String>> {
        let Together {
            control, neighbours, ..
        } = self.together.as_ref()?;
        let cluster = &control.cluster;
        let (up, others) = neighbours.linked(&cluster.view(), cluster.me());
        let draining = if cluster.is_draining() { ", draining" } else { "" };
        let (name, links) = (
            cluster.standing().as_str(),
            format!("links up: {up} of {others}{draining}"),
        );
        let why = match cluster.standing() {
            Lease::Live => return Some(Ok(format!("{name}; {links}"))),
            Lease::Suspended => "the lease is past, the store was not reached in time: nothing is said",
            Lease::Frozen => {
                "the store is away for a majority of the nodes: only what is not durable goes on"
            }
            Lease::Fenced => "there is no lease: clients are sent away, rooms are other nodes'",
        };
        Some(Err(format!("{name}: {why}; {links}")))
    }

    async fn store(&self) -> Result<String, String> {
        within(async { self.rooms.store_health().await.map_err(|error| error.to_string()) })
            .await
            .map(|()| String::new())
    }

    async fn media(&self) -> Result<String, String> {
        let health = within(async { self.media.health().await.map_err(|error| error.to_string()) }).await?;
        Ok(format!(
            "{} rooms, {} peers, {}",
            health.rooms, health.peers, health.detail
        ))
    }

    async fn log(&self) -> Result<String, String> {
        let stats = within(async { self.log.stats().await.map_err(|error| error.to_string()) }).await?;
        Ok(format!("{} records, {} dropped", stats.records, stats.dropped))
    }
}

async fn within<T>(asking: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    timeout(DEADLINE, asking)
        .await
        .unwrap_or_else(|_| Err("no answer in time".to_owned()))
}

fn service((name, health): (&'static str, Result<String, String>)) -> ServiceStatus {
    match health {
        Ok(detail) => ServiceStatus {
            name,
            status: "ok",
            detail,
        },
        Err(detail) => ServiceStatus {
            name,
            status: "down",
            detail,
        },
    }
}

/// What readiness hangs on. A node without its debug log works on.
pub(crate) struct Ready {
    pub(crate) services: Services,
    pub(crate) door: Door,
}

#[async_trait]
impl Readiness for Ready {
    async fn checks(&self) -> Vec<Check> {
        let draining = self.door.is_draining();
        let gateway = if draining {
            Err("the node is leaving".to_owned())
        } else {
            self.services.standing.of("Gateway").map(|()| String::new())
        };
        let rooms = self.services.standing.of("Rooms").map(|()| String::new());
        let (store, media) = tokio::join!(self.services.store(), self.services.media());
        let mut checks = vec![
            ("gateway", gateway),
            ("rooms", rooms),
            ("store", store),
            ("media", media),
        ];
        let cluster = self.services.cluster();
        checks.extend(cluster.map(|cluster| ("cluster", cluster)));
        checks.into_iter().map(check).collect()
    }
}

fn check((name, health): (&str, Result<String, String>)) -> Check {
    let ok = health.is_ok();
    Check {
        check: name.to_owned(),
        ok,
        detail: health.unwrap_or_else(|why| why),
    }
}
