use super::*;

const TOKEN_OF_A: Token = [7; 16];

fn any(length: usize) -> Bytes {
    (0..length)
        .map(|index| (index % 251) as u8)
        .collect::<Vec<_>>()
        .into()
}

#[test]
fn what_is_encoded_is_decoded_with_its_token() {
    let frames = [
        Frame::Whole(any(0)),
        Frame::Whole(any(9)),
        Frame::Part {
            id: u64::MAX,
            total: 10,
            part: any(3),
        },
        Frame::Fetch { id: 1, offset: 2 },
        Frame::Alive { taken: 3 },
    ];
    for frame in frames {
        let bytes = frame.encode(&TOKEN_OF_A).into();
        assert_eq!(Frame::decode(bytes), Some((TOKEN_OF_A, Some(frame))));
    }
    let answers = [
        Answer::Whole(any(4)),
        Answer::First {
            id: 1,
            total: 9,
            part: any(2),
        },
        Answer::Refused(Reason::Full),
    ];
    for answer in answers {
        assert_eq!(Answer::decode(answer.encode().into()), Some(answer));
    }
}

#[test]
fn no_bytes_are_too_wrong_to_be_looked_at() {
    for length in 0..64 {
        for first in 0..5 {
            let mut bytes = vec![first; length];
            if let Some(version) = bytes.first_mut() {
                *version = VERSION;
            }
            drop(Frame::decode(bytes.clone().into()));
            drop(Answer::decode(bytes.into()));
        }
    }
}

#[test]
fn a_frame_never_exceeds_what_the_other_side_takes() {
    for frame in cut(&any(MESSAGE_BYTES), 1) {
        assert!(frame.encode(&TOKEN_OF_A).len() < FRAME_BYTES - 512);
    }
}

#[test]
fn a_long_message_is_joined_whatever_comes_between_its_parts() {
    let message = any(3 * PART_BYTES + 5);
    let mut unfinished = Unfinished::default();
    let (mut first, mut second) = (None, None);
    for (one, two) in cut(&message, 1).into_iter().zip(cut(&message, 2)) {
        let mut take = |frame| {
            let Frame::Part { id, total, part } = frame else {
                panic!("it was not cut");
            };
            unfinished.take(id, total, &part).unwrap()
        };
        (first, second) = (take(one), take(two));
    }
    assert_eq!(first, Some(message.clone()));
    assert_eq!(second, Some(message));
    assert_eq!(unfinished.bytes, 0);
}

#[test]
fn unfinished_messages_are_bounded() {
    let mut unfinished = Unfinished::default();
    let half = any(MESSAGE_BYTES / 2);
    let total = MESSAGE_BYTES as u32;
    for id in 0..4 {
        assert_eq!(unfinished.take(id, total, &half), Ok(None));
    }
    assert_eq!(unfinished.take(4, total, &half), Err(Reason::Full));
    assert_eq!(unfinished.take(5, total + 1, &half), Err(Reason::TooLarge));
    assert_eq!(unfinished.take(0, 1, &half), Err(Reason::Malformed));
    // The one that did not fit is forgotten, so there is room again.
    assert_eq!(unfinished.take(4, total, &half), Ok(None));
}
