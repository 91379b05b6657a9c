//! Every endpoint at a glance: who may use it, what it takes and answers, and what it does. The router and the
//! OpenAPI document are both made of this table.

use crate::{
    host::Host,
    http::{
        input::{self, Cursor},
        *,
    },
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::from_fn,
    routing::{delete, get, post, put},
};
use protocol::{NameIndex, Permission, SecretId, body::*};

/// What a body may be that holds many secrets, in bytes: a large value, or a change of many.
pub(crate) const MANY: usize = 1024 * 1024;

/// Who may use an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever asks.
    Anyone,
    /// Every API key and session.
    Credential,
    /// The account's owner, with a session.
    Owner,
    /// An API key with this permission, or the owner.
    Needs(Permission),
    /// An API key with the permission that its `how` needs, or the owner.
    How,
}
use Access::{Anyone, Credential, Needs, Owner};

/// A handler that takes a query refuses what it does not know; one that takes none refuses every query.
macro_rules! asked {
    ($handler:expr, $query:ty) => {
        $handler
    };
    ($handler:expr) => {
        $handler.route_layer(from_fn(input::take_no_query))
    };
}

macro_rules! endpoints {
    ($(
        $method:ident $path:literal, $access:expr, $module:ident::$handler:ident
        $(, query $query:ty)? $(, takes $takes:ty)? $(, answers $answers:ty)? $(, up_to $limit:ident)?, $does:literal;
    )+) => {
        /// The routes of this table.
        pub(crate) fn routes() -> Router<Host> {
            Router::new()$(
                .route($path, asked!($method($module::$handler) $(, $query)?)$(.layer(DefaultBodyLimit::max($limit)))?)
            )+
        }

        /// The rows of this table.
        #[cfg(feature = "schema")]
        pub const ENDPOINTS: &[crate::openapi::Endpoint] = &[$(
            crate::openapi::Endpoint {
                method: stringify!($method),
                path: $path,
                access: $access,
                id: concat!(stringify!($module), ".", stringify!($handler)),
                does: $does,
                query: &[$(crate::openapi::schema::<$query>)?],
                takes: &[$(crate::openapi::schema::<$takes>)?],
                answers: &[$(crate::openapi::schema::<$answers>)?],
            }
        ),+];

        // Where no document is made, the table is still read.
        const _: &[Access] = &[$($access),+];
        $($(const _: Option<$query> = None;)? $(const _: Option<$takes> = None;)? $(const _: Option<$answers> = None;)?)+
    };
}

endpoints! {
    get "/healthz", Anyone, health::read, answers health::Health,
        "Says whether the vault reaches its database.";
    get "/openapi.json", Anyone, health::document,
        "This document.";

    post "/v1/accounts", Anyone, accounts::sign_up, takes SignUp,
        "Signs up.";
    post "/v1/prelogin", Anyone, sessions::pre_login, takes PreLogin, answers Kdf,
        "The key-stretching parameters of an address; made-up, stable ones for an unknown one.";
    post "/v1/sessions", Anyone, sessions::log_in, takes LogIn, answers Account,
        "Logs in: registers the session's token.";
    post "/v1/recoveries", Anyone, accounts::recover, takes Recover, answers Recovered,
        "Logs in with the recovery code.";
    get "/v1/account", Owner, accounts::read, answers Account,
        "The wrapped account key and the account manifest.";
    put "/v1/account/passphrase", Owner, accounts::change_passphrase, takes NewPassphrase, answers Written,
        "Changes the passphrase; every other session ends.";
    post "/v1/account/delete", Owner, accounts::delete, takes DeleteAccount, answers Written,
        "Deletes the account with everything in it.";
    get "/v1/sessions", Owner, sessions::list, answers Page<Session>,
        "The sessions.";
    delete "/v1/sessions/{id}", Owner, sessions::end, answers Written,
        "Ends a session.";

    put "/v1/projects/{id}", Owner, projects::create, takes NewProject, answers Written,
        "Makes a project.";
    post "/v1/projects/{id}/delete", Owner, projects::remove, takes Removal, answers Written,
        "Deletes a project with everything in it.";
    get "/v1/environments", Credential, environments::list, answers Environments,
        "The environments in scope, each key wrapped for the caller.";
    put "/v1/environments/{id}", Owner, environments::create, takes NewEnvironment, answers Written,
        "Makes an environment.";
    post "/v1/environments/{id}/delete", Owner, environments::remove, takes Removal, answers Written,
        "Deletes an environment with everything in it.";

    get "/v1/environments/{id}/secrets", Credential, secrets::list, query Cursor<NameIndex>, answers Listing,
        "Names and meta, sealed; the whole manifest.";
    get "/v1/environments/{id}/secrets/{index}", Access::How, secrets::read, query ReadQuery, answers Read,
        "One secret, or the proof that there is none.";
    put "/v1/environments/{id}/secrets/{index}/policy", Owner, secrets::write_policy, takes NewPolicy, answers Written,
        "Lays down a secret's policy.";
    get "/v1/environments/{id}/secrets/{index}/versions", Credential, history::versions, answers Page<Version>,
        "A secret's versions without their values, newest first.";
    get "/v1/environments/{id}/secrets/{index}/versions/{version}", Access::How, history::read_version, query ReadQuery, answers ReadEarlier,
        "An earlier version of a secret.";
    get "/v1/environments/{id}/bin", Credential, history::bin, query Cursor<SecretId>, answers Page<Binned>,
        "Deleted secrets without their values.";
    get "/v1/environments/{id}/bin/{secret}", Access::How, history::read_binned, query ReadQuery, answers ReadEarlier,
        "A deleted secret.";
    delete "/v1/environments/{id}/bin/{secret}", Needs(Permission::Write), history::forget, answers Written,
        "Deletes a deleted secret for good.";
    post "/v1/environments/{id}/changes", Needs(Permission::Write), secrets::change, takes Change, answers Written, up_to MANY,
        "Puts and deletes secrets, all or nothing, with the manifest that results.";
    get "/v1/environments/{id}/rules", Credential, rules::read, answers ReadRules,
        "An environment's rules by tag, with the root that names them.";
    put "/v1/environments/{id}/rules", Owner, rules::write, takes NewRules, answers Written,
        "Lays down an environment's rules.";
    get "/v1/bundle", Access::How, bundle::read, query BundleQuery, answers Bundle,
        "A whole environment in one trip and one audit row.";

    put "/v1/environments/{id}/rotation", Owner, rotation::begin, takes NewRotation, answers Rotation,
        "Begins to give an environment a new key, or goes on.";
    get "/v1/environments/{id}/rotation/pending", Owner, rotation::pending, answers Pending,
        "Some of what is to be sealed anew.";
    get "/v1/environments/{id}/rotation/resealed", Owner, rotation::resealed, query Cursor<SecretId>, answers Pending,
        "What was sealed anew of the secrets that are there.";
    post "/v1/environments/{id}/rotation/resealed", Owner, rotation::keep, takes Resealed, answers Written, up_to MANY,
        "Keeps what was sealed anew.";
    post "/v1/environments/{id}/rotation/finish", Owner, rotation::finish, takes FinishRotation, answers Written, up_to MANY,
        "Turns the environment to its new key.";

    get "/v1/keys", Owner, keys::list, answers Page<KeyEntry>,
        "The API keys.";
    put "/v1/keys/{id}", Owner, keys::create, takes NewKey, answers Written,
        "Registers an API key.";
    post "/v1/keys/{id}/rotate", Owner, keys::rotate, takes RotateKey, answers Written,
        "Registers the key that takes another's place.";
    post "/v1/keys/{id}/revoke", Owner, keys::revoke, takes RevokeKey, answers Written,
        "Revokes an API key: its next request is refused.";

    put "/v1/pairings/{id}", Owner, pairings::approve, takes Pairing, answers Written,
        "Leaves a sealed API key for a machine that asked for one.";
    get "/v1/pairings/{id}", Anyone, pairings::read, answers Pairing,
        "What was left for the machine; for ten minutes.";
    delete "/v1/pairings/{id}", Anyone, pairings::end, answers Written,
        "Takes it away, once the machine has it.";

    put "/v1/environments/{id}/approvals/{approval}", Needs(Permission::Read), approvals::ask, takes NewApproval, answers Written,
        "Asks the owner for something that a person must allow.";
    get "/v1/approvals", Owner, approvals::list, answers Page<OpenApproval>,
        "What was asked and not answered yet.";
    put "/v1/approvals/{approval}/answer", Owner, approvals::answer, takes Approval, answers Written,
        "Answers it.";
    get "/v1/approvals/{approval}/answer", Anyone, approvals::read, answers Approval,
        "The owner's answer; for who knows the question's id.";

    get "/v1/usage", Credential, usage::read, answers Usage,
        "What the plan allows and what is used.";
    get "/v1/audit", Needs(Permission::Audit), audit::list, query Cursor<u64>, answers AuditRows,
        "Audit rows, newest first; an API key sees its own and those of its environments.";
    get "/v1/audit/rows", Needs(Permission::Audit), audit::rows, query audit::RowsQuery, answers Page<LoggedRow>,
        "Audit rows in order, with what their leaves are of; the bare leaves of those that the caller may not see.";
    get "/v1/audit/export", Needs(Permission::Audit), audit::export, query audit::RowsQuery,
        "The same as JSON lines (application/jsonl); the next page is in the link header.";
    get "/v1/audit/segments", Needs(Permission::Audit), segments::list, query Cursor<u64>, answers Segments,
        "The headers of closed segments, oldest first.";
    post "/v1/audit/segments", Needs(Permission::Audit), segments::close, answers Closed,
        "Closes the oldest open rows into a segment.";
}
