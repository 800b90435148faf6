//! The page a browser sees: files without a secret, to whoever asks. What it shows it gets from the API, as whoever is signed in.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::{self, HeaderMap, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::auth::sha256;
use crate::problem::{Answer, Problem};

/// What `npm run build` leaves in `web/`; empty where it was not run. A debug build reads it from the disk.
#[derive(rust_embed::Embed)]
#[folder = "$CARGO_MANIFEST_DIR/../../web/dist"]
#[allow_missing = true]
struct Dist;

/// Stands in `index.html` where the answer's nonce belongs.
const NONCE: &str = "__CSP_NONCE__";

/// What the page's own files are: nothing of them changes under the same name.
const ASSETS: &str = "assets/";

/// Whether a path is the page's, and not the API's.
pub(crate) fn is_of_the_page(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    !matches!(first, "api" | "health" | "ready" | "status" | "metrics" | "mcp")
}

/// One of the page's files; the page itself for every path that looks like none, so that it can be opened at whatever it shows.
pub(crate) fn file(path: &str, headers: &HeaderMap) -> Answer<Response> {
    let path = path.trim_start_matches('/');
    let last = path.rsplit('/').next().unwrap_or_default();
    // What the page shows may have a point in its name: files lie at the top and among the assets.
    let is_file = path.starts_with(ASSETS) || (last.contains('.') && path == last);
    if !is_file {
        return index();
    }
    if path == "page.css" && Dist::get("index.html").is_none() {
        return Ok(([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("page.css")).into_response());
    }
    // Only what `npm run build` left, by its exact name.
    let Some(kind) = content_type(last) else { return Err(no_file(path)) };
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let squeezed = [("br", "br"), ("gzip", "gz")].into_iter().find_map(|(encoding, ending)| {
        let takes = accepted.split(',').any(|taken| taken.split(';').next().unwrap_or_default().trim() == encoding);
        takes.then(|| Dist::get(&format!("{path}.{ending}")))?.map(|file| (Some(encoding), file))
    });
    let Some((encoding, file)) = squeezed.or_else(|| Dist::get(path).map(|file| (None, file))) else { return Err(no_file(path)) };
    let mut response = Response::new(body(file.data));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    let lasts = if path.starts_with(ASSETS) { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(lasts));
    Ok(response)
}

fn no_file(path: &str) -> Problem {
    Problem::not_found(format!("the page has no file /{path}"))
}

fn body(data: Cow<'static, [u8]>) -> Body {
    match data {
        Cow::Borrowed(bytes) => Body::from(bytes),
        Cow::Owned(bytes) => Body::from(bytes),
    }
}

/// The page, with styles allowed that name this answer's nonce; where it is not part of the build, what to do without it.
fn index() -> Answer<Response> {
    const KIND: (HeaderName, &str) = (header::CONTENT_TYPE, "text/html; charset=utf-8");
    let Some(index) = Dist::get("index.html") else {
        return Ok(([KIND], include_str!("page.html")).into_response());
    };
    let mut random = [0u8; 16];
    getrandom::fill(&mut random).map_err(|_| Problem::internal("the machine gives no random bytes"))?;
    let nonce = &sha256(&format!("{random:?}"))[..32];
    let text = String::from_utf8_lossy(&index.data).replace(NONCE, nonce);
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; font-src 'self'; connect-src 'self'; \
         manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let policy = HeaderValue::from_str(&policy).map_err(|e| Problem::internal(format!("the page's policy is no header: {e}")))?;
    Ok((StatusCode::OK, [KIND], [(header::CONTENT_SECURITY_POLICY, policy)], text).into_response())
}

fn content_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit('.').next().unwrap_or_default() {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}
