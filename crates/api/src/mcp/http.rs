//! `/mcp`: the protocol over HTTP, beside the API's other routes.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Extensions, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, Limited};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tower::ServiceExt as _;

use super::{Api, ApiAnswer, ApiRequest, NoAnswer, PATH, Server};
use crate::auth::Caller;
use crate::problem::Problem;
use crate::server::Peer;
use crate::state::App;
use crate::{audit, router};

/// The longest answer that is read, in bytes: longer than any that is given on.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The most of a refusal that is read, in bytes.
const REFUSAL_BYTES_MAX: usize = 4 * 1024;

/// The route.
pub(crate) fn routes(app: &App) -> Router<App> {
    Router::new().route_service(PATH, service(app)).layer(map_response(in_words))
}

/// What the protocol's library refuses in bare text is refused as everywhere else.
async fn in_words(response: Response) -> Response {
    let status = response.status();
    let is_told = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/"));
    if status.is_success() || is_told {
        return response;
    }
    let text = Limited::new(response.into_body(), REFUSAL_BYTES_MAX).collect().await.map(http_body_util::Collected::to_bytes);
    let text = text.map(|text| String::from_utf8_lossy(&text).trim().to_owned()).unwrap_or_default();
    let problem = match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            Problem::method_not_allowed("messages of the protocol come by POST; no stream and no session is kept here")
        }
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(text),
        status if status.is_client_error() => {
            Problem::bad_request(text).hint("send one message of JSON-RPC 2.0, with Accept: application/json, text/event-stream")
        }
        _ => Problem::internal(text),
    };
    problem.into_response()
}

/// What answers. Whoever calls is known already; each message stands for itself, so that a restart loses no session.
fn service(app: &App) -> StreamableHttpService<Server<Here>, NeverSessionManager> {
    let server = Server::new(Here::new(app));
    // Host, Origin and token were checked before, as for every route.
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .disable_allowed_hosts()
        .with_max_request_body_bytes(app.limits.body_bytes_max)
        .with_cancellation_token(app.closing.child_token());
    StreamableHttpService::new(move || Ok(server.clone()), Arc::new(NeverSessionManager::default()), config)
}

/// The daemon's own routes.
#[derive(Clone)]
pub(crate) struct Here(Router);

impl Here {
    fn new(app: &App) -> Self {
        let (routes, _) = router::documented(Some(app)).split_for_parts();
        // Each request is audited as what it is, like one that came by itself.
        let routes = routes.layer(from_fn_with_state(app.clone(), known)).layer(from_fn_with_state(app.clone(), audit::write));
        Self(routes.with_state(app.clone()))
    }
}

/// Tells the audit log who calls.
async fn known(caller: Caller, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.extensions_mut().insert(caller);
    response
}

impl Api for Here {
    async fn ask(&self, asked: ApiRequest, from: &Extensions) -> Result<ApiAnswer, NoAnswer> {
        let broken = |what: &str| NoAnswer(format!("the request could not be made: {what}"));
        let caller = from.get::<Caller>().cloned().ok_or_else(|| broken("nobody is known to call"))?;
        let peer = from.get::<Peer>().copied().unwrap_or(Peer::Unknown);
        let mut request = Request::builder().method(asked.method.clone()).uri(&asked.target).header(header::ACCEPT, "application/json");
        if asked.method != Method::GET {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = asked.body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let mut request = request.body(body).map_err(|e| broken(&e.to_string()))?;
        request.extensions_mut().insert(caller);
        request.extensions_mut().insert(peer);
        let response = self.0.clone().oneshot(request).await.map_err(|never| match never {})?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
            .collect()
            .await
            .map_err(|e| NoAnswer(format!("the answer broke off: {e}")))?;
        Ok(ApiAnswer { status, body: body.to_bytes().to_vec() })
    }
}
