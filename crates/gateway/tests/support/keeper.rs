//! Keeps a gateway: starts it again whenever it ends, as a node's supervisor does.

use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::watch;
use videorooms_gateway::{Gateway, GatewayArguments};

use super::within;

pub(crate) struct Keeper {
    gateway: watch::Receiver<ActorCell>,
}

struct Supervisor;

struct Subscribe(ractor::RpcReplyPort<watch::Receiver<ActorCell>>);

impl ractor::Message for Subscribe {}

struct Kept {
    arguments: GatewayArguments,
    gateway: watch::Sender<ActorCell>,
}

impl Keeper {
    pub(crate) async fn start(arguments: GatewayArguments) -> Self {
        let (supervisor, _) = Actor::spawn(None, Supervisor, arguments).await.unwrap();
        let gateway = ractor::call!(supervisor, Subscribe).unwrap();
        Self { gateway }
    }

    /// Kills the gateway and waits until another one is there.
    pub(crate) async fn kill(&mut self) {
        self.gateway.borrow_and_update().kill();
        within("another gateway", self.gateway.changed()).await.unwrap();
    }
}

impl Actor for Supervisor {
    type Msg = Subscribe;
    type State = Kept;
    type Arguments = GatewayArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        arguments: GatewayArguments,
    ) -> Result<Kept, ActorProcessingErr> {
        let (gateway, _) = Actor::spawn_linked(None, Gateway, arguments.clone(), myself.get_cell()).await?;
        Ok(Kept {
            arguments,
            gateway: watch::Sender::new(gateway.get_cell()),
        })
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        Subscribe(reply): Subscribe,
        kept: &mut Kept,
    ) -> Result<(), ActorProcessingErr> {
        reply.send(kept.gateway.subscribe())?;
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        kept: &mut Kept,
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ActorFailed(..) | SupervisionEvent::ActorTerminated(..) = event {
            let (gateway, _) =
                Actor::spawn_linked(None, Gateway, kept.arguments.clone(), myself.get_cell()).await?;
            kept.gateway.send_replace(gateway.get_cell());
        }
        Ok(())
    }
}
