//! The engine on a real socket: a str0m client on loopback connects, and hears the other one.

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use str0m::change::SdpAnswer;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Event, Input, Output, Rtc};

use crate::command::Command;
use crate::{
    AttachWish, Delivery, Engine, EngineConfig, MediaError, OfferWish, PeerEvent, PeerKey, RoomRules, Source,
    Sources,
};

const ROOM: u128 = 1;
const DEADLINE: Duration = Duration::from_secs(20);

struct Client {
    rtc: Box<Rtc>,
    socket: UdpSocket,
    microphone: Mid,
    peer: PeerKey,
    heard: usize,
    closed: bool,
    events: mpsc::Receiver<PeerEvent>,
}

impl Client {
    async fn join(engine: &Engine, participant: u64) -> Self {
        let (told, events) = mpsc::channel();
        let sink = Box::new(move |event| told.send(event).map_or(Delivery::Gone, |()| Delivery::Taken));
        let wish = AttachWish {
            room: ROOM,
            participant,
            publish: Sources::ALL,
            subscribe: true,
            reached: None,
            peer: None,
            sink,
        };
        let peer = engine.attach(wish).await.unwrap().peer;
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let mut rtc = Box::new(Rtc::builder().set_rtp_mode(true).build(Instant::now()));
        rtc.add_local_candidate(Candidate::host(socket.local_addr().unwrap(), "udp").unwrap());
        let mut api = rtc.sdp_api();
        let microphone = api.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
        api.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
        let (offer, pending) = api.apply().unwrap();
        let tracks = vec![(microphone.to_string(), Source::Microphone)];
        let answer = engine
            .offer(
                peer,
                OfferWish {
                    r#gen: 1,
                    sdp: offer.to_sdp_string(),
                    tracks,
                },
            )
            .await
            .unwrap();
        assert!(answer.contains("a=ice-lite"));
        rtc.sdp_api()
            .accept_answer(pending, SdpAnswer::from_sdp_string(&answer).unwrap())
            .unwrap();
        Self {
            rtc,
            socket,
            microphone,
            peer,
            heard: 0,
            closed: false,
            events,
        }
    }

    fn speak(&mut self, seq: u64) {
        let pt = self.rtc.media(self.microphone).unwrap().remote_pts()[0];
        let write = RtpWrite::new(pt, seq.into(), seq as u32 * 960, Instant::now(), vec![1, 2, 3]);
        self.rtc
            .direct_api()
            .stream_tx_by_mid(self.microphone, None)
            .unwrap()
            .write_rtp(write);
    }

    /// One look at the clock and the socket.
    fn turn(&mut self) {
        self.rtc.handle_input(Input::Timeout(Instant::now())).unwrap();
        self.drain();
        let mut buffer = [0; 2000];
        match self.socket.recv_from(&mut buffer) {
            Ok((length, from)) => {
                let to = self.socket.local_addr().unwrap();
                let datagram = Receive::new(Protocol::Udp, from, to, &buffer[..length]).unwrap();
                self.rtc
                    .handle_input(Input::Receive(Instant::now(), datagram))
                    .unwrap();
                self.drain();
            }
            Err(error) => assert!(matches!(
                error.kind(),
                ErrorKind::WouldBlock | ErrorKind::TimedOut
            )),
        }
    }

    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(_) => return,
                Output::Transmit(out) => {
                    self.socket.send_to(&out.contents, out.destination).unwrap();
                }
                Output::Event(Event::RtpPacket(_)) => self.heard += 1,
                Output::Event(Event::Closed) => self.closed = true,
                Output::Event(_) => {}
            }
        }
    }
}

fn until(clients: &mut [Client], mut holds: impl FnMut(&mut [Client]) -> bool) {
    let start = Instant::now();
    while !holds(clients) {
        assert!(start.elapsed() < DEADLINE, "did not come about in time");
        clients.iter_mut().for_each(Client::turn);
    }
}

async fn engine_with_a_room(listen: &str) -> Engine {
    let engine = Engine::start(EngineConfig::new(listen.parse().unwrap())).unwrap();
    let rules = RoomRules {
        max_peers: 2,
        empty_timeout: Duration::from_secs(60),
    };
    engine.create_room(ROOM, rules).await.unwrap();
    engine
}

async fn connected_pair(engine: &Engine) -> [Client; 2] {
    let mut clients = [Client::join(engine, 1).await, Client::join(engine, 2).await];
    until(&mut clients, |clients| {
        clients.iter().all(|client| client.rtc.is_connected())
    });
    let mut seq = 0;
    until(&mut clients, |clients| {
        seq += 1;
        clients[0].speak(seq);
        clients[1].heard >= 10
    });
    clients
}

#[tokio::test]
async fn a_wildcard_socket_answers_from_the_address_it_was_asked_at_and_says_goodbye() {
    let engine = engine_with_a_room("0.0.0.0:0").await;
    let mut clients = connected_pair(&engine).await;
    assert_eq!(engine.totals().await.unwrap().peers, 2);
    engine.leave(clients[0].peer).await.unwrap();
    until(&mut clients, |clients| clients[0].closed);
    engine.shutdown().await;
    until(&mut clients, |clients| clients[1].closed);
}

#[tokio::test]
async fn a_worker_that_panics_resets_its_clients_and_serves_them_again_on_the_same_port() {
    let engine = engine_with_a_room("127.0.0.1:0").await;
    let before = connected_pair(&engine).await;
    for _ in 0..2 {
        engine.commands.send(Command::Break).await.unwrap();
    }
    engine.totals().await.unwrap();
    for client in &before {
        let told: Vec<_> = client.events.try_iter().collect();
        assert_eq!(told.last(), Some(&PeerEvent::Reset("media server restarted")));
    }
    assert_eq!(
        engine.leave(before[0].peer).await,
        Err(MediaError::NoSuchPeer),
        "peers are gone"
    );
    let after = connected_pair(&engine).await;
    assert!(after[0].peer > before[1].peer, "peer numbers are not used twice");
    engine.shutdown().await;
}
