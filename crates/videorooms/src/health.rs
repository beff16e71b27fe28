//! How the services of a node are: the same facts for `/api/status`, where people look, and for `/readyz`, where machines do.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;
use videorooms_admin::{Check, Readiness};
use videorooms_debug::DebugLogHandle;
use videorooms_gateway::{Door, ServiceStatus, StatusSource};
use videorooms_rooms::{MediaHost, Rooms};

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
        [
            ("gateway", gateway),
            ("rooms", rooms),
            ("store", store),
            ("media", media),
            ("debug", log),
        ]
        .map(service)
        .into()
    }
}

impl Services {
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
        [
            ("gateway", gateway),
            ("rooms", rooms),
            ("store", store),
            ("media", media),
        ]
        .map(check)
        .into()
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
