//! Schemas of the document as a tool shows them: whole, with nothing to look up elsewhere.

use serde_json::{Map, Value};

/// A schema with what it refers to in its place. What holds itself is any value there.
pub(super) fn inlined(schema: &Value, components: &Value) -> Value {
    inline(schema, components, &mut Vec::new())
}

fn inline<'a>(schema: &'a Value, components: &'a Value, within: &mut Vec<&'a str>) -> Value {
    match schema {
        Value::Object(fields) => {
            let Some(name) = fields.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix("#/components/schemas/")) else {
                let said = fields.iter().filter(|(key, value)| !is_noise(key, value));
                return Value::Object(said.map(|(key, value)| (key.clone(), inline(value, components, within))).collect());
            };
            if within.contains(&name) {
                return Value::Object(Map::new());
            }
            within.push(name);
            let mut found = inline(&components["schemas"][name], components, within);
            within.pop();
            // What stands beside the reference says more of this use of it.
            if let Some(found) = found.as_object_mut() {
                found.extend(fields.iter().filter(|(key, _)| *key != "$ref").map(|(key, value)| (key.clone(), value.clone())));
            }
            found
        }
        Value::Array(items) => items.iter().map(|item| inline(item, components, within)).collect(),
        other => other.clone(),
    }
}

/// What a model reads for nothing: how wide a number is, and that nothing is the default. A field of such a name is an object.
fn is_noise(key: &str, value: &Value) -> bool {
    matches!((key, value), ("format", Value::String(_)) | ("default", Value::Null))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_schema_refers_to_stands_in_its_place_and_what_holds_itself_ends() {
        let components = json!({"schemas": {
            "Tree": {"type": "object", "description": "A tree.", "properties": {"left": {"$ref": "#/components/schemas/Tree"}, "leaf": {"$ref": "#/components/schemas/Leaf"}}},
            "Leaf": {"type": "string", "format": "int64", "default": null},
        }});
        let found = inlined(&json!({"$ref": "#/components/schemas/Tree", "description": "This tree."}), &components);
        assert_eq!(found, json!({"type": "object", "description": "This tree.", "properties": {"left": {}, "leaf": {"type": "string"}}}));
    }
}
