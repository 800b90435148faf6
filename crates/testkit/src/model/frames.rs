//! An answer as bytes: whole, as server-sent events, or a stream that breaks off.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::{Stream, StreamExt, stream};
use serde_json::Value;

use super::log::OpenRequest;
use super::script::Ending;

/// Time for the sent part of an answer to leave before its connection is broken: else the client may see none of it.
const FLUSH: Duration = Duration::from_millis(30);

/// One server-sent event with its type named, as two of the wires want it.
pub(super) fn event(kind: &str, data: &Value) -> Bytes {
    Bytes::from(format!("event: {kind}\ndata: {data}\n\n"))
}

/// A text in a few pieces, as a model streams it; only the first half of them where the answer is to break off.
pub(super) fn pieces(text: &str, whole: bool) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let size = chars.len().div_ceil(4).max(1);
    let mut pieces: Vec<String> = chars.chunks(size).map(|c| c.iter().collect()).collect();
    if !whole {
        pieces.truncate(pieces.len().div_ceil(2));
    }
    pieces
}

/// The frames as a response body that ends as `end` says. The request counts as open until the body is gone.
pub(super) fn body(frames: Vec<Bytes>, end: Ending, mut open: OpenRequest) -> Body {
    let sent = stream::iter(frames).map(Ok::<_, io::Error>);
    let tail = stream::once(async move {
        match end {
            Ending::Complete | Ending::CutClean => Ok(Bytes::new()),
            Ending::CutAbrupt => {
                tokio::time::sleep(FLUSH).await;
                Err(io::Error::other("the script breaks the connection here"))
            }
            Ending::Hang | Ending::HangMidStream => match never().await {},
        }
    });
    let last = stream::once(async move {
        open.answered();
        Ok(Bytes::new())
    });
    // Empty chunks would end a chunked body early on some clients, so they are not sent.
    Body::from_stream(non_empty(sent.chain(tail.boxed()).chain(last.boxed())))
}

fn non_empty(bytes: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    bytes.filter(|b| std::future::ready(!matches!(b, Ok(b) if b.is_empty())))
}

/// Never comes back. The connection's end or the server's drops the waiting future.
pub(super) async fn never() -> Infallible {
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_to_the_text_and_half_of_them_to_its_beginning() {
        let text = "Grüße aus dem Test";
        assert_eq!(pieces(text, true).concat(), text);
        let half = pieces(text, false).concat();
        assert!(text.starts_with(&half) && half.len() < text.len() && !half.is_empty());
    }
}
