//! A public door in process: rooms on a memory store with faults, a media server that does nothing, a debug log, and the gateway under a
//! supervisor that starts it again.

mod client;
mod counters;
mod keeper;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ractor::Actor;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use videorooms_debug::{DebugLog, DebugLogArguments, DebugLogHandle, Limits};
use videorooms_domain::{Epoch, NodeIncarnation};
use videorooms_gateway::auth::Keys;
use videorooms_gateway::{
    Door, DoorParts, GatewayArguments, GatewayConfig, Hub, Rate, ServiceStatus, StatusSource,
};
use videorooms_rooms::{MediaHost, Ownership, Rooms, RoomsConfig, RoomsSupervisor};
use videorooms_sfu::fake::FakeProvider;
use videorooms_store::{FaultStore, Faults, MemoryStore, RoomStore as _};

pub(crate) use client::{Member, Socket};
pub(crate) use counters::Counters;
use keeper::Keeper;

/// No condition of these tests takes longer on any machine.
const DEADLINE: Duration = Duration::from_secs(20);
/// From which every house derives its keys.
pub(crate) const BASE: &[u8] = b"a base of at least thirty-two bytes";

/// Waits for a condition.
pub(crate) async fn within<T>(what: &str, wait: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, wait).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

/// Enough for any test that is not about rates.
pub(crate) fn plenty() -> Rate {
    Rate {
        per_second: 1e6,
        burst: 1e6,
    }
}

/// So many, and then none for the length of a test.
pub(crate) fn only(burst: f64) -> Rate {
    Rate {
        per_second: 0.01,
        burst,
    }
}

/// A node's public door.
pub(crate) struct House {
    pub(crate) address: SocketAddr,
    pub(crate) door: Door,
    pub(crate) rooms: Rooms,
    pub(crate) faults: Faults,
    pub(crate) media: Arc<FakeProvider>,
    /// The same as the door's.
    pub(crate) keys: Keys,
    pub(crate) gateway: Keeper,
    http: reqwest::Client,
}

/// A room as its creator knows it.
pub(crate) struct Room {
    pub(crate) id: String,
    pub(crate) host: String,
    pub(crate) token: String,
}

impl Room {
    pub(crate) fn topic(&self) -> String {
        format!("room:{}", self.id)
    }
}

struct AllIsWell;

#[async_trait]
impl StatusSource for AllIsWell {
    async fn services(&self) -> Vec<ServiceStatus> {
        ["gateway", "media"]
            .map(|name| ServiceStatus {
                name,
                status: "ok",
                detail: "fake".to_owned(),
            })
            .into()
    }
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::with(|_| {}).await
    }

    /// A house whose rates nobody reaches, changed by the test.
    pub(crate) async fn with(change: impl FnOnce(&mut GatewayConfig)) -> Self {
        let mut config = GatewayConfig::default();
        config.limits.http = plenty();
        config.limits.sockets = plenty();
        config.limits.pushes = plenty();
        config.limits.chat = plenty();
        config.limits.frames = plenty();
        config.limits.joins = plenty();
        config.limits.address_joins = plenty();
        config.limits.signalling = plenty();
        config.limits.room_pushes = plenty();
        change(&mut config);
        let here = NodeIncarnation {
            node: "a".parse().unwrap(),
            incarnation: 1,
        };
        let store = MemoryStore::new();
        let epoch = store.open_reign(&here, Epoch(0), 0).await.unwrap();
        let store = FaultStore::new(store);
        let faults = store.faults();
        let fake = Arc::new(FakeProvider::default());
        let media = MediaHost::new(Arc::clone(&fake) as _, here.clone(), Ownership::Alone(epoch));
        let hub = Hub::new();
        let subscribers = Arc::clone(&hub) as _;
        let rooms = Rooms::new(
            Arc::new(store),
            media.clone(),
            subscribers,
            here.clone(),
            Ownership::Alone(epoch),
            RoomsConfig::default(),
        );
        Actor::spawn(None, RoomsSupervisor, rooms.clone()).await.unwrap();
        let log = DebugLogHandle::new();
        let arguments = DebugLogArguments {
            handle: log.clone(),
            limits: Limits::default(),
        };
        Actor::spawn(None, DebugLog, arguments).await.unwrap();
        let door = Door::new(DoorParts {
            config,
            rooms: rooms.clone(),
            media,
            hub,
            keys: Keys::derive(BASE, None),
            log,
            node: here,
            status: Arc::new(AllIsWell),
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let arguments = GatewayArguments {
            door: door.clone(),
            listener: Arc::new(listener),
        };
        Self {
            address,
            door,
            rooms,
            faults,
            media: fake,
            keys: Keys::derive(BASE, None),
            gateway: Keeper::start(arguments).await,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.request(Method::POST, path).json(body)
    }

    pub(crate) async fn create(&self, wish: Value) -> Room {
        let answer = self.post("/api/rooms", &wish).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let created: Value = answer.json().await.unwrap();
        let text = |name: &str| created[name].as_str().unwrap().to_owned();
        Room {
            id: text("id"),
            host: text("participant_id"),
            token: text("token"),
        }
    }

    pub(crate) async fn room(&self) -> Room {
        self.create(json!({})).await
    }

    /// A join token for a newcomer.
    pub(crate) async fn token(&self, room: &Room, wish: Value) -> String {
        let path = format!("/api/rooms/{}/join", room.id);
        let answer = self.post(&path, &wish).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let granted: Value = answer.json().await.unwrap();
        granted["token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn socket(&self) -> Socket {
        Socket::open(self.address, &[]).await.unwrap()
    }

    /// The room's creator, in the room.
    pub(crate) async fn host(&self, room: &Room) -> Member {
        self.socket()
            .await
            .enter(&room.topic(), json!({ "token": room.token }))
            .await
    }

    /// A newcomer, in the room.
    pub(crate) async fn guest(&self, room: &Room, name: &str) -> Member {
        let token = self.token(room, json!({ "name": name })).await;
        self.socket()
            .await
            .enter(&room.topic(), json!({ "token": token }))
            .await
    }
}
