//! Hooks put into and taken out of an agent's settings: nothing else of the text changes, its order and layout as little as can be.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstArray, CstInputValue, CstNode, CstObject, CstRootNode};

use super::{Wanted, is_ours};

/// Why a text stays as it is, in words for people.
pub(crate) type Unfit = String;

/// JSON, with the comments that some agents allow.
const JSON: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

fn parse(text: &str) -> Result<CstRootNode, Unfit> {
    let root = CstRootNode::parse(text, &JSON).map_err(|e| format!("it is not JSON: {e}"))?;
    if root.value().is_some() && root.object_value().is_none() {
        return Err("it is JSON, but no object".to_owned());
    }
    Ok(root)
}

/// The text with a hook of ours for each wanted event, and none for others.
pub(crate) fn install(text: &str, wanted: &Wanted) -> Result<String, Unfit> {
    let root = parse(text)?;
    let settings = root.object_value_or_create().ok_or("it is JSON, but no object")?;
    let hooks = settings.object_value_or_create("hooks").ok_or("its \"hooks\" are no object")?;
    let is_wanted = |name: &str| wanted.events.contains(&name);
    remove_from(&hooks, |name| !is_wanted(name));
    for event in wanted.events {
        let groups = hooks.array_value_or_create(event).ok_or_else(|| format!("its hooks of {event} are no list"))?;
        let mut ours = ours_in(&groups).into_iter();
        let Some((_, first)) = ours.next() else {
            groups.append(group(wanted));
            continue;
        };
        // One is enough, and what it says is brought up to date.
        for (group, hook) in ours {
            remove_hook(&group, hook);
        }
        set(&first, "command", CstInputValue::from(wanted.command.as_str()), |old| {
            text_of(old).as_deref() == Some(wanted.command.as_str())
        });
        set(&first, "timeout", number(wanted.timeout), |old| old.to_string() == wanted.timeout.to_string());
    }
    Ok(with_line_end(root.to_string()))
}

/// The text without any hook of ours.
pub(crate) fn uninstall(text: &str) -> Result<String, Unfit> {
    let root = parse(text)?;
    let Some(settings) = root.object_value() else { return Ok(text.to_owned()) };
    let Some(hooks) = settings.object_value("hooks") else { return Ok(text.to_owned()) };
    if remove_from(&hooks, |_| true) && hooks.properties().is_empty() {
        // It was there for ours only.
        if let Some(property) = settings.get("hooks") {
            property.remove();
        }
    }
    Ok(root.to_string())
}

/// Takes ours out of the events that are picked, with what is empty then; whether there were any.
fn remove_from(hooks: &CstObject, picked: impl Fn(&str) -> bool) -> bool {
    let mut found = false;
    for event in hooks.properties() {
        let Some(groups) = event.array_value() else { continue };
        if !event.decoded_name().is_some_and(|name| picked(&name)) {
            continue;
        }
        let ours = ours_in(&groups);
        if ours.is_empty() {
            continue;
        }
        found = true;
        for (group, hook) in ours {
            remove_hook(&group, hook);
        }
        if groups.elements().is_empty() {
            event.remove();
        }
    }
    found
}

/// Our hooks in an event's list, each with its group.
fn ours_in(groups: &CstArray) -> Vec<(CstObject, CstObject)> {
    let mut found = Vec::new();
    for group in groups.elements().into_iter().filter_map(|group| group.as_object()) {
        let hooks = group.array_value("hooks").map(|hooks| hooks.elements()).unwrap_or_default();
        for hook in hooks.into_iter().filter_map(|hook| hook.as_object()) {
            let command = hook.get("command").and_then(|command| command.value()).and_then(|command| text_of(&command));
            if command.is_some_and(|command| is_ours(&command)) {
                found.push((group.clone(), hook));
            }
        }
    }
    found
}

/// Takes a hook out of its group, and the group away when nothing else is in it.
fn remove_hook(group: &CstObject, hook: CstObject) {
    hook.remove();
    if group.array_value("hooks").is_some_and(|hooks| hooks.elements().is_empty()) {
        group.clone().remove();
    }
}

fn set(hook: &CstObject, name: &str, value: CstInputValue, is_it: impl Fn(&CstNode) -> bool) {
    match hook.get(name) {
        Some(known) if known.value().is_some_and(|old| is_it(&old)) => {}
        Some(known) => known.set_value(value),
        None => {
            hook.append(name, value);
        }
    }
}

fn text_of(node: &CstNode) -> Option<String> {
    node.as_string_lit()?.decoded_value().ok()
}

fn number(n: u32) -> CstInputValue {
    CstInputValue::Number(n.to_string())
}

fn group(wanted: &Wanted) -> CstInputValue {
    let hook = CstInputValue::Object(vec![
        ("type".to_owned(), CstInputValue::from("command")),
        ("command".to_owned(), CstInputValue::from(wanted.command.as_str())),
        ("timeout".to_owned(), number(wanted.timeout)),
    ]);
    CstInputValue::Object(vec![("hooks".to_owned(), CstInputValue::Array(vec![hook]))])
}

fn with_line_end(mut text: String) -> String {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use windlass_types::Harness;

    fn wanted(program: &str) -> Wanted {
        Wanted::of(Harness::Claude, program, &[])
    }

    /// Somebody's settings, in their own layout.
    const THEIRS: &str = r#"{
    "model": "opus",
	"zeta": [1,2,   3], "permissions": {"allow": ["Bash(ls:*)"]},
    "hooks": {
      "PreToolUse": [ { "matcher": "Write", "hooks": [ {"type":"command", "command": "./check.sh"} ] } ],
      "Odd": "what is this"
    },
    "alpha": 1.50
}
"#;

    #[test]
    fn what_is_put_in_and_taken_out_leaves_the_rest_as_it_was() {
        let installed = install(THEIRS, &wanted("windlass")).unwrap();
        for line in
            ["    \"model\": \"opus\",", "\t\"zeta\": [1,2,   3], \"permissions\": {\"allow\": [\"Bash(ls:*)\"]},", "    \"alpha\": 1.50"]
        {
            assert!(installed.lines().any(|own| own == line), "{installed}");
        }
        let read: Value = serde_json::from_str(&installed).unwrap();
        assert_eq!(read["hooks"]["PreToolUse"][0]["hooks"][0]["command"], "./check.sh");
        for event in windlass_harness::hook_events(Harness::Claude) {
            let groups = read["hooks"][event].as_array().unwrap();
            let ours = &groups.last().unwrap()["hooks"][0];
            assert_eq!((&ours["command"], &ours["timeout"]), (&wanted("windlass").command.into(), &5.into()), "{event}");
        }
        assert_eq!(install(&installed, &wanted("windlass")).unwrap(), installed, "again changes nothing");
        let gone: Value = serde_json::from_str(&uninstall(&installed).unwrap()).unwrap();
        assert_eq!(gone, serde_json::from_str::<Value>(THEIRS).unwrap());
        assert_eq!(uninstall(THEIRS).unwrap(), THEIRS);
    }

    #[test]
    fn an_older_hook_of_ours_is_brought_up_to_date_and_doubles_go() {
        let old = install("{}", &wanted("/old/windlass")).unwrap();
        let event = r#"{"hooks":[{"type":"command","command":"/older/windlass hooks send --harness claude","mine":1},{"type":"command","command":"theirs"}]}"#;
        let old = old.replace("\"Stop\": [", &format!("\"Stop\": [{event},"));
        let new = install(
            &old.replace("\"Stop\"", "\"Gone\": [{\"hooks\":[{\"command\":\"windlass hooks send --harness claude\"}]}], \"Stop\""),
            &wanted("windlass"),
        )
        .unwrap();
        let read: Value = serde_json::from_str(&new).unwrap();
        let stop = serde_json::json!([{"hooks": [
            {"type": "command", "command": wanted("windlass").command, "mine": 1, "timeout": 5}, {"type": "command", "command": "theirs"}
        ]}]);
        assert_eq!(read["hooks"]["Stop"], stop);
        assert!(!new.contains("/old") && read["hooks"].get("Gone").is_none(), "{new}");
        let gone: Value = serde_json::from_str(&uninstall(&new).unwrap()).unwrap();
        assert_eq!(gone, serde_json::json!({"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "theirs"}]}]}}));
    }

    #[test]
    fn an_empty_file_becomes_settings_and_comments_stay() {
        let made = install("", &wanted("windlass")).unwrap();
        assert!(serde_json::from_str::<Value>(&made).is_ok() && made.ends_with("}\n"), "{made}");
        assert_eq!(serde_json::from_str::<Value>(&uninstall(&made).unwrap()).unwrap(), serde_json::json!({}));
        let with_comment = install("{\n  // mine\n  \"a\": 1\n}\n", &wanted("windlass")).unwrap();
        assert!(with_comment.contains("  // mine\n  \"a\": 1"), "{with_comment}");
    }

    #[test]
    fn what_cannot_be_understood_is_left_alone() {
        for text in ["{", "[1]", "{\"a\": 1,}", "{'a': 1}", "{\"hooks\": []}", "{\"hooks\": {\"Stop\": {}}}", "{\"a\" 1}", "\u{0}"] {
            assert!(install(text, &wanted("windlass")).is_err(), "{text}");
        }
        for text in ["{", "[1]", "null"] {
            assert!(uninstall(text).is_err(), "{text}");
        }
    }
}
