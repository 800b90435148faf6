//! The routes: each is registered once, for the router and the OpenAPI document alike.

use axum::Router;
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::{Answer, Problem};
use crate::state::App;
use crate::{
    agent, api_tokens, assignments, attempts, audit, auth, branches, breakers, control, dead_letters, etag, events, files, findings, guard,
    housekeeping, jobs, locks, mcp, metrics, nodes, notifications, openapi, operations, page, projects, session, sessions, settings,
    sign_ins, users, work,
};

/// Everything, behind the guard and the tokens.
pub(crate) fn router(app: App) -> Router {
    let (router, _) = documented(Some(&app)).split_for_parts();
    // The last layer is the first that sees a request.
    router
        .merge(mcp::routes(&app))
        .method_not_allowed_fallback(no_such_method)
        .fallback(no_route)
        .layer(from_fn(etag::tag))
        .layer(from_fn_with_state(app.clone(), auth::authenticate))
        .layer(from_fn_with_state(app.clone(), guard::guard))
        .layer(from_fn_with_state(app.clone(), audit::write))
        .layer(map_response(guard::harden))
        .with_state(app)
}

/// The documented routes. Without an app there are no checks: for the document only.
pub(crate) fn documented(app: Option<&App>) -> OpenApiRouter<App> {
    let open = OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(control::health))
        .routes(routes!(control::ready))
        .routes(routes!(session::sign_in));
    let (people, admins) = match app {
        Some(app) => (
            people().layer(from_fn_with_state(app.clone(), auth::people_only)),
            admins().layer(from_fn_with_state(app.clone(), auth::admins_only)),
        ),
        None => (people(), admins()),
    };
    open.merge(people).merge(admins).merge(people_and_agents())
}

/// The documented routes whose verbs agents are given as tools: all but what is for admins.
pub(crate) fn for_tools() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::head()).merge(people()).merge(people_and_agents())
}

/// What decides who may do what, what is trusted and what is kept: for admins.
fn admins() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(housekeeping::run))
        .routes(routes!(housekeeping::backup))
        .routes(routes!(housekeeping::restore))
        .routes(routes!(projects::put))
        .routes(routes!(projects::trust))
        .routes(routes!(session::login_link))
        .routes(routes!(api_tokens::list, api_tokens::create))
        .routes(routes!(api_tokens::revoke))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::change, users::remove))
        .routes(routes!(audit::list))
        .routes(routes!(notifications::test))
}

/// What only a person may call: to look, or to operate. A route belongs here unless its handler checks which assignment it is about.
fn people() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(metrics::metrics))
        .routes(routes!(metrics::status))
        .routes(routes!(control::status))
        .routes(routes!(control::doctor))
        .routes(routes!(files::files))
        .routes(routes!(files::dead_letters))
        .routes(routes!(control::pause))
        .routes(routes!(control::resume))
        .routes(routes!(control::unpark))
        .routes(routes!(housekeeping::show))
        .routes(routes!(openapi::document))
        .routes(routes!(settings::list))
        .routes(routes!(assignments::list, assignments::create))
        .routes(routes!(assignments::run))
        .routes(routes!(assignments::run_many))
        .routes(routes!(assignments::clean_up))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::cancel))
        .routes(routes!(jobs::retry))
        .routes(routes!(jobs::approve))
        .routes(routes!(nodes::list))
        .routes(routes!(notifications::list))
        .routes(routes!(dead_letters::list))
        .routes(routes!(dead_letters::show))
        .routes(routes!(dead_letters::replay))
        .routes(routes!(findings::list))
        .routes(routes!(operations::list, operations::submit))
        .routes(routes!(operations::show))
        .routes(routes!(operations::result))
        .routes(routes!(operations::cancel))
        .routes(routes!(operations::events))
        .routes(routes!(locks::list))
        .routes(routes!(branches::list))
        .routes(routes!(branches::merged))
        .routes(routes!(branches::release))
        .routes(routes!(breakers::list))
        .routes(routes!(breakers::close))
        .routes(routes!(projects::list))
        .routes(routes!(projects::show))
        .routes(routes!(projects::trust_candidate))
        .routes(routes!(work::list))
        .routes(routes!(work::stats))
        .routes(routes!(work::events))
        .routes(routes!(work::inbox))
        .routes(routes!(work::charts))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::metrics))
        .routes(routes!(sessions::events))
        .routes(routes!(sessions::show))
        .routes(routes!(sessions::activity))
}

/// What an agent, or a token of one assignment, may call too: each handler asks [`auth::Caller`] about the assignment it is about.
fn people_and_agents() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(session::me))
        .routes(routes!(session::sign_out))
        .routes(routes!(sign_ins::list))
        .routes(routes!(sign_ins::end))
        .routes(routes!(assignments::show))
        .routes(routes!(assignments::update))
        .routes(routes!(assignments::insert_jobs))
        .routes(routes!(assignments::message))
        .routes(routes!(assignments::cancel))
        .routes(routes!(assignments::diff))
        .routes(routes!(jobs::show))
        .routes(routes!(jobs::explain))
        .routes(routes!(attempts::show))
        .routes(routes!(attempts::transcript))
        .routes(routes!(events::events))
        .routes(routes!(agent::identity))
        .routes(routes!(agent::verdict))
        .routes(routes!(agent::progress))
        .routes(routes!(sessions::hear))
}

/// The page's files, for who reads; anything else is nothing.
async fn no_route(method: Method, uri: Uri, headers: HeaderMap) -> Answer<Response> {
    if (method == Method::GET || method == Method::HEAD) && page::is_of_the_page(uri.path()) {
        return page::file(uri.path(), &headers);
    }
    Err(no_such_route(&method, &uri))
}

fn no_such_route(method: &Method, uri: &Uri) -> Problem {
    Problem::not_found(format!("nothing answers {method} {}", uri.path())).hint("the routes are listed in /api/v1/openapi.json")
}

async fn no_such_method(method: Method, uri: Uri) -> Problem {
    Problem::method_not_allowed(format!("{} does not answer {method}", uri.path())).hint("the routes are listed in /api/v1/openapi.json")
}
