//! Topic `debug:logs`: the debug log as it grows, for operators.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::{Sleep, sleep};
use videorooms_debug::{Batch, DebugLogHandle, Follower};
use videorooms_protocol::log::LogsJoin;
use videorooms_protocol::{ErrorReply, Reason};

use crate::auth::Keys;

/// Someone follows the log.
pub(crate) struct LogsChannel {
    /// Its credential counts no longer; none where the log is open.
    expiry: Option<Pin<Box<Sleep>>>,
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
    let tokens = [params.token.as_deref(), cookie].into_iter().flatten();
    let left = tokens.filter_map(|token| keys.verify_operator(token).ok()).max();
    if !open && left.is_none() {
        return Err(ErrorReply::new(Reason::Unauthorized, "the log is for operators"));
    }
    Ok(LogsChannel {
        expiry: left.filter(|_| !open).map(|left| Box::pin(sleep(left))),
        next: Some(following(log.follow())),
    })
}

impl LogsChannel {
    /// The next records; `None` once, when the log is gone for good or the credential has expired.
    pub(crate) fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Option<Batch>> {
        let Some(next) = &mut self.next else {
            return Poll::Pending;
        };
        if let Some(expiry) = &mut self.expiry
            && expiry.poll_unpin(cx).is_ready()
        {
            self.next = None;
            return Poll::Ready(None);
        }
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
