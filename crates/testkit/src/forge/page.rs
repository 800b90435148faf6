//! Pages of a list, with the links by which GitHub tells of the next one.

use serde_json::{Value, json};

use super::answer::Answer;
use super::routes::Asked;

/// One page of a list.
pub(super) fn list(asked: &Asked, items: Vec<Value>) -> Answer {
    let (items, next) = cut(asked, items);
    linked(asked, Answer::json(200, Value::Array(items)), next)
}

/// One page of a list inside an object, with the number of all.
pub(super) fn inside(asked: &Asked, mut object: Value, name: &str, items: Vec<Value>) -> Answer {
    object["total_count"] = json!(items.len());
    let (items, next) = cut(asked, items);
    object[name] = Value::Array(items);
    linked(asked, Answer::json(200, object), next)
}

/// The items of the page that is asked for, and the next page's number.
fn cut(asked: &Asked, items: Vec<Value>) -> (Vec<Value>, Option<usize>) {
    let number = |name: &str, usual: usize| asked.query(name).and_then(|n| n.parse().ok()).unwrap_or(usual).max(1);
    let (size, page) = (number("per_page", 30).min(100), number("page", 1));
    let next = (items.len() > size.saturating_mul(page)).then(|| page + 1);
    (items.into_iter().skip(size.saturating_mul(page - 1)).take(size).collect(), next)
}

fn linked(asked: &Asked, answer: Answer, next: Option<usize>) -> Answer {
    let Some(next) = next else { return answer };
    let others = asked.query.iter().filter(|(name, _)| name != "page").map(|(name, value)| format!("{name}={value}&"));
    answer.header("link", &format!("<{}{}?{}page={next}>; rel=\"next\"", asked.base, asked.path, others.collect::<String>()))
}
