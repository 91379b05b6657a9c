//! Standard input and output, line by line: short lines alone, not many requests at once, and nothing that would end a
//! session before it began. So what a client sends does not decide how much memory is taken.

use rmcp::{
    ErrorData, RoleServer,
    model::{
        ClientNotification, ClientRequest, GetExtensions, GetMeta, JsonRpcMessage, ProtocolVersion, RequestId,
    },
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::{StdioReader, StdioWriter, Transport, async_rw::AsyncRwTransport, stdio_pipes},
};
use std::{collections::HashMap, pin::Pin, sync::Arc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// No line of a client is longer; one that is, is passed over. What is read of one takes many times its length.
const LONGEST_LINE: usize = 1 << 20;
/// Requests that may be unanswered. The library would take in any number.
const MOST_AT_ONCE: usize = 64;

pub(super) struct Lines {
    through: AsyncRwTransport<RoleServer, StdioReader, StdioWriter>,
    /// Whether the client chose a life of the protocol.
    began: bool,
    places: Arc<Semaphore>,
    /// The place of each request whose answer is not written. Its handler holds it too, who may outlive a cancellation.
    unanswered: HashMap<RequestId, Arc<OwnedSemaphorePermit>>,
    /// That there was no place, while it is being written: `receive` may be dropped meanwhile.
    refusal: Option<Pin<Box<dyn Future<Output = bool> + Send>>>,
}

impl Lines {
    /// Must be called within a runtime.
    pub(super) fn of_this_process() -> Self {
        let (input, output) = stdio_pipes();
        let through = AsyncRwTransport::new(input, output).with_max_line_length(LONGEST_LINE);
        Self {
            through,
            began: false,
            places: Arc::new(Semaphore::new(MOST_AT_ONCE)),
            unanswered: HashMap::new(),
            refusal: None,
        }
    }
}

impl Transport<RoleServer> for Lines {
    type Error = std::io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let answered = match &message {
            JsonRpcMessage::Response(response) => Some(&response.id),
            JsonRpcMessage::Error(error) => error.id.as_ref(),
            _ => None,
        };
        let place = answered.and_then(|id| self.unanswered.remove(id));
        let sent = self.through.send(message);
        async move {
            let sent = sent.await;
            drop(place);
            sent
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            if let Some(refusal) = &mut self.refusal {
                let is_written = refusal.await;
                self.refusal = None;
                if !is_written {
                    return None;
                }
            }
            let mut message = self.through.receive().await?;
            match &mut message {
                JsonRpcMessage::Request(request) => {
                    let Ok(place) = self.places.clone().try_acquire_owned() else {
                        let error =
                            ErrorData::internal_error("too many requests at once; wait for answers", None);
                        let answer = JsonRpcMessage::error(error, Some(request.id.clone()));
                        let sent = self.through.send(answer);
                        self.refusal = Some(Box::pin(async move { sent.await.is_ok() }));
                        continue;
                    };
                    let place = Arc::new(place);
                    request.request.extensions_mut().insert(place.clone());
                    self.unanswered.insert(request.id.clone(), place);
                    self.began |= begins(&request.request);
                }
                // No other notification means anything to this server, and the library sets about each.
                JsonRpcMessage::Notification(notification) => {
                    let ClientNotification::CancelledNotification(cancelled) = &notification.notification
                    else {
                        continue;
                    };
                    let unanswered =
                        cancelled.params.request_id.as_ref().and_then(|id| self.unanswered.remove(id));
                    if unanswered.is_none() {
                        continue;
                    }
                }
                // The library ends at an answer that comes first.
                JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) if !self.began => continue,
                JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => {}
            }
            return Some(message);
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.through.close().await
    }
}

/// Whether the library goes on to serve after this request, be it in the older life or in the newer one.
fn begins(request: &ClientRequest) -> bool {
    let meta = request.get_meta();
    let is_whole = meta.missing_required_keys(&ProtocolVersion::V_2026_07_28).is_empty();
    match request {
        ClientRequest::InitializeRequest(_) => true,
        ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_) => false,
        _ => {
            let version = meta.protocol_version();
            is_whole && version.is_some_and(|version| ProtocolVersion::KNOWN_VERSIONS.contains(&version))
        }
    }
}
