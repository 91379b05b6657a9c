//! `set-secret`: a value that a person types. They do so in the vault's dashboard: neither the conversation nor a form of
//! the agent's sees it. The client opens the page where it can, else the agent is told its address.

use super::{
    Server,
    asking::{Heard, elicit},
    parse,
    session::Session,
    text,
};
use crate::{
    error::{Error, Kind, Result},
    ticket,
};
use protocol::SecretName;
use rmcp::{
    RoleServer,
    model::{
        CallToolResponse, CallToolResult, ElicitRequest, ElicitRequestParams, InputRequest,
        InputRequiredResult,
    },
    schemars::{self, JsonSchema},
    service::RequestContext,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The only question of a round.
const KEY: &str = "page";

#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetSecret {
    /// What it is called, or to be called.
    name: String,
    /// The environment, if the key may use several.
    #[serde(default)]
    environment: Option<String>,
}

/// Where a value is typed.
struct Form {
    name: SecretName,
    place: String,
    page: String,
    /// The secret's, if there is one.
    version: Option<u64>,
}

impl Form {
    fn what_to_do(&self) -> String {
        match self.version {
            Some(_) => format!("change the value of {}", self.name),
            None => format!("add {}", self.name),
        }
    }

    fn request(&self) -> Result<ElicitRequest> {
        Ok(ElicitRequest::new(ElicitRequestParams::UrlElicitationParams {
            meta: None,
            message: format!(
                "The coding agent asks you to {} in {}. Open the vault's dashboard and type the value there?",
                self.what_to_do(),
                self.place
            ),
            url: self.page.clone(),
            elicitation_id: ticket::random()?,
        }))
    }

    fn told(&self, opened: bool) -> CallToolResult {
        let until = match self.version {
            Some(version) => format!("a later version of it than {version}"),
            None => "it".to_owned(),
        };
        let how = if opened {
            "The user opens the vault's dashboard".to_owned()
        } else {
            format!("Ask the user to open the vault's dashboard, {}", self.page)
        };
        let mut result = text(&format!(
            "{how}, to {} in {}. Do not ask for the value here. It is stored when list-secrets shows {until}.",
            self.what_to_do(),
            self.place
        ));
        result.structured_content =
            Some(json!({ "name": self.name, "page": self.page, "opened": opened, "version": self.version }));
        result
    }

    fn refused(&self) -> Error {
        Error::new(
            Kind::Refused,
            format!("the user does not want to {} now", self.what_to_do()),
            "go on without it, or ask them what to do",
        )
    }
}

impl Server {
    pub(super) async fn have_typed(
        &self,
        asked: SetSecret,
        context: RequestContext<RoleServer>,
        responses: Option<BTreeMap<String, Value>>,
    ) -> Result<CallToolResponse> {
        let server = self.clone();
        let form = tokio::task::spawn_blocking(move || server.form(&mut server.session(), &asked)).await;
        let form = form
            .unwrap_or_else(|_| Err(Error::local("the tool failed; nothing was changed", "call it again")))?;
        let capability = context.client_capabilities().and_then(|client| client.elicitation);
        if capability.is_none_or(|elicitation| elicitation.url.is_none()) {
            return Ok(form.told(false).into());
        }
        if !context.protocol_version().is_some_and(|version| version.has_initialize()) {
            let Some(answer) = responses.as_ref().and_then(|responses| responses.get(KEY)) else {
                let requests = BTreeMap::from([(KEY.to_owned(), InputRequest::Elicitation(form.request()?))]);
                return Ok(InputRequiredResult::new(Some(requests), None).into());
            };
            let accepted = answer.get("action").and_then(Value::as_str) == Some("accept");
            return if accepted { Ok(form.told(true).into()) } else { Err(form.refused()) };
        }
        match elicit(&context, form.request()?).await {
            Heard::Yes => Ok(form.told(true).into()),
            Heard::No | Heard::Cancelled => Err(form.refused()),
            Heard::Nothing => Ok(form.told(false).into()),
        }
    }

    fn form(&self, session: &mut Session, asked: &SetSecret) -> Result<Form> {
        self.check_awake(session)?;
        let name: SecretName = parse(&asked.name)?;
        crate::names::check(&name)?;
        let open = self.open(session)?;
        let dashboard = open.config.vault.url.clone();
        let client = open.client(asked.environment.as_deref())?;
        let version = client.list()?.iter().find(|one| one.name == name).map(|one| one.version);
        let environment = client.environment()?;
        let (names, id) = (&environment.names, environment.id());
        // A secret's own form, or the list, where one is added; of this environment, whichever the page showed last.
        let page = if version.is_some() {
            format!("{dashboard}/#/secret/{name}/{id}")
        } else {
            format!("{dashboard}/#/in/{id}")
        };
        Ok(Form { name, place: format!("{}/{}", names.project, names.environment), page, version })
    }
}
