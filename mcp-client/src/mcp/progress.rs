//! What a client that wants to know is told while a tool works: that it still does, and since when.

use rmcp::{RoleServer, model::ProgressNotificationParam, service::RequestContext};
use std::{pin::pin, time::Duration};

/// How often a client is told.
const EVERY: Duration = Duration::from_secs(2);

/// Waits for a tool's work. Meanwhile a client that gave a token hears how many seconds it has taken.
pub(super) async fn while_at_work<T>(
    context: &RequestContext<RoleServer>,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    let Some(token) = context.meta.get_progress_token() else { return work.await };
    let peer = context.peer.clone();
    let mut seconds = 0;
    loop {
        tokio::select! {
            result = &mut work => return result,
            // Nobody hears any longer; the work may be past stopping.
            () = context.ct.cancelled() => return work.await,
            () = tokio::time::sleep(EVERY) => {
                seconds += EVERY.as_secs();
                let mut told = ProgressNotificationParam::new(token.clone(), seconds as f64);
                told.message = Some(format!("at work for {seconds} seconds"));
                // A client that does not hear it hears the answer.
                let _ = peer.notify_progress(told).await;
            }
        }
    }
}
