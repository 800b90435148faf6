//! The Gemini wire, which Gemini CLI speaks.

use axum::body::Bytes;
use serde_json::{Value, json};

use super::frames::pieces;
use super::request::{Asked, ModelRequest, Said, Wire};
use super::script::{HttpError, Stop, StreamError, Tool, Turn};

/// Reads a request of this wire; `None` when it is of another.
pub(super) fn understand(path: &str, body: &Value) -> Option<Asked> {
    let (model, method) = path.strip_prefix("/v1beta/models/").or_else(|| path.strip_prefix("/v1/models/"))?.split_once(':')?;
    let stream = match method {
        "streamGenerateContent" => true,
        "generateContent" => false,
        "countTokens" => return Some(Asked::Fixed(Wire::Gemini, json!({"totalTokens": 100}))),
        _ => return None,
    };
    let declared = body["tools"].as_array().into_iter().flatten().filter_map(|t| t["functionDeclarations"].as_array()).flatten();
    let tools: Vec<String> = declared.filter_map(|f| f["name"].as_str()).map(str::to_owned).collect();
    let config = &body["generationConfig"];
    let schema = config.get("responseJsonSchema").or_else(|| config.get("responseSchema")).cloned();
    Some(Asked::Model(ModelRequest {
        wire: Some(Wire::Gemini),
        stream,
        main_loop: !tools.is_empty() && schema.is_none(),
        model: model.to_owned(),
        tools,
        cwd: None,
        schema,
        said: Said::new(&body["systemInstruction"], &body["contents"], |c| c["role"] == "model"),
    }))
}

/// A neutral call in Gemini CLI's words.
fn tool_call(tool: &Tool) -> Value {
    let (name, args) = match tool {
        Tool::Write { path, content } => ("write_file", json!({"file_path": path, "content": content})),
        Tool::Read(path) => ("read_file", json!({"file_path": path})),
        Tool::Run(command) => ("run_shell_command", json!({"command": command, "description": "run a command"})),
        Tool::Native { name, args, .. } => (name.as_str(), args.clone()),
    };
    json!({"functionCall": {"name": name, "args": args}})
}

/// One object of an answer; the last says why it stopped.
fn chunk(request: &ModelRequest, turn: &Turn, id: &str, parts: &[Value], last: bool) -> Value {
    let usage = turn.usage;
    let mut candidate = json!({"content": {"role": "model", "parts": parts}, "index": 0});
    if last {
        candidate["finishReason"] = json!(match turn.stop {
            Some(Stop::MaxTokens) => "MAX_TOKENS",
            Some(Stop::Refusal) => "SAFETY",
            None => "STOP",
        });
    }
    let prompt = usage.input + usage.cached;
    json!({
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": prompt, "cachedContentTokenCount": usage.cached,
            "candidatesTokenCount": usage.output, "totalTokenCount": prompt + usage.output,
        },
        "modelVersion": request.model, "responseId": format!("resp-{id}"),
    })
}

/// The answer as one object.
pub(super) fn whole(request: &ModelRequest, turn: &Turn, id: &str) -> Value {
    let parts: Vec<Value> = turn.text.iter().map(|text| json!({"text": text})).chain(turn.tools.iter().map(tool_call)).collect();
    chunk(request, turn, id, &parts, true)
}

/// The answer as a stream; without its second half where it is to break off.
pub(super) fn stream(request: &ModelRequest, turn: &Turn, id: &str, to_the_end: bool) -> Vec<Bytes> {
    let texts = turn.text.iter().flat_map(|text| pieces(text, to_the_end)).map(|text| json!({"text": text}));
    let mut parts: Vec<Value> = texts.collect();
    if to_the_end {
        parts.extend(turn.tools.iter().map(tool_call));
        if parts.is_empty() {
            parts.push(json!({"text": ""}));
        }
    }
    let count = parts.len();
    let chunks = parts.into_iter().enumerate().map(|(i, part)| chunk(request, turn, id, &[part], to_the_end && i + 1 == count));
    chunks.map(|c| data(&c)).collect()
}

/// A stream that fails at its beginning. The error comes bare, not as a server-sent event: so the CLI's client looks for it.
pub(super) fn failing_stream(error: &StreamError) -> Vec<Bytes> {
    let code = match error.code.as_str() {
        "INVALID_ARGUMENT" => 400,
        "UNAUTHENTICATED" => 401,
        "RESOURCE_EXHAUSTED" => 429,
        "UNAVAILABLE" => 503,
        _ => 500,
    };
    vec![Bytes::from(json!({"error": {"code": code, "message": error.message, "status": error.code, "details": []}}).to_string())]
}

/// An HTTP error's body.
pub(super) fn error(error: &HttpError) -> Value {
    let status = error.code.as_deref().unwrap_or(match error.status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        _ => "INTERNAL",
    });
    json!({"error": {"code": error.status, "message": error.message(), "status": status, "details": []}})
}

/// One server-sent event. This wire names no types and ends lines by CR LF.
fn data(value: &Value) -> Bytes {
    Bytes::from(format!("data: {value}\r\n\r\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_with_a_schema_is_not_of_the_main_loop() {
        let body = json!({"tools": [{"functionDeclarations": [{"name": "write_file"}]}], "generationConfig": {"responseJsonSchema": {"type": "object"}}, "contents": []});
        let Some(Asked::Model(request)) = understand("/v1beta/models/gemini-2.5-pro:generateContent", &body) else {
            panic!("not understood")
        };
        assert!(!request.main_loop && !request.stream && request.schema.is_some());
        assert_eq!(request.model, "gemini-2.5-pro");
    }

    #[test]
    fn only_the_last_chunk_of_a_whole_stream_says_why_it_stopped() {
        let request = ModelRequest::default();
        let turn = Turn::tool(Tool::run("ls")).saying("I look.");
        let reasons = |whole| String::from_utf8(stream(&request, &turn, "1", whole).concat()).unwrap().matches("finishReason").count();
        assert_eq!((reasons(true), reasons(false)), (1, 0));
    }
}
