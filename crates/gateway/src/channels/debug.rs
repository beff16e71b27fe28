//! Topic `debug:logs`: the debug log as it grows, for operators.

use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use videorooms_debug::{Batch, DebugLogHandle, Follower};
use videorooms_protocol::log::LogsJoin;
use videorooms_protocol::{ErrorReply, Reason};

use crate::auth::Keys;

/// Someone follows the log.
pub(crate) struct LogsChannel {
    next: Option<BoxFuture<'static, (Follower, Option<Batch>)>>,
}

/// Follows the log, if the token of the join or of the socket's cookie is an operator's, or logs are open.
pub(crate) fn join(
    log: &DebugLogHandle,
    keys: &Keys,
    open: bool,
    cookie: Option<&str>,
    params: &LogsJoin,
) -> Result<LogsChannel, ErrorReply> {
    let operator = [params.token.as_deref(), cookie]
        .into_iter()
        .flatten()
        .any(|token| keys.verify_operator(token).is_ok());
    if open || operator {
        Ok(LogsChannel {
            next: Some(following(log.follow())),
        })
    } else {
        Err(ErrorReply::new(Reason::Unauthorized, "the log is for operators"))
    }
}

impl LogsChannel {
    /// The next records; `None` once, when the log is gone for good.
    pub(crate) fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Option<Batch>> {
        let Some(next) = &mut self.next else {
            return Poll::Pending;
        };
        let (follower, batch) = std::task::ready!(next.poll_unpin(cx));
        self.next = batch.is_some().then(|| following(follower));
        Poll::Ready(batch)
    }
}

fn following(mut follower: Follower) -> BoxFuture<'static, (Follower, Option<Batch>)> {
    async move {
        let batch = follower.next().await;
        (follower, batch)
    }
    .boxed()
}
