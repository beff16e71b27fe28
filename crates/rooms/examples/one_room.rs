//! The tour: one room on a store in memory and a media server without media. Two people come in, one says something, and everything that the
//! room says is printed. `cargo run -p videorooms-rooms --example one_room`

#![expect(clippy::print_stdout, reason = "it shows what a room says")]

use std::sync::Arc;

use ractor::Actor;
use videorooms_domain::{
    Actor as By, Command, ConnectionId, Epoch, NodeIncarnation, ParticipantId, Request, Role, RoomId,
    SecretHash, Settings, ShardId,
};
use videorooms_rooms::{
    Attach, CreateRoom, Credential, MediaHost, Ownership, Publication, RollCall, Rooms, RoomsConfig,
    RoomsSupervisor, Subscribers,
};
use videorooms_sfu::fake::FakeProvider;
use videorooms_store::{MemoryStore, RoomStore as _};

/// What a gateway's hub is to a room: it hears everything once.
struct Printer;

impl Subscribers for Printer {
    fn publish(&self, publication: Publication) {
        println!("{:?}", publication.body);
    }

    fn rooms(&self, _shard: ShardId) -> Vec<RoomId> {
        Vec::new()
    }

    fn roll_call(&self, _: RoomId) -> RollCall {
        RollCall::default()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let here = NodeIncarnation {
        node: "tour".parse()?,
        incarnation: 1,
    };
    let store = MemoryStore::new();
    let epoch = store.open_reign(&here, Epoch::default(), 0).await?;
    let ownership = Ownership::Alone(epoch);
    let media = MediaHost::new(Arc::new(FakeProvider::default()), here.clone(), ownership.clone());
    let rooms = Rooms::new(
        Arc::new(store),
        media,
        Arc::new(Printer),
        here,
        ownership,
        RoomsConfig::default(),
    );
    let (supervisor, ended) = Actor::spawn(None, RoomsSupervisor, rooms.clone()).await?;

    let settings = Settings::default();
    let room = rooms.create(CreateRoom { settings }).await?;
    for (number, name) in [(1, "Ada"), (2, "Grace")] {
        let credential = Credential::Token {
            participant: ParticipantId(number),
            name: name.to_owned(),
            role: Role::Participant,
        };
        let attach = Attach {
            credential,
            fresh_resume: SecretHash([0; 32]),
            connection: ConnectionId(number),
            since: None,
            address: None,
        };
        rooms.attach(room, attach).await?;
    }
    let command = Command::Chat { text: "hello".into() };
    let by = By::Participant(ParticipantId(1));
    let said = Request {
        by,
        id: Some("m1".parse()?),
        command,
    };
    println!("committed at {:?}", rooms.execute(room, said).await?);

    rooms.drain().await;
    supervisor.stop(None);
    Ok(ended.await?)
}
