//! What the fake was asked, and what it answered.

use serde_json::Value;

/// A call.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The HTTP method.
    pub method: String,
    /// The path behind the base address, as it came.
    pub path: String,
    /// The query's pairs, decoded.
    pub query: Vec<(String, String)>,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; `null` where there is none or it is not JSON.
    pub body: Value,
    /// The status of the answer that was sent; `None` where none was.
    pub status: Option<u16>,
    /// The body of the answer, where it was JSON.
    pub answer: Value,
}

impl Exchange {
    /// A header of the request.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}
