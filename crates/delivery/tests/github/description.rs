//! Both sides of every call against GitHub's own description of its API: what the client sends, and what the fake answers.

use std::fs::File;
use std::io::BufReader;

use serde_json::{Map, Value, json};
use windlass_delivery::Proposal;
use windlass_testkit::forge::{Answer, Exchange, FakeGitHub, Fault, NewReview, ReviewState, description};

use crate::support::{BRANCH, PROPOSAL, REPOSITORY, fake, forge, forge_with, proposed, sha};

/// The operations that the client uses.
const OPERATIONS: [(&str, &str); 10] = [
    ("get", "/repos/{owner}/{repo}/pulls"),
    ("post", "/repos/{owner}/{repo}/pulls"),
    ("get", "/repos/{owner}/{repo}/pulls/{pull_number}"),
    ("patch", "/repos/{owner}/{repo}/pulls/{pull_number}"),
    ("get", "/repos/{owner}/{repo}/issues/{issue_number}/comments"),
    ("post", "/repos/{owner}/{repo}/issues/{issue_number}/comments"),
    ("get", "/repos/{owner}/{repo}/pulls/{pull_number}/reviews"),
    ("get", "/repos/{owner}/{repo}/pulls/{pull_number}/comments"),
    ("get", "/repos/{owner}/{repo}/commits/{ref}/check-runs"),
    ("get", "/repos/{owner}/{repo}/commits/{ref}/status"),
];

/// The description, its schemas turned into JSON Schema.
struct Description {
    document: Value,
    /// The schemas to which the operations' lead.
    schemas: Value,
}

impl Description {
    fn read() -> Option<Self> {
        let mut document = serde_json::from_reader(BufReader::new(File::open(description()?).unwrap())).unwrap();
        allow_null(&mut document);
        let mut schemas = Map::new();
        let operations = OPERATIONS.iter().map(|(method, path)| &document["paths"][path][method]);
        gather(&document, &json!({"$ref": "#/components/schemas/basic-error"}), &mut schemas);
        operations.for_each(|operation| gather(&document, operation, &mut schemas));
        Some(Self { schemas: Value::Object(schemas), document })
    }

    /// What a reference within the document leads to.
    fn resolved<'a>(&'a self, mut value: &'a Value) -> &'a Value {
        while let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            value = self.document.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference} leads nowhere"));
        }
        value
    }

    /// What is wrong with a value by a schema.
    fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        // References lead into the components, which therefore come along.
        let whole = json!({"allOf": [schema], "components": {"schemas": self.schemas}});
        let validator = jsonschema::draft7::new(&whole).unwrap();
        validator.iter_errors(value).map(|error| format!("{} {error}", error.instance_path())).collect()
    }

    /// The operation of a call, and its place in [`OPERATIONS`].
    fn operation(&self, call: &Exchange) -> (usize, &Value) {
        let parts: Vec<&str> = call.path.split('/').collect();
        let fits = |template: &str| {
            let names: Vec<&str> = template.split('/').collect();
            names.len() == parts.len() && names.iter().zip(&parts).all(|(name, part)| name.starts_with('{') || name == part)
        };
        let found = OPERATIONS.iter().position(|(method, path)| method.eq_ignore_ascii_case(&call.method) && fits(path));
        let found = found.unwrap_or_else(|| panic!("{} {} is none of the operations", call.method, call.path));
        let (method, path) = OPERATIONS[found];
        (found, self.document["paths"][path].get(method).unwrap_or_else(|| panic!("GitHub knows no {method} {path}")))
    }

    /// What is wrong with what the client sent.
    fn request_faults(&self, call: &Exchange, operation: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        let parameters: Vec<&Value> = operation["parameters"].as_array().unwrap().iter().map(|p| self.resolved(p)).collect();
        for (name, text) in &call.query {
            match parameters.iter().find(|p| p["in"] == "query" && p["name"] == name.as_str()) {
                Some(known) => {
                    let number = known["schema"]["type"] == "integer";
                    let value = if number { text.parse::<u64>().map_or(Value::Null, Value::from) } else { json!(text) };
                    faults.extend(self.faults(&known["schema"], &value));
                }
                None => faults.push(format!("the query's {name} is not known")),
            }
        }
        match operation.get("requestBody") {
            Some(wanted) => {
                let schema = &wanted["content"]["application/json"]["schema"];
                faults.extend(self.faults(schema, &call.body));
                let known = schema["properties"].as_object().unwrap();
                faults.extend(
                    call.body.as_object().unwrap().keys().filter(|name| !known.contains_key(*name)).map(|n| format!("{n} is not known")),
                );
            }
            None if !call.body.is_null() => faults.push("it has a body".to_owned()),
            None => {}
        }
        faults
    }

    /// What is wrong with what the fake answered.
    fn answer_faults(&self, call: &Exchange, operation: &Value) -> Vec<String> {
        let status = call.status.unwrap().to_string();
        match operation["responses"].get(&status) {
            Some(answer) => self.faults(&self.resolved(answer)["content"]["application/json"]["schema"], &call.answer),
            // What every operation may answer is described with none.
            None => self.faults(&self.schemas["basic-error"], &call.answer),
        }
    }
}

/// Collects the schemas to which the references in a value lead, and theirs.
fn gather(document: &Value, value: &Value, schemas: &mut Map<String, Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| gather(document, item, schemas)),
        Value::Object(fields) => {
            fields.values().for_each(|field| gather(document, field, schemas));
            let Some(reference) = fields.get("$ref").and_then(Value::as_str) else { return };
            let found = &document.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference} leads nowhere"));
            match reference.strip_prefix("#/components/schemas/") {
                Some(name) if schemas.contains_key(name) => {}
                Some(name) => {
                    schemas.insert(name.to_owned(), (*found).clone());
                    gather(document, found, schemas);
                }
                None => gather(document, found, schemas),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// OpenAPI 3.0 says `nullable` where JSON Schema has another type.
fn allow_null(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(allow_null),
        Value::Object(fields) => {
            fields.values_mut().for_each(allow_null);
            if fields.get("nullable") == Some(&Value::Bool(true)) {
                let schema = Value::Object(std::mem::replace(fields, Map::new()));
                fields.insert("anyOf".to_owned(), json!([{"type": "null"}, schema]));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Everything that the client can ask, so that each operation is asked, with the answers that each can give.
async fn ask_everything(fake: &FakeGitHub) {
    let forge = forge(fake);
    let made = proposed(&forge).await;
    proposed(&forge).await;
    forge.update_text(&made, "Fix it well", "Really.").await.unwrap();
    for body in ["", "x"] {
        fake.push(REPOSITORY, &format!("other{body}"), &sha('c'));
        let title = "Without words";
        forge.ensure_pull_request(&Proposal { head: &format!("other{body}"), base: "main", title, body }).await.unwrap();
    }
    fake.merge(REPOSITORY, 2);
    for (number, mergeable) in [(1, Some(true)), (1, Some(false)), (2, None)] {
        fake.set_mergeable(REPOSITORY, number, mergeable);
        forge.pull_request(number).await.unwrap();
    }
    forge.comment_once(1, "k", "x").await.unwrap();
    forge.comment_once(1, "k", "x").await.unwrap();
    forge.checks(&sha('b')).await.unwrap();
    for (name, conclusion) in [("a", Some("success")), ("b", Some("failure")), ("c", None)] {
        fake.check_run(REPOSITORY, &sha('b'), name, conclusion);
    }
    for (context, state) in [("a", "success"), ("b", "failure"), ("c", "pending")] {
        fake.status(REPOSITORY, &sha('b'), context, state);
    }
    forge.checks(&sha('b')).await.unwrap();
    forge.reviews(1, None).await.unwrap();
    let id = fake.review(REPOSITORY, 1, NewReview::of("ada", ReviewState::ChangesRequested, "No.", "2026-02-01T10:00:00Z"));
    fake.review_comment(REPOSITORY, 1, id, "src/lib.rs", Some(3), "Here.");
    fake.review_comment(REPOSITORY, 1, id, "src/lib.rs", None, "There.");
    let gone = NewReview { author: None, ..NewReview::of("", ReviewState::Approved, "", "2026-02-01T10:01:00Z") };
    fake.review(REPOSITORY, 1, gone);
    forge.reviews(1, None).await.unwrap();

    // And what it can be refused.
    for wanted in [Proposal { head: "none", ..PROPOSAL }, Proposal { base: "none", ..PROPOSAL }, Proposal { base: BRANCH, ..PROPOSAL }] {
        forge.ensure_pull_request(&wanted).await.unwrap_err();
    }
    fake.fail_next("GET", "/pulls", Fault::Instead(Answer::json(200, json!([]))));
    proposed(&forge).await;
    for answer in [Answer::primary_limit(1), Answer::secondary_limit(429, None), Answer::error(503, "x"), Answer::error(404, "Not Found")] {
        fake.fail_next("GET", "/pulls/1", Fault::Instead(answer));
        forge.pull_request(1).await.unwrap_err();
    }
    forge.pull_request(99).await.unwrap_err();
    forge_with(fake, &windlass_delivery::ForgeConfig::new(fake.url(), "wrong")).pull_request(1).await.unwrap_err();
}

#[tokio::test]
async fn every_request_and_every_answer_is_as_github_describes_it() {
    let Some(description) = Description::read() else { return };
    let fake = fake();
    ask_everything(&fake).await;
    let mut asked = [0; OPERATIONS.len()];
    let mut refused = 0;
    for call in fake.calls() {
        let (place, operation) = description.operation(&call);
        asked[place] += 1;
        refused += usize::from(call.status == Some(422));
        let faults = [description.request_faults(&call, operation), description.answer_faults(&call, operation)].concat();
        assert!(faults.is_empty(), "{} {} {:?}: {faults:#?}", call.method, call.path, call.status);
    }
    assert!(asked.iter().all(|n| *n > 0), "every operation is asked: {asked:?}");
    assert!(refused >= 4, "{refused}");
}

#[tokio::test]
async fn a_request_or_an_answer_that_is_otherwise_is_seen() {
    let Some(description) = Description::read() else { return };
    let fake = fake();
    proposed(&forge(&fake)).await;
    let [looked, made] = <[Exchange; 2]>::try_from(fake.calls()).unwrap();
    let (_, operation) = description.operation(&made);
    let seen = |change: &dyn Fn(&mut Exchange)| {
        let mut call = made.clone();
        change(&mut call);
        [description.request_faults(&call, operation), description.answer_faults(&call, operation)].concat()
    };
    assert_eq!(seen(&|_| {}), Vec::<String>::new());
    assert!(!seen(&|call| call.body["body"] = json!(7)).is_empty());
    assert!(!seen(&|call| call.body["bodi"] = json!("x")).is_empty());
    assert!(!seen(&|call| _ = call.body.as_object_mut().unwrap().remove("head")).is_empty());
    assert!(!seen(&|call| call.answer["number"] = Value::Null).is_empty());
    assert!(!seen(&|call| call.answer["head"]["repo"]["full_name"] = json!(1)).is_empty());
    assert!(!seen(&|call| _ = call.answer.as_object_mut().unwrap().remove("mergeable")).is_empty());
    let (_, operation) = description.operation(&looked);
    let mut wrong = looked;
    wrong.query.push(("heads".to_owned(), "x".to_owned()));
    wrong.query[0].1 = "opened".to_owned();
    assert_eq!(description.request_faults(&wrong, operation).len(), 2);
}
