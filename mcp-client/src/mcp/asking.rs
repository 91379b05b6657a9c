//! Asking the person for what a secret's owner wants to be asked for. The question goes to the client that shows it, by
//! whichever life of MCP it lives: as a request of the server, or as the result of the first round of a call. Where the
//! client can show none, the owner is asked in the dashboard, and the agent told to call again.

use super::{Server, ended};
use crate::{
    environment::Asked,
    error::{Error, Kind, Result},
    policy::Way,
    ticket,
};
use protocol::SecretName;
use rmcp::{
    RoleServer,
    handler::server::tool::{InputResponses, RequestState},
    model::{
        CallToolResponse, CallToolResult, ClientResult, ContentBlock, ElicitRequest, ElicitRequestParams,
        ElicitationAction, ElicitationSchema, InputRequest, InputRequiredResult, ServerRequest,
    },
    service::RequestContext,
};
use sealing::Wanted;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What a call came to.
pub(super) enum Outcome {
    Done(CallToolResult),
    /// Nothing, until the person says yes.
    Ask(Question),
}

/// Whether these secrets of an environment may be had in this way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) way: Way,
    pub(super) place: String,
    /// As the agent named it.
    pub(super) environment: Option<String>,
    pub(super) names: Vec<SecretName>,
}

/// What the person was asked in this session, and said.
#[derive(Default)]
pub(super) struct Consents {
    given: BTreeSet<(Way, String, SecretName)>,
    /// Questions that a client took away to ask, by the handle it brings back.
    open: BTreeMap<String, Question>,
    /// Those that the owner was asked in the dashboard.
    dashboard: Vec<(Question, Asked)>,
}

/// Questions that a client may leave unanswered.
const MOST_OPEN: usize = 32;
/// The only question of a round.
const KEY: &str = "consent";

impl Consents {
    /// Whether the person said yes. To be shown a secret takes a yes of its own each time.
    pub(super) fn take(&mut self, way: Way, place: &str, name: &SecretName) -> bool {
        let asked = (way, place.to_owned(), name.clone());
        match way {
            Way::Use => self.given.contains(&asked),
            Way::Reveal => self.given.remove(&asked),
        }
    }

    fn give(&mut self, question: &Question) {
        let asked = |name: &SecretName| (question.way, question.place.clone(), name.clone());
        self.given.extend(question.names.iter().map(asked));
    }

    fn put_aside(&mut self, question: Question) -> Result<String> {
        if self.open.len() >= MOST_OPEN {
            self.open.clear();
        }
        let handle = ticket::random()?;
        self.open.insert(handle.clone(), question);
        Ok(handle)
    }
}

impl Question {
    fn text(&self) -> String {
        let names = self.names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        match self.way {
            Way::Use => {
                format!("The coding agent wants to run commands with {names} of {}. Allow it?", self.place)
            }
            Way::Reveal => format!(
                "The coding agent wants to read the value of {names} of {} into the conversation. Allow it?",
                self.place
            ),
        }
    }

    fn request(&self) -> ElicitRequest {
        ElicitRequest::new(ElicitRequestParams::FormElicitationParams {
            meta: None,
            message: self.text(),
            requested_schema: ElicitationSchema::new(BTreeMap::new()),
        })
    }

    fn refused_until(&self, page: &str) -> Error {
        let mut error = self.refused("nobody has answered yet");
        error.remedy = format!(
            "ask the user to answer in the vault's dashboard, {page}, within ten minutes; then call the tool again"
        );
        error
    }

    fn refused(&self, why: &str) -> Error {
        let names = self.names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let run = match self.way {
            Way::Use => "securecode run -- COMMAND".to_owned(),
            Way::Reveal => format!("securecode get {names}"),
        };
        Error::new(
            Kind::Refused,
            format!("a person has to allow this for {names}, and {why}"),
            format!("go on without it; or ask the user to run in their own terminal: {run}"),
        )
    }
}

impl Server {
    /// Runs a tool's work, and asks the person in between where it takes that.
    pub(super) async fn asking(
        &self,
        (context, RequestState(state), InputResponses(responses)): (
            RequestContext<RoleServer>,
            RequestState,
            InputResponses,
        ),
        work: impl Fn(&Self) -> Result<Outcome> + Clone + Send + 'static,
    ) -> CallToolResponse {
        let asked = self.ask_around(context, state, responses, work).await;
        asked.unwrap_or_else(|error| failure(&error))
    }

    async fn ask_around(
        &self,
        context: RequestContext<RoleServer>,
        state: Option<String>,
        responses: Option<BTreeMap<String, Value>>,
        work: impl Fn(&Self) -> Result<Outcome> + Clone + Send + 'static,
    ) -> Result<CallToolResponse> {
        if let Some(handle) = state {
            let question = self.consents(|consents| consents.open.remove(&handle));
            let question = question.ok_or_else(ended)?;
            let answer = responses.as_ref().and_then(|responses| responses.get(KEY));
            let action = answer.and_then(|answer| answer.get("action")).and_then(Value::as_str);
            if action != Some("accept") {
                return Err(question.refused("the answer was no"));
            }
            self.consents(|consents| consents.give(&question));
        }
        let question = match self.attempt(work.clone()).await? {
            Outcome::Done(result) => return Ok(result.into()),
            Outcome::Ask(question) => question,
        };
        let capability = context.client_capabilities().and_then(|client| client.elicitation);
        if !capability.is_some_and(|elicitation| elicitation.form.is_some() || elicitation.url.is_none()) {
            let (client, asked) = (self.clone(), question.clone());
            let yes = tokio::task::spawn_blocking(move || client.ask_in_dashboard(&asked)).await;
            yes.unwrap_or_else(|_| Err(question.refused("this agent cannot ask one")))?;
            return match self.attempt(work).await? {
                Outcome::Done(result) => Ok(result.into()),
                Outcome::Ask(question) => {
                    Err(question.refused("it changed meanwhile what has to be asked for"))
                }
            };
        }
        if !context.protocol_version().is_some_and(|version| version.has_initialize()) {
            let request = InputRequest::Elicitation(question.request());
            let handle = self.consents(|consents| consents.put_aside(question))?;
            let requests = BTreeMap::from([(KEY.to_owned(), request)]);
            return Ok(InputRequiredResult::new(Some(requests), Some(handle)).into());
        }
        match elicit(&context, question.request()).await {
            Heard::Yes => self.consents(|consents| consents.give(&question)),
            Heard::No => return Err(question.refused("the answer was no")),
            Heard::Nothing => return Err(question.refused("this agent did not ask")),
            Heard::Cancelled => return Err(question.refused("the call was cancelled")),
        }
        match self.attempt(work).await? {
            Outcome::Done(result) => Ok(result.into()),
            Outcome::Ask(question) => Err(question.refused("it changed meanwhile what has to be asked for")),
        }
    }

    /// Whether the owner said yes in the dashboard. The first time he is asked there.
    fn ask_in_dashboard(&self, question: &Question) -> Result<()> {
        let mut session = self.session();
        let known = session.consents.dashboard.iter().position(|(known, _)| known == question);
        let open = self.open(&mut session)?;
        let page = format!("{}/#/approvals", open.config.vault.url);
        let client = open.client(question.environment.as_deref())?;
        let Some(known) = known else {
            let wanted = match question.way {
                Way::Use => Wanted::Use,
                Way::Reveal => Wanted::Reveal,
            };
            let mut names = question.names.clone();
            names.sort();
            names.dedup();
            let asked = client.ask(&sealing::Question { wanted, names })?;
            session.consents.dashboard.push((question.clone(), asked));
            return Err(question.refused_until(&page));
        };
        let asked =
            session.consents.dashboard.get(known).map(|(_, asked)| asked.clone()).ok_or_else(ended)?;
        let client = self.open(&mut session)?.client(question.environment.as_deref())?;
        match client.answer_to(&asked)? {
            None if asked.is_open() => Err(question.refused_until(&page)),
            // Nobody answered in its time: he is asked anew at the next call.
            None => {
                session.consents.dashboard.remove(known);
                Err(question.refused("nobody answered in ten minutes"))
            }
            Some(yes) => {
                session.consents.dashboard.remove(known);
                if !yes {
                    return Err(question.refused("the answer was no"));
                }
                session.consents.give(question);
                Ok(())
            }
        }
    }

    async fn attempt(&self, work: impl Fn(&Self) -> Result<Outcome> + Send + 'static) -> Result<Outcome> {
        let server = self.clone();
        tokio::task::spawn_blocking(move || work(&server))
            .await
            .unwrap_or_else(|_| Err(Error::local("the tool failed; nothing was injected", "call it again")))
    }

    fn consents<T>(&self, with: impl FnOnce(&mut Consents) -> T) -> T {
        with(&mut self.session().consents)
    }
}

/// What became of a question that the client was sent.
pub(super) enum Heard {
    Yes,
    No,
    /// The client did not ask it.
    Nothing,
    /// The call that it was asked for is cancelled.
    Cancelled,
}

/// Has the client ask the person, in the older life of MCP.
pub(super) async fn elicit(context: &RequestContext<RoleServer>, request: ElicitRequest) -> Heard {
    let asking = context.peer.send_request(ServerRequest::ElicitRequest(request));
    let asked = tokio::select! {
        asked = asking => asked,
        () = context.ct.cancelled() => return Heard::Cancelled,
    };
    match asked {
        Ok(ClientResult::ElicitResult(answer)) if answer.action == ElicitationAction::Accept => Heard::Yes,
        Ok(ClientResult::ElicitResult(_)) => Heard::No,
        _ => Heard::Nothing,
    }
}

pub(super) fn failure(error: &Error) -> CallToolResponse {
    CallToolResult::error(vec![ContentBlock::text(error.to_string())]).into()
}
