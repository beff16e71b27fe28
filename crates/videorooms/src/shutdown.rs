//! When to stop: the first SIGINT or SIGTERM asks, the second one insists.

use tokio::signal::unix::{SignalKind, signal};

/// Waits for the first signal; from then on a second one ends the process at once, with the code that shells give to an interrupted program.
pub async fn requested() {
    next_signal().await;
    tracing::info!("stopping; press Ctrl-C again to stop at once");
    drop(tokio::spawn(async {
        next_signal().await;
        std::process::exit(130);
    }));
}

async fn next_signal() {
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => drop(terminate.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}
