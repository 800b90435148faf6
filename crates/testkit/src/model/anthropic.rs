//! The Anthropic Messages wire, which Claude Code speaks.

use axum::body::Bytes;
use serde_json::{Value, json};

use super::frames::{event, pieces};
use super::request::{Asked, ModelRequest, Said, Wire};
use super::script::{HttpError, Stop, StreamError, Tool, Turn};

/// Reads a request of this wire; `None` when it is of another.
pub(super) fn understand(path: &str, body: &Value) -> Option<Asked> {
    if path == "/v1/messages/count_tokens" {
        return Some(Asked::Fixed(Wire::Anthropic, json!({"input_tokens": 100})));
    }
    if path != "/v1/messages" {
        return None;
    }
    let tools: Vec<String> = body["tools"].as_array().into_iter().flatten().filter_map(|t| t["name"].as_str()).map(str::to_owned).collect();
    let said = Said::new(&body["system"], &body["messages"], |m| m["role"] == "assistant");
    Some(Asked::Model(ModelRequest {
        wire: Some(Wire::Anthropic),
        stream: body["stream"] == true,
        main_loop: !tools.is_empty(),
        model: body["model"].as_str().unwrap_or("unknown").to_owned(),
        tools,
        cwd: working_directory(&said.all),
        schema: None,
        said,
    }))
}

/// The working directory as the agent tells it to the model.
fn working_directory(text: &str) -> Option<String> {
    let (_, after) = text.split_once("orking directory: ")?;
    after.lines().next().map(|line| line.trim().to_owned())
}

/// The content blocks of an answer.
fn blocks(request: &ModelRequest, turn: &Turn, id: &str) -> Vec<Value> {
    let text = turn.text.iter().map(|text| json!({"type": "text", "text": text}));
    let tools = turn.tools.iter().enumerate().map(|(i, tool)| {
        let (name, input) = tool_call(tool, request.cwd.as_deref());
        json!({"type": "tool_use", "id": format!("toolu_{id}_{i}"), "name": name, "input": input})
    });
    text.chain(tools).collect()
}

/// A neutral call in Claude Code's words. Its file tools want absolute paths.
fn tool_call(tool: &Tool, cwd: Option<&str>) -> (String, Value) {
    let absolute = |path: &str| match cwd {
        Some(cwd) if !path.starts_with('/') => format!("{}/{path}", cwd.trim_end_matches('/')),
        _ => path.to_owned(),
    };
    match tool {
        Tool::Write { path, content } => ("Write".into(), json!({"file_path": absolute(path), "content": content})),
        Tool::Read(path) => ("Read".into(), json!({"file_path": absolute(path)})),
        Tool::Run(command) => ("Bash".into(), json!({"command": command, "description": "run a command"})),
        Tool::Native { name, args, .. } => (name.clone(), args.clone()),
    }
}

fn stop_reason(turn: &Turn) -> &'static str {
    match turn.stop {
        Some(Stop::MaxTokens) => "max_tokens",
        Some(Stop::Refusal) => "refusal",
        None if turn.tools.is_empty() => "end_turn",
        None => "tool_use",
    }
}

fn message(request: &ModelRequest, turn: &Turn, id: &str, content: &[Value], stop: Option<&str>, output_tokens: u64) -> Value {
    json!({
        "id": format!("msg_{id}"), "type": "message", "role": "assistant", "model": request.model,
        "content": content, "stop_reason": stop, "stop_sequence": null,
        "usage": {"input_tokens": turn.usage.input, "cache_creation_input_tokens": 0, "cache_read_input_tokens": turn.usage.cached, "output_tokens": output_tokens},
    })
}

/// The answer as one message.
pub(super) fn whole(request: &ModelRequest, turn: &Turn, id: &str) -> Value {
    message(request, turn, id, &blocks(request, turn, id), Some(stop_reason(turn)), turn.usage.output)
}

/// The answer as a stream; without its second half where it is to break off.
pub(super) fn stream(request: &ModelRequest, turn: &Turn, id: &str, to_the_end: bool) -> Vec<Bytes> {
    let mut frames = Vec::new();
    let mut send = |data: Value| frames.push(event(data["type"].as_str().unwrap_or_default(), &data));
    send(json!({"type": "message_start", "message": message(request, turn, id, &[], None, 1)}));
    send(json!({"type": "ping"}));
    for (index, block) in blocks(request, turn, id).into_iter().enumerate() {
        let (start, deltas) = if block["type"] == "text" {
            let deltas: Vec<Value> = pieces(block["text"].as_str().unwrap_or_default(), to_the_end)
                .into_iter()
                .map(|text| json!({"type": "text_delta", "text": text}))
                .collect();
            (json!({"type": "text", "text": ""}), deltas)
        } else {
            let input = block["input"].to_string();
            let deltas =
                pieces(&input, to_the_end).into_iter().map(|part| json!({"type": "input_json_delta", "partial_json": part})).collect();
            (json!({"type": "tool_use", "id": block["id"], "name": block["name"], "input": {}}), deltas)
        };
        send(json!({"type": "content_block_start", "index": index, "content_block": start}));
        for delta in deltas {
            send(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        if !to_the_end {
            return frames;
        }
        send(json!({"type": "content_block_stop", "index": index}));
    }
    if to_the_end {
        send(
            json!({"type": "message_delta", "delta": {"stop_reason": stop_reason(turn), "stop_sequence": null}, "usage": {"output_tokens": turn.usage.output}}),
        );
        send(json!({"type": "message_stop"}));
    }
    frames
}

/// A stream that fails at its beginning.
pub(super) fn failing_stream(error: &StreamError) -> Vec<Bytes> {
    vec![event("error", &json!({"type": "error", "error": {"type": error.code, "message": error.message}}))]
}

/// An HTTP error's body.
pub(super) fn error(error: &HttpError, id: &str) -> Value {
    let kind = error.code.as_deref().unwrap_or(match error.status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    });
    json!({"type": "error", "error": {"type": kind, "message": error.message()}, "request_id": format!("req_{id}")})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(body: &Value) -> ModelRequest {
        match understand("/v1/messages", body) {
            Some(Asked::Model(request)) => request,
            _ => panic!("not understood"),
        }
    }

    #[test]
    fn a_relative_path_is_made_absolute_by_the_working_directory_the_agent_tells() {
        let request = asked(
            &json!({"system": [{"text": "env:\n - Primary working directory: /repo\n - more"}], "tools": [{"name": "Write"}], "messages": []}),
        );
        assert!(request.main_loop);
        let answer = whole(&request, &Turn::tool(Tool::write("a/b.txt", "x")), "1");
        assert_eq!(answer["content"][0]["input"]["file_path"], "/repo/a/b.txt");
        assert_eq!(answer["stop_reason"], "tool_use");
    }

    #[test]
    fn a_broken_stream_has_no_end() {
        let request = asked(&json!({"messages": [], "stream": true}));
        assert!(!request.main_loop);
        let text = |whole| String::from_utf8(stream(&request, &Turn::text("one two three four"), "1", whole).concat()).unwrap();
        assert!(text(true).contains("message_stop") && text(true).contains("our"));
        assert!(!text(false).contains("content_block_stop") && text(false).contains("one"));
    }
}
