//! The OpenAI Responses wire, which Codex speaks.

use axum::body::Bytes;
use serde_json::{Value, json};

use super::frames::{event, pieces};
use super::request::{Asked, ModelRequest, Said, Wire};
use super::script::{HttpError, Stop, StreamError, Tool, Turn};

/// How long a command may run before Codex hands the model a session id instead of its output.
const YIELD_MS: u64 = 30_000;

/// Reads a request of this wire; `None` when it is of another.
pub(super) fn understand(path: &str, body: &Value) -> Option<Asked> {
    if path != "/v1/responses" && path != "/responses" {
        return None;
    }
    // Newer models get their tools in an item of the conversation instead of in `tools`.
    let additional = body["input"].as_array().into_iter().flatten().filter(|item| item["type"] == "additional_tools");
    let lists = std::iter::once(&body["tools"]).chain(additional.map(|item| &item["tools"]));
    let tools: Vec<String> = lists
        .filter_map(Value::as_array)
        .flatten()
        .map(|t| t["name"].as_str().or(t["type"].as_str()).unwrap_or_default().to_owned())
        .collect();
    let by_model = |item: &Value| {
        item["role"] == "assistant" || matches!(item["type"].as_str(), Some("function_call" | "custom_tool_call" | "reasoning"))
    };
    Some(Asked::Model(ModelRequest {
        wire: Some(Wire::OpenAi),
        stream: body["stream"] == true,
        main_loop: !tools.is_empty(),
        model: body["model"].as_str().unwrap_or("unknown").to_owned(),
        tools,
        cwd: None,
        schema: body["text"]["format"].get("schema").cloned(),
        said: Said::new(&body["instructions"], &body["input"], by_model),
    }))
}

/// The output items of an answer.
fn items(request: &ModelRequest, turn: &Turn, id: &str) -> Vec<Value> {
    let text = turn.text.iter().map(|text| text_item(&format!("msg_{id}"), text));
    let tools = turn.tools.iter().enumerate().map(|(i, tool)| {
        let (item_id, call_id) = (format!("fc_{id}_{i}"), format!("call_{id}_{i}"));
        match tool_call(tool, request) {
            Call::Function { name, namespace: None, args } => {
                json!({"type": "function_call", "id": item_id, "call_id": call_id, "name": name, "arguments": args.to_string()})
            }
            Call::Function { name, namespace: Some(namespace), args } => {
                json!({"type": "function_call", "id": item_id, "call_id": call_id, "name": name, "namespace": namespace, "arguments": args.to_string()})
            }
            Call::Freeform { name, input } => json!({"type": "custom_tool_call", "id": item_id, "call_id": call_id, "name": name, "input": input}),
        }
    });
    text.chain(tools).collect()
}

fn text_item(id: &str, text: &str) -> Value {
    json!({"type": "message", "id": id, "role": "assistant", "status": "completed", "content": [text_part(text)]})
}

fn text_part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": []})
}

enum Call {
    Function { name: String, namespace: Option<String>, args: Value },
    Freeform { name: String, input: String },
}

/// A neutral call in Codex's words, by the tools that it offers for the model it believes to talk to.
fn tool_call(tool: &Tool, request: &ModelRequest) -> Call {
    let command = match tool {
        Tool::Native { name, namespace, args } => {
            return match args.as_str() {
                Some(input) => Call::Freeform { name: name.clone(), input: input.to_owned() },
                None => Call::Function { name: name.clone(), namespace: namespace.clone(), args: args.clone() },
            };
        }
        // A patch ends every line it adds.
        Tool::Write { path, content } if request.offers("apply_patch") && content.ends_with('\n') => {
            let lines: String = content.lines().flat_map(|line| ["+", line, "\n"]).collect();
            return Call::Freeform {
                name: "apply_patch".into(),
                input: format!("*** Begin Patch\n*** Add File: {path}\n{lines}*** End Patch\n"),
            };
        }
        Tool::Write { path, content } => {
            let parent = path.rsplit_once('/').map_or(String::new(), |(parent, _)| format!("mkdir -p {} && ", quoted(parent)));
            format!("{parent}printf %s {} > {}", quoted(content), quoted(path))
        }
        Tool::Read(path) => format!("cat {}", quoted(path)),
        Tool::Run(command) => command.clone(),
    };
    let args = json!({"cmd": command, "yield_time_ms": YIELD_MS});
    if request.offers("exec") && !request.offers("exec_command") {
        return Call::Freeform {
            name: "exec".into(),
            input: format!("const r = await tools.exec_command({args}); text(JSON.stringify(r));"),
        };
    }
    Call::Function { name: "exec_command".into(), namespace: None, args }
}

/// A text as one word of a shell command.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn response(request: &ModelRequest, turn: &Turn, id: &str, output: &[Value]) -> Value {
    let (input, output_tokens) = (turn.usage.input + turn.usage.cached, turn.usage.output);
    let incomplete = turn.stop.map(|stop| match stop {
        Stop::MaxTokens => json!({"reason": "max_output_tokens"}),
        Stop::Refusal => json!({"reason": "content_filter"}),
    });
    json!({
        "id": format!("resp_{id}"), "object": "response", "model": request.model, "output": output,
        "status": if incomplete.is_some() { "incomplete" } else { "completed" }, "incomplete_details": incomplete,
        "usage": {
            "input_tokens": input, "input_tokens_details": {"cached_tokens": turn.usage.cached},
            "output_tokens": output_tokens, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": input + output_tokens,
        },
    })
}

/// The answer as one response.
pub(super) fn whole(request: &ModelRequest, turn: &Turn, id: &str) -> Value {
    response(request, turn, id, &items(request, turn, id))
}

/// The answer as a stream; without its second half where it is to break off.
pub(super) fn stream(request: &ModelRequest, turn: &Turn, id: &str, to_the_end: bool) -> Vec<Bytes> {
    let mut frames = Vec::new();
    let mut send = |data: Value| frames.push(event(data["type"].as_str().unwrap_or_default(), &data));
    send(json!({"type": "response.created", "response": {"id": format!("resp_{id}"), "status": "in_progress"}}));
    let items = items(request, turn, id);
    for (index, item) in items.iter().enumerate() {
        let item_id = &item["id"];
        let text = item["content"][0]["text"].as_str();
        let begun = if text.is_some() {
            json!({"type": "message", "id": item_id, "role": "assistant", "status": "in_progress", "content": []})
        } else {
            item.clone()
        };
        send(json!({"type": "response.output_item.added", "output_index": index, "item": begun}));
        if let Some(text) = text {
            send(
                json!({"type": "response.content_part.added", "item_id": item_id, "output_index": index, "content_index": 0, "part": text_part("")}),
            );
            for delta in pieces(text, to_the_end) {
                send(
                    json!({"type": "response.output_text.delta", "item_id": item_id, "output_index": index, "content_index": 0, "delta": delta}),
                );
            }
        }
        if !to_the_end {
            return frames;
        }
        if let Some(text) = text {
            send(json!({"type": "response.output_text.done", "item_id": item_id, "output_index": index, "content_index": 0, "text": text}));
            send(
                json!({"type": "response.content_part.done", "item_id": item_id, "output_index": index, "content_index": 0, "part": text_part(text)}),
            );
        }
        send(json!({"type": "response.output_item.done", "output_index": index, "item": item}));
    }
    if to_the_end {
        let kind = if turn.stop.is_some() { "response.incomplete" } else { "response.completed" };
        send(json!({"type": kind, "response": response(request, turn, id, &items)}));
    }
    frames
}

/// A stream that fails after its beginning.
pub(super) fn failing_stream(error: &StreamError, id: &str) -> Vec<Bytes> {
    let id = format!("resp_{id}");
    let failed = json!({"id": id, "status": "failed", "error": {"code": error.code, "message": error.message}});
    vec![
        event("response.created", &json!({"type": "response.created", "response": {"id": id, "status": "in_progress"}})),
        event("response.failed", &json!({"type": "response.failed", "response": failed})),
    ]
}

/// An HTTP error's body.
pub(super) fn error(error: &HttpError) -> Value {
    let kind = match error.status {
        400 | 401 | 404 => "invalid_request_error",
        429 => "rate_limit_error",
        _ => "server_error",
    };
    json!({"error": {"message": error.message(), "type": kind, "param": null, "code": error.code}})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(body: &Value) -> ModelRequest {
        match understand("/v1/responses", body) {
            Some(Asked::Model(request)) => request,
            _ => panic!("not understood"),
        }
    }

    #[test]
    fn a_file_is_written_by_a_patch_where_patches_are_offered() {
        let request = asked(&json!({"tools": [{"type": "custom", "name": "apply_patch"}, {"name": "exec_command"}], "input": []}));
        let item = &whole(&request, &Turn::tool(Tool::write("a.txt", "x\ny\n")), "1")["output"][0];
        assert_eq!(item["input"], "*** Begin Patch\n*** Add File: a.txt\n+x\n+y\n*** End Patch\n");
    }

    #[test]
    fn a_file_is_written_by_a_command_where_a_patch_cannot() {
        let request = asked(&json!({"tools": [{"type": "custom", "name": "apply_patch"}, {"name": "exec_command"}], "input": []}));
        let item = &whole(&request, &Turn::tool(Tool::write("d/a.txt", "it's")), "1")["output"][0];
        let args: Value = serde_json::from_str(item["arguments"].as_str().unwrap()).unwrap();
        assert_eq!(args["cmd"], r"mkdir -p 'd' && printf %s 'it'\''s' > 'd/a.txt'");
    }

    #[test]
    fn tools_in_an_item_of_the_conversation_make_a_main_loop_request() {
        let request = asked(&json!({"input": [{"type": "additional_tools", "tools": [{"type": "custom", "name": "exec"}]}]}));
        assert!(request.main_loop);
        let item = &whole(&request, &Turn::tool(Tool::run("ls")), "1")["output"][0];
        assert!(item["name"] == "exec" && item["input"].as_str().unwrap().contains("tools.exec_command({"));
    }
}
