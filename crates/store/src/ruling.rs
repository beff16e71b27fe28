//! The rule by which every adapter judges a commit. Pure: adapters look things up and write, this says what follows.
//!
//! Invariant: a log only ever grows at its end, by the holder of its newest epoch, and a repeated commit changes nothing.

use videorooms_domain::{Epoch, Seq};

use crate::ownership::Refusal;
use crate::{Commit, Fence, Restore, Verdict};

/// How many of a room's newest records are kept whole although a snapshot covers them, so that a commit sent again is recognised.
/// A room closes its door to new commands as soon as one commit's outcome is unknown, so far fewer are ever in doubt.
pub const RESEND_TAIL: usize = 256;

/// The end of a room's log; the default is that of a room which does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Head {
    /// Newest epoch in which the room was written.
    pub(crate) epoch: Epoch,
    /// Seq of the last event.
    pub(crate) last: Seq,
}

/// What to do with a commit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ruling {
    /// Write it, then answer that it is committed.
    Append,
    /// It is there already: write nothing and answer that it is committed.
    Repeat,
    /// Write nothing and answer this.
    Refuse(Verdict),
}

/// Judges `commit` against the log's end. `is_stored` says whether the very same record stands at `commit.last`; it is asked only when
/// that matters.
///
/// # Errors
/// Those of `is_stored`.
pub(crate) fn rule<E>(
    reign: Epoch,
    head: Head,
    commit: &Commit,
    is_stored: impl FnOnce() -> Result<bool, E>,
) -> Result<Ruling, E> {
    let newest = reign.max(head.epoch);
    if commit.epoch < newest {
        return Ok(Ruling::Refuse(Verdict::Deposed { epoch: newest }));
    }
    if commit.expect == head.last && commit.last > commit.expect {
        return Ok(Ruling::Append);
    }
    if commit.last <= head.last && is_stored()? {
        return Ok(Ruling::Repeat);
    }
    Ok(Ruling::Refuse(Verdict::Behind { stored: head.last }))
}

/// Judges a restored room against the log's end.
pub(crate) fn rule_restore(reign: Epoch, head: Head, restore: &Restore) -> Ruling {
    let newest = reign.max(head.epoch);
    if restore.epoch < newest {
        return Ruling::Refuse(Verdict::Deposed { epoch: newest });
    }
    if restore.last > head.last {
        Ruling::Append
    } else {
        Ruling::Repeat
    }
}

/// What a refusal by the table of owners means to a write in the reign `epoch`.
pub(crate) fn verdict_of(refusal: Refusal, epoch: Epoch) -> Verdict {
    match refusal {
        Refusal::StoreChanged | Refusal::Settling | Refusal::Forgotten => Verdict::StoreChanged,
        Refusal::Lost(lost) => Verdict::Deposed { epoch: lost.epoch },
        // A newer boot says nothing of its reigns.
        Refusal::Superseded(_) | Refusal::NotAlive => Verdict::Deposed { epoch },
    }
}

/// What a store says that keeps no table of owners: nobody holds anything in any life of it.
///
/// # Errors
/// The verdict, if the write is made in somebody's name.
pub(crate) fn refuse_fenced(fence: Option<&Fence>) -> Result<(), Verdict> {
    fence.map_or(Ok(()), |_| Err(Verdict::StoreChanged))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use videorooms_domain::RoomId;

    use super::*;

    fn check(reign: u64, head: (u64, u64), commit: (u64, u64, u64), is_stored: bool) -> Ruling {
        let head = Head {
            epoch: Epoch(head.0),
            last: Seq(head.1),
        };
        let commit = Commit {
            room: RoomId(1),
            epoch: Epoch(commit.0),
            expect: Seq(commit.1),
            last: Seq(commit.2),
            record: Vec::new(),
            snapshot: None,
            fence: None,
        };
        let Ok(ruling) = rule::<Infallible>(Epoch(reign), head, &commit, || Ok(is_stored));
        ruling
    }

    #[test]
    fn a_commit_at_the_end_is_appended() {
        assert_eq!(check(5, (5, 3), (5, 3, 4), false), Ruling::Append);
        assert_eq!(check(5, (0, 0), (5, 0, 2), false), Ruling::Append);
    }

    #[test]
    fn neither_the_reign_nor_the_room_takes_an_older_epoch_even_of_what_it_holds() {
        assert_eq!(
            check(6, (5, 3), (5, 2, 3), true),
            Ruling::Refuse(Verdict::Deposed { epoch: Epoch(6) })
        );
        assert_eq!(
            check(5, (7, 3), (6, 3, 4), false),
            Ruling::Refuse(Verdict::Deposed { epoch: Epoch(7) })
        );
    }

    #[test]
    fn what_is_there_already_is_a_repeat() {
        assert_eq!(check(5, (5, 3), (5, 2, 3), true), Ruling::Repeat);
        assert_eq!(check(5, (5, 9), (5, 2, 3), true), Ruling::Repeat);
    }

    #[test]
    fn another_record_at_a_taken_place_and_a_gap_are_behind() {
        let behind = Ruling::Refuse(Verdict::Behind { stored: Seq(3) });
        assert_eq!(check(5, (5, 3), (5, 2, 3), false), behind);
        assert_eq!(check(5, (5, 3), (5, 4, 5), true), behind);
    }

    #[test]
    fn a_room_is_restored_only_where_the_store_is_behind_and_in_no_older_epoch() {
        let check = |reign, (epoch, last), (of, until)| {
            let head = Head {
                epoch: Epoch(epoch),
                last: Seq(last),
            };
            let restore = Restore {
                room: RoomId(1),
                epoch: Epoch(of),
                fence: None,
                last: Seq(until),
                snapshot: Vec::new(),
            };
            rule_restore(Epoch(reign), head, &restore)
        };
        assert_eq!(check(0, (5, 3), (6, 4)), Ruling::Append);
        assert_eq!(check(0, (0, 0), (6, 4)), Ruling::Append);
        assert_eq!(check(0, (5, 4), (6, 4)), Ruling::Repeat);
        assert_eq!(check(0, (5, 9), (6, 4)), Ruling::Repeat);
        let deposed = Ruling::Refuse(Verdict::Deposed { epoch: Epoch(7) });
        assert_eq!(check(0, (7, 3), (6, 4)), deposed);
        assert_eq!(check(7, (5, 3), (6, 4)), deposed);
    }

    #[test]
    fn a_commit_that_does_not_advance_is_never_appended() {
        assert_eq!(
            check(5, (5, 3), (5, 3, 3), false),
            Ruling::Refuse(Verdict::Behind { stored: Seq(3) })
        );
    }
}
