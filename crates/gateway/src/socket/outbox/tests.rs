use std::collections::VecDeque;

use futures_util::FutureExt as _;
use tokio::sync::Notify;

use super::*;

/// A connection that takes what it is told to take.
#[derive(Default)]
struct Trickle {
    takes: Mutex<VecDeque<usize>>,
    taken: Mutex<Vec<u8>>,
    more: Notify,
}

impl Trickle {
    /// Takes so many bytes with one call.
    fn take(&self, bytes: usize) {
        self.takes.lock().push_back(bytes);
        self.more.notify_one();
    }

    fn taken(&self) -> String {
        String::from_utf8(self.taken.lock().clone()).unwrap()
    }
}

impl Line for Arc<Trickle> {
    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let Some(room) = self.takes.lock().pop_front() else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        let taken = room.min(bytes.len());
        self.taken.lock().extend(&bytes[..taken]);
        Ok(taken)
    }

    fn writable(&self) -> BoxFuture<'_, io::Result<()>> {
        async {
            while self.takes.lock().is_empty() {
                self.more.notified().await;
            }
            Ok(())
        }
        .boxed()
    }
}

const PLENTY: usize = 1000;
const SENT_AWAY: Closing = Closing {
    code: RESTART,
    flush: true,
    why: "restart",
};
const MEMBER: ConnectionId = ConnectionId(7);

fn outbox(frames: usize, bytes: usize) -> (Arc<Outbox>, Arc<Trickle>) {
    let config = SocketConfig {
        outbox_frames: frames,
        outbox_bytes: bytes,
        ..SocketConfig::default()
    };
    let line = Arc::new(Trickle::default());
    let outbox = Outbox::new(&config, Box::new(Arc::clone(&line)), Flushers::none());
    (outbox, line)
}

/// Without a header: so many bytes on the wire.
fn frame(text: &'static str) -> Item {
    Item::Frame(text.into())
}

fn push(outbox: &Arc<Outbox>, text: &'static str) -> Pushed {
    outbox.push(frame(text), Class::Needed)
}

fn push_all(outbox: &Arc<Outbox>, texts: &[&'static str]) {
    for text in texts {
        assert_eq!(push(outbox, text), Pushed::Taken);
    }
}

fn flush(outbox: &Arc<Outbox>) {
    outbox.flush(&mut Vec::new());
}

fn due(outbox: &Arc<Outbox>) -> Option<Due> {
    std::future::poll_fn(|cx| outbox.poll_due(cx)).now_or_never()
}

#[test]
fn passing_frames_are_dropped_at_half_and_needed_ones_are_not() {
    let (outbox, _) = outbox(4, 1000);
    for _ in 0..2 {
        assert_eq!(outbox.push(frame("x"), Class::Passing), Pushed::Taken);
    }
    assert_eq!(outbox.push(frame("x"), Class::Passing), Pushed::Dropped);
    assert_eq!(push(&outbox, "x"), Pushed::Taken);
}

#[test]
fn a_full_outbox_closes_the_socket_for_a_resync() {
    for (frames, bytes) in [(2, 1000), (100, 2)] {
        let (outbox, line) = outbox(frames, bytes);
        assert_eq!(push(&outbox, "a"), Pushed::Taken);
        assert_eq!(push(&outbox, "b"), Pushed::Taken);
        assert_eq!(push(&outbox, "c"), Pushed::Closing);
        assert_eq!(due(&outbox), None, "a flusher may be writing");
        line.take(PLENTY);
        flush(&outbox);
        assert_eq!(due(&outbox), Some(Due::End(SLOW)));
        assert_eq!(line.taken(), "", "a client that takes nothing is told nothing");
    }
}

#[test]
fn one_frame_larger_than_the_outbox_passes_when_nothing_waits() {
    let (outbox, _) = outbox(4, 3);
    assert_eq!(push(&outbox, "much too large"), Pushed::Taken);
    assert_eq!(push(&outbox, "x"), Pushed::Closing);
}

#[test]
fn what_is_written_comes_in_order_and_makes_room() {
    let (outbox, line) = outbox(2, 1000);
    for pair in [["a", "b"], ["c", "d"]] {
        push_all(&outbox, &pair);
        line.take(PLENTY);
        flush(&outbox);
    }
    assert_eq!(line.taken(), "abcd");
    assert_eq!(due(&outbox), None);
}

#[test]
fn more_frames_than_one_call_takes_leave_with_several() {
    let (outbox, line) = outbox(1000, 1000);
    push_all(&outbox, &["x"; 2 * MAX_SLICES + 1]);
    (0..3).for_each(|_| line.take(PLENTY));
    flush(&outbox);
    assert_eq!(line.taken().len(), 2 * MAX_SLICES + 1);
    assert!(line.takes.lock().is_empty());
}

#[test]
fn one_socket_with_very_much_to_write_lets_others_have_their_turn() {
    let (outbox, line) = outbox(1000, 1000);
    push_all(&outbox, &["x"; MAX_CALLS * MAX_SLICES + 1]);
    (0..=MAX_CALLS).for_each(|_| line.take(PLENTY));
    flush(&outbox);
    assert_eq!(line.taken().len(), MAX_CALLS * MAX_SLICES);
    assert_eq!(due(&outbox), None, "a flusher goes on");
    flush(&outbox);
    assert_eq!(line.taken().len(), MAX_CALLS * MAX_SLICES + 1);
}

#[tokio::test]
async fn frames_are_whole_and_in_order_wherever_the_connection_stops() {
    for stop in 1..9 {
        let (outbox, line) = outbox(100, 1000);
        push_all(&outbox, &["abc", "d", "efg"]);
        line.take(stop);
        flush(&outbox);
        assert_eq!(line.taken(), &"abcdefg"[..stop.min(7)]);
        push(&outbox, "hi");
        (0..9).for_each(|_| line.take(2));
        match due(&outbox) {
            Some(Due::Unblock) => outbox.unblock().await.unwrap(),
            None => flush(&outbox),
            Some(due) => panic!("{due:?}"),
        }
        assert_eq!(line.taken(), "abcdefghi", "stopped at {stop}");
    }
}

#[tokio::test]
async fn a_blocked_socket_waits_for_what_waited_then_and_not_for_what_comes_after() {
    let (outbox, line) = outbox(100, 1000);
    push_all(&outbox, &["abc", "def"]);
    flush(&outbox);
    assert_eq!(due(&outbox), Some(Due::Unblock));
    let unblocking = outbox.unblock();
    futures_util::pin_mut!(unblocking);
    assert!(unblocking.as_mut().now_or_never().is_none());
    push(&outbox, "ghi");
    line.take(4);
    assert!(
        unblocking.as_mut().now_or_never().is_none(),
        "the second is not whole yet"
    );
    line.take(3);
    assert_eq!(unblocking.now_or_never(), Some(Ok(())));
    assert_eq!(due(&outbox), Some(Due::Unblock), "the third is begun");
}

#[test]
fn whoever_waits_for_room_is_told_when_all_is_written() {
    let (outbox, line) = outbox(8, 1000);
    push_all(&outbox, &["a", "b"]);
    assert!(!outbox.is_crowded());
    push(&outbox, "c");
    assert!(outbox.is_crowded());
    assert_eq!(due(&outbox), None);
    line.take(PLENTY);
    flush(&outbox);
    assert_eq!(due(&outbox), Some(Due::Room));
    assert!(!outbox.is_crowded());
    assert_eq!(due(&outbox), None);
}

#[test]
fn what_is_for_a_channel_keeps_its_place_among_the_frames() {
    let (outbox, line) = outbox(100, 1000);
    push(&outbox, "a");
    let notice = Notice::ResumeRotated;
    outbox.push(Item::Channel(MEMBER, notice), Class::Needed);
    push(&outbox, "b");
    (0..2).for_each(|_| line.take(PLENTY));
    flush(&outbox);
    assert_eq!(line.taken(), "a");
    assert_eq!(due(&outbox), Some(Due::Notice(MEMBER, notice)));
    assert_eq!(due(&outbox), None, "the next is a flusher's again");
    flush(&outbox);
    assert_eq!(line.taken(), "ab");
}

#[test]
fn a_socket_that_is_asked_to_leave_is_told_once_and_still_takes_answers() {
    let (outbox, _) = outbox(4, 1000);
    outbox.restart();
    assert_eq!(due(&outbox), Some(Due::Leave));
    assert_eq!(push(&outbox, "x"), Pushed::Taken);
    outbox.restart();
    assert_eq!(due(&outbox), None);
}

#[test]
fn a_socket_ends_after_what_waits_is_written_and_channels_are_told() {
    let (outbox, line) = outbox(4, 1000);
    push(&outbox, "a");
    outbox.push(Item::Channel(MEMBER, Notice::ResumeRotated), Class::Needed);
    outbox.close(SENT_AWAY);
    assert_eq!(due(&outbox), None);
    line.take(PLENTY);
    flush(&outbox);
    assert_eq!(due(&outbox), Some(Due::Notice(MEMBER, Notice::ResumeRotated)));
    assert_eq!(due(&outbox), Some(Due::End(SENT_AWAY)));
    assert_eq!(line.taken(), "a");
}

#[tokio::test]
async fn the_goodbye_comes_behind_the_frame_that_was_begun_and_instead_of_all_others() {
    let (outbox, line) = outbox(4, 1000);
    push_all(&outbox, &["abc", "never"]);
    line.take(1);
    flush(&outbox);
    assert_eq!(due(&outbox), Some(Due::Unblock));
    outbox.close(SLOW);
    assert_eq!(
        outbox.unblock().now_or_never(),
        Some(Ok(())),
        "it waits for nobody any more"
    );
    assert_eq!(due(&outbox), Some(Due::End(SLOW)));
    (0..3).for_each(|_| line.take(PLENTY));
    outbox.say_last("bye".into()).await.unwrap();
    assert_eq!(line.taken(), "abcbye");
}

#[tokio::test]
async fn a_waiting_socket_is_woken_by_a_block_and_by_the_end() {
    let (outbox, _) = outbox(4, 1000);
    let waiting = Arc::clone(&outbox);
    let woken = tokio::spawn(async move {
        let due = || std::future::poll_fn(|cx| waiting.poll_due(cx));
        assert_eq!(due().await, Due::Unblock);
        waiting.unblock().await.unwrap();
        assert_eq!(due().await, Due::End(SLOW));
    });
    tokio::task::yield_now().await;
    push(&outbox, "x");
    flush(&outbox);
    tokio::task::yield_now().await;
    outbox.close(SLOW);
    woken.await.unwrap();
}
