//! The OpenAPI 3.1 document, made of the table of endpoints and of the types of what travels.

use crate::endpoints::{Access, ENDPOINTS};
use protocol::Problem;
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// Makes the schema of a type.
pub(crate) type MakeSchema = fn(&mut SchemaGenerator) -> Schema;

/// A row of the table of endpoints.
pub struct Endpoint {
    /// In lower case.
    pub method: &'static str,
    /// With the names of its parameters in braces.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    /// Its name: where its code is.
    pub id: &'static str,
    /// What it does, in a sentence.
    pub does: &'static str,
    pub(crate) query: &'static [MakeSchema],
    pub(crate) takes: &'static [MakeSchema],
    pub(crate) answers: &'static [MakeSchema],
}

pub(crate) fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// The document.
pub fn document() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<Problem>();
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in ENDPOINTS {
        let operation = operation(endpoint, &mut generator, &problem);
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(endpoint.method.to_owned(), operation);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "SecureCode vault",
            "version": "1",
            "description": "Keeps secrets that clients sealed and decides who may have them. Names, values and keys never reach it in clear: docs/protocol.md says how each blob is made.",
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "An access token, `sct_…`." },
            },
        },
    })
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator, problem: &Schema) -> Value {
    let mut parameters: Vec<Value> = endpoint
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            let schema = match name {
                "version" => json!({ "type": "integer", "minimum": 1, "maximum": 1_u64 << 52 }),
                _ => json!({ "type": "string", "pattern": "^[0-9a-f]{32}$" }),
            };
            json!({ "name": name, "in": "path", "required": true, "schema": schema })
        })
        .collect();
    if let Some(query) = endpoint.query.first() {
        parameters.extend(query_parameters(*query, generator));
    }
    let answer = match endpoint.answers.first() {
        Some(answers) => json!({
            "description": "Done.",
            "content": { "application/json": { "schema": answers(generator) } },
        }),
        None => json!({ "description": "Done." }),
    };
    let status = if endpoint.id == "accounts.sign_up" { "201" } else { "200" };
    let refused = json!({
        "description": "Refused; `code` says why.",
        "content": { "application/problem+json": { "schema": problem } },
    });
    let mut operation = json!({
        "operationId": endpoint.id,
        "summary": endpoint.does,
        "x-access": match endpoint.access {
            Access::Anyone => "anyone".to_owned(),
            Access::Credential => "credential".to_owned(),
            Access::Owner => "owner".to_owned(),
            Access::How => "how".to_owned(),
            Access::Needs(permission) => permission.to_string(),
        },
        "responses": { status: answer, "4XX": refused, "5XX": refused },
    });
    let Some(fields) = operation.as_object_mut() else { return operation };
    if !parameters.is_empty() {
        fields.insert("parameters".into(), parameters.into());
    }
    if let Some(takes) = endpoint.takes.first() {
        let body =
            json!({ "required": true, "content": { "application/json": { "schema": takes(generator) } } });
        fields.insert("requestBody".into(), body);
    }
    if endpoint.access != Access::Anyone {
        fields.insert("security".into(), json!([{ "token": [] }]));
    }
    operation
}

/// A query is a struct, each of whose fields is a parameter.
fn query_parameters(query: MakeSchema, generator: &mut SchemaGenerator) -> Vec<Value> {
    let reference = query(generator);
    let name = reference.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
    let schema = name.and_then(|name| generator.definitions().get(name)).cloned().unwrap_or_default();
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let properties = schema.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flatten()
        .map(|(name, schema)| {
            json!({
                "name": name, "in": "query", "required": required.contains(&name.as_str()),
                "schema": without_null(schema),
            })
        })
        .collect()
}

/// A parameter is there or not; it is never null.
fn without_null(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(types) = schema.get_mut("type")
        && let Some(first) = types.as_array().and_then(|types| types.first()).cloned()
    {
        *types = first;
    }
    let others = schema.get("anyOf").and_then(Value::as_array).cloned().unwrap_or_default();
    match others.into_iter().find(|one| one.get("type").is_none_or(|kind| kind != "null")) {
        Some(one) => one,
        None => schema,
    }
}
