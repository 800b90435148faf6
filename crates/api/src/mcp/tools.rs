//! The API's operations as tools: what each is called, who may use it, what it takes, and the request that it makes.

use std::sync::{Arc, LazyLock};

use axum::http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rmcp::model::{JsonObject, ToolAnnotations};
use serde_json::{Map, Value, json};
use windlass_types::{Level, Scope};

use super::ApiRequest;
use super::schema::inlined;
use crate::router;

/// What is no tool: endless streams, what machines ask, how one signs in and out, what other tools do as well.
const NO_TOOLS: [&str; 15] = [
    // What lets an agent's own change past its guard is a person's to say.
    "approve_job",
    "end_sign_in",
    "follow_agents",
    "follow_operation",
    "follow_work",
    "health",
    "list_sign_ins",
    "metrics",
    "ready",
    "run_many",
    "show_counts",
    "show_openapi",
    "sign_in",
    "sign_out",
    "tell_hook",
];

/// What agents inside jobs may call, and nobody else.
const FOR_AGENTS: [&str; 3] = ["give_verdict", "show_agent", "tell_progress"];

/// What agents inside jobs may call like people.
const FOR_AGENTS_TOO: [&str; 8] =
    ["explain_job", "follow_events", "show_assignment", "show_attempt", "show_diff", "show_job", "show_me", "show_transcript"];

/// What a token of one assignment may call beside that.
const OF_ONE_ASSIGNMENT: [&str; 4] = ["cancel_assignment", "insert_jobs", "send_message", "update_assignment"];

/// What is lost by these is not had back by another call.
const DESTRUCTIVE: [&str; 6] =
    ["branch_merged", "cancel_assignment", "cancel_job", "cancel_operation", "clean_up_assignment", "release_branch"];

/// What the body is called where it is no object of its own fields.
const BODY: &str = "body";

/// All but what may stand in a path or query as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Caller {
    is_agent: bool,
    scope: Scope,
    /// The one assignment that they may see, if there is one.
    pub(super) is_bound: bool,
}

impl Caller {
    /// From what `/api/v1/me` says.
    pub(super) fn read(me: &str) -> Self {
        let me: Value = serde_json::from_str(me).unwrap_or_default();
        let scope = me["scope"].as_str().and_then(|scope| scope.parse().ok()).unwrap_or(Scope::Read);
        Self { is_agent: me["via"] == "agent", scope, is_bound: !me["assignment_id"].is_null() }
    }
}

/// One operation of the API.
#[derive(Debug)]
pub(super) struct Tool {
    name: String,
    id: String,
    method: Method,
    path: String,
    parameters: Vec<Parameter>,
    body: Body,
    shown: rmcp::model::Tool,
}

#[derive(Debug)]
struct Parameter {
    name: String,
    in_path: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Body {
    None,
    /// The arguments that are no parameters.
    Fields(Vec<String>),
    /// One argument, [`BODY`].
    Whole,
}

/// All tools, in the order of their names.
#[derive(Debug, Clone)]
pub(super) struct Tools(Arc<Vec<Tool>>);

impl Tools {
    /// The tools of this version's document.
    pub(super) fn of_the_document() -> Self {
        static TOOLS: LazyLock<Tools> = LazyLock::new(|| {
            let document = serde_json::to_value(router::for_tools().into_openapi()).unwrap_or_default();
            Tools(Arc::new(read(&document)))
        });
        TOOLS.clone()
    }

    pub(super) fn find(&self, name: &str) -> Option<&Tool> {
        self.0.iter().find(|tool| tool.name == name)
    }

    /// Those of use to a caller. Which they may really use the API decides, at each call.
    pub(super) fn of(&self, caller: Caller) -> impl Iterator<Item = &Tool> {
        self.0.iter().filter(move |tool| {
            let (for_agents, for_both) = (FOR_AGENTS.contains(&tool.id.as_str()), FOR_AGENTS_TOO.contains(&tool.id.as_str()));
            if caller.is_agent {
                return for_agents || for_both;
            }
            let level = if tool.method == Method::GET { Level::Read } else { Level::Operate };
            let is_of_one = for_both || OF_ONE_ASSIGNMENT.contains(&tool.id.as_str());
            !for_agents && (is_of_one || !caller.is_bound) && caller.scope.level() >= level
        })
    }
}

/// The tools that a document of routes describes.
fn read(document: &Value) -> Vec<Tool> {
    let operations = document["paths"].as_object().into_iter().flatten().flat_map(|(path, methods)| {
        methods.as_object().into_iter().flatten().map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    });
    let mut tools: Vec<Tool> =
        operations.filter_map(|(path, method, operation)| tool(path, method, operation, &document["components"])).collect();
    tools.sort_by(|a, b| a.name.cmp(&b.name));
    tools
}

fn tool(path: &str, method: &str, operation: &Value, components: &Value) -> Option<Tool> {
    let id = operation["operationId"].as_str().filter(|id| !NO_TOOLS.contains(id))?;
    let method: Method = method.to_uppercase().parse().ok()?;
    // Asked for JSON, what follows events lists them.
    let name = if id == "follow_events" { "list_events" } else { id };
    let (mut properties, mut required, mut parameters) = (Map::new(), Vec::new(), Vec::new());
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let (Some(name), Some(place @ ("path" | "query"))) = (parameter["name"].as_str(), parameter["in"].as_str()) else { continue };
        let mut schema = inlined(&parameter["schema"], components);
        if let (Some(schema), Some(text)) = (schema.as_object_mut(), parameter.get("description")) {
            schema.insert("description".to_owned(), text.clone());
        }
        if place == "path" {
            required.push(json!(name));
        }
        properties.insert(name.to_owned(), schema);
        parameters.push(Parameter { name: name.to_owned(), in_path: place == "path" });
    }
    let body = match &operation["requestBody"]["content"]["application/json"]["schema"] {
        Value::Null => Body::None,
        schema => {
            let schema = inlined(schema, components);
            if let Some(fields) = schema["properties"].as_object() {
                properties.extend(fields.clone());
                required.extend(schema["required"].as_array().into_iter().flatten().cloned());
                Body::Fields(fields.keys().cloned().collect())
            } else {
                properties.insert(BODY.to_owned(), schema);
                required.push(json!(BODY));
                Body::Whole
            }
        }
    };
    let input: JsonObject = [
        ("type".to_owned(), json!("object")),
        ("properties".to_owned(), Value::Object(properties)),
        ("required".to_owned(), Value::Array(required)),
        ("additionalProperties".to_owned(), json!(false)),
    ]
    .into_iter()
    .collect();
    let text = |key: &str| operation[key].as_str().unwrap_or_default().replace('\n', " ");
    let description = format!("{} {}", text("summary"), text("description")).trim().to_owned();
    let annotations = ToolAnnotations::new().read_only(method == Method::GET).destructive(DESTRUCTIVE.contains(&id)).open_world(false);
    let mut shown = rmcp::model::Tool::new(name.to_owned(), description, input);
    shown.annotations = Some(annotations);
    Some(Tool { name: name.to_owned(), id: id.to_owned(), method, path: path.to_owned(), parameters, body, shown })
}

impl Tool {
    /// As a client sees it.
    pub(super) fn shown(&self) -> rmcp::model::Tool {
        self.shown.clone()
    }

    /// The request that a call makes, or what is wrong with the call.
    pub(super) fn request(&self, mut arguments: JsonObject) -> Result<ApiRequest, String> {
        // What is null was not said, but in a body, where it may mean something.
        let mut target = self.path.clone();
        let mut query = Vec::new();
        for Parameter { name, in_path } in &self.parameters {
            let given = arguments.remove(name).filter(|value| !value.is_null());
            let text = given.map(|value| plain(name, &value)).transpose()?;
            match text {
                Some(text) if *in_path => {
                    // A segment of dots would be another path.
                    if text.is_empty() || text.chars().all(|c| c == '.') {
                        return Err(format!("`{name}` is {text:?}, which names nothing"));
                    }
                    target = target.replace(&format!("{{{name}}}"), &utf8_percent_encode(&text, ENCODED).to_string());
                }
                Some(text) => query.push(format!("{}={}", utf8_percent_encode(name, ENCODED), utf8_percent_encode(&text, ENCODED))),
                None if *in_path => return Err(format!("`{name}` is missing: {} needs it", self.name)),
                None => {}
            }
        }
        let body = match &self.body {
            Body::None => None,
            Body::Whole => Some(arguments.remove(BODY).ok_or_else(|| format!("`{BODY}` is missing: {} needs it", self.name))?),
            // What is no field of it the API refuses by name.
            Body::Fields(_) => Some(Value::Object(std::mem::take(&mut arguments))),
        };
        if let Some(unknown) = arguments.keys().next() {
            return Err(format!("{} takes no argument `{unknown}`", self.name));
        }
        if !query.is_empty() {
            target = format!("{target}?{}", query.join("&"));
        }
        // Whatever changes something is sent as JSON, with nothing to say too.
        let body = body.or_else(|| (self.method != Method::GET).then(|| json!({})));
        Ok(ApiRequest { method: self.method.clone(), target, body })
    }
}

/// A parameter's value as a path or query holds it; lists as `a,b`.
fn plain(name: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(yes) => Ok(yes.to_string()),
        Value::Array(items) => Ok(items.iter().map(|item| plain(name, item)).collect::<Result<Vec<_>, _>>()?.join(",")),
        Value::Null | Value::Object(_) => Err(format!("`{name}` is no text, number or list of them")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(me: &Value) -> Vec<String> {
        Tools::of_the_document().of(Caller::read(&me.to_string())).map(|tool| tool.name.clone()).collect()
    }

    fn request(tool: &str, arguments: Value) -> Result<ApiRequest, String> {
        let Value::Object(arguments) = arguments else { panic!("an object") };
        Tools::of_the_document().find(tool).expect("a tool").request(arguments)
    }

    #[test]
    fn what_is_left_out_or_for_agents_is_all_in_the_document() {
        let document = serde_json::to_value(router::documented(None).into_openapi()).expect("a document");
        let ids: Vec<&str> = document["paths"]
            .as_object()
            .into_iter()
            .flatten()
            .flat_map(|(_, methods)| methods.as_object().into_iter().flatten())
            .filter_map(|(_, operation)| operation["operationId"].as_str())
            .collect();
        for id in NO_TOOLS.iter().chain(&FOR_AGENTS).chain(&FOR_AGENTS_TOO).chain(&OF_ONE_ASSIGNMENT).chain(&DESTRUCTIVE) {
            assert!(ids.contains(id), "{id} is no operation");
        }
    }

    #[test]
    fn a_caller_sees_the_tools_that_are_of_use_to_them() {
        let owner = names(&json!({"via": "owner", "scope": "admin", "assignment_id": null}));
        for tool in [
            "run",
            "show_assignment",
            "explain_job",
            "list_needs",
            "list_work",
            "retry_job",
            "update_assignment",
            "list_events",
            "send_message",
        ] {
            assert!(owner.contains(&tool.to_owned()), "{tool}");
        }
        // What decides who may do what, and what is trusted, is for people at the page or the command line.
        for tool in [
            "approve_job",
            "create_token",
            "trust_project",
            "put_project",
            "make_login_link",
            "restore_backup",
            "list_audit",
            "give_verdict",
            "sign_in",
            "list_sign_ins",
            "end_sign_in",
        ] {
            assert!(!owner.contains(&tool.to_owned()), "{tool}");
        }
        let reader = names(&json!({"via": "token", "scope": "read", "assignment_id": null}));
        assert!(reader.contains(&"list_work".to_owned()) && !reader.contains(&"run".to_owned()));
        let bound = names(&json!({"via": "token", "scope": "assignment", "assignment_id": "asg_1"}));
        assert!(bound.contains(&"show_assignment".to_owned()) && bound.contains(&"send_message".to_owned()));
        assert!(!bound.contains(&"list_work".to_owned()) && !bound.contains(&"run".to_owned()));
        let agent = names(&json!({"via": "agent", "scope": "assignment", "assignment_id": "asg_1"}));
        for tool in ["give_verdict", "tell_progress", "show_agent", "show_assignment", "show_transcript"] {
            assert!(agent.contains(&tool.to_owned()), "{tool}");
        }
        assert!(!agent.contains(&"run".to_owned()) && !agent.contains(&"cancel_assignment".to_owned()));
    }

    #[test]
    fn arguments_go_where_the_api_wants_them() {
        let explained = request("explain_job", json!({"id": "job_1"})).expect("a request");
        assert_eq!((explained.method, explained.target.as_str(), explained.body), (Method::GET, "/api/v1/jobs/job_1/explain", None));
        let listed =
            request("list_work", json!({"status": ["blocked", "running"], "q": "a&b=c", "limit": 5, "cursor": null})).expect("a request");
        assert_eq!(listed.target, "/api/v1/work?status=blocked%2Crunning&q=a%26b%3Dc&limit=5");
        let sent = request("send_message", json!({"id": "asg_1", "text": "go on"})).expect("a request");
        assert_eq!((sent.target.as_str(), sent.body), ("/api/v1/assignments/asg_1/messages", Some(json!({"text": "go on"}))));
        let verdict = json!({"verdict": "complete", "reason": "it works", "evidence": []});
        assert_eq!(request("give_verdict", json!({"body": verdict.clone()})).expect("a request").body, Some(verdict));
        assert_eq!(request("pause", json!({})).expect("a request").body, Some(json!({})));
    }

    #[test]
    fn no_argument_leads_to_another_path() {
        for id in ["../../tokens", "a/b", "a?x=1", "a#b", "%2e%2e"] {
            let made = request("show_job", json!({"id": id})).expect("a request").target;
            let id = made.strip_prefix("/api/v1/jobs/").expect("a job's path");
            assert!(!id.contains(['/', '?', '#']), "{made}");
        }
        for id in ["", ".", ".."] {
            assert!(request("show_job", json!({"id": id})).is_err(), "{id:?}");
        }
        assert!(request("show_job", json!({})).is_err_and(|why| why.contains("`id` is missing")));
        assert!(request("show_job", json!({"id": "job_1", "force": true})).is_err_and(|why| why.contains("`force`")));
        assert!(request("show_job", json!({"id": {"a": 1}})).is_err());
    }

    #[test]
    fn every_tool_takes_an_object_with_nothing_to_look_up_and_says_what_it_does() {
        for tool in Tools::of_the_document().0.iter() {
            let input = Value::Object((*tool.shown.input_schema).clone());
            assert_eq!(input["type"], "object", "{}", tool.name);
            assert!(!input.to_string().contains("$ref"), "{}", tool.name);
            assert!(tool.shown.description.as_ref().is_some_and(|text| text.len() > 10), "{}", tool.name);
            let names: Vec<&String> = input["properties"].as_object().into_iter().flatten().map(|(name, _)| name).collect();
            assert!(tool.parameters.iter().all(|parameter| names.contains(&&parameter.name)), "{}", tool.name);
            if let Body::Fields(fields) = &tool.body {
                let clash = tool.parameters.iter().find(|parameter| fields.contains(&parameter.name));
                assert!(clash.is_none(), "{}: {clash:?} is a parameter and a field", tool.name);
            }
        }
    }
}
