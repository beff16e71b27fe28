//! The contract with the browser: Phoenix Channels V2 frames, and what we put into them. `docs/protocol.md` is its prose.
//!
//! Values only: nothing here knows a rule of a room, reads a clock or does I/O, and nothing depends on another crate of the house. The
//! frontend's `services/protocol.ts` is generated from these types (see [`typescript`]), so a change here shows there in the same commit.

pub mod binary;
pub mod control;
mod error;
pub mod frame;
pub mod log;
pub mod presence;
pub mod room;
pub mod sfu;
mod topic;
pub mod typescript;

pub use error::{ErrorReply, Reason};
pub use frame::{Frame, FrameError, Ref};
pub use topic::Topic;
