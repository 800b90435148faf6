//! Hooks put into and taken out of an agent's settings: nothing else of the text changes, its order and layout as little as can be.

use std::collections::BTreeSet;

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

/// What some editors put before a text.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The mark, if there is one, and the settings behind it.
fn parse(text: &str) -> Result<(&str, CstRootNode), Unfit> {
    let (mark, text) = text.split_at(if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 });
    let root = CstRootNode::parse(text, &JSON).map_err(|e| format!("it is not JSON: {e}"))?;
    if root.value().is_some() && root.object_value().is_none() {
        return Err("it is JSON, but no object".to_owned());
    }
    if let Some(settings) = root.object_value() {
        // An agent reads one of two, and not every agent the same.
        if settings.properties().iter().filter(|property| property.decoded_name().as_deref() == Some("hooks")).count() > 1 {
            return Err("it has \"hooks\" more than once".to_owned());
        }
        let mut events = BTreeSet::new();
        for event in settings.object_value("hooks").into_iter().flat_map(|hooks| hooks.properties()) {
            if let Some(twice) = event.decoded_name().and_then(|name| events.replace(name)) {
                return Err(format!("its hooks of {twice:?} stand there more than once"));
            }
        }
    }
    Ok((mark, root))
}

/// The text with a hook of ours for each wanted event, and none for others.
pub(crate) fn install(text: &str, wanted: &Wanted) -> Result<String, Unfit> {
    let (mark, root) = parse(text)?;
    let settings = root.object_value_or_create().ok_or("it is JSON, but no object")?;
    let hooks = settings.object_value_or_create("hooks").ok_or("its \"hooks\" are no object")?;
    let is_wanted = |name: &str| wanted.events.contains(&name);
    remove_from(&hooks, |name| !is_wanted(name), |_| false);
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
    Ok(format!("{mark}{}", with_line_end(root.to_string())))
}

/// The text without any hook of ours. `original` is what was there before ours came, where that is known: what stood empty there stays.
pub(crate) fn uninstall(text: &str, original: Option<&str>) -> Result<String, Unfit> {
    let (mark, root) = parse(text)?;
    let Some(settings) = root.object_value() else { return Ok(text.to_owned()) };
    let Some(hooks) = settings.object_value("hooks") else { return Ok(text.to_owned()) };
    let original = original.and_then(|original| parse(original).ok()?.1.object_value()?.object_value("hooks"));
    let stood = |event: &str| original.as_ref().is_some_and(|hooks| hooks.get(event).is_some());
    if remove_from(&hooks, |_| true, stood)
        && hooks.properties().is_empty()
        && original.is_none()
        && let Some(property) = settings.get("hooks")
        && !has_comment(&property.clone().into())
    {
        // It was there for ours only.
        property.remove();
    }
    Ok(format!("{mark}{root}"))
}

/// Whether a text has a hook of ours; what is no settings has none.
pub(crate) fn has_ours(text: &str) -> bool {
    let hooks = parse(text).ok().and_then(|(_, root)| root.object_value()?.object_value("hooks"));
    let events = hooks.into_iter().flat_map(|hooks| hooks.properties());
    events.filter_map(|event| event.array_value()).any(|groups| !ours_in(&groups).is_empty())
}

/// Takes ours out of the events that are picked, with what is empty then and is not to be kept; whether there were any.
fn remove_from(hooks: &CstObject, picked: impl Fn(&str) -> bool, keeps: impl Fn(&str) -> bool) -> bool {
    let mut found = false;
    for event in hooks.properties() {
        let Some(groups) = event.array_value() else { continue };
        let Some(name) = event.decoded_name().filter(|name| picked(name)) else { continue };
        let ours = ours_in(&groups);
        if ours.is_empty() {
            continue;
        }
        found = true;
        for (group, hook) in ours {
            remove_hook(&group, hook);
        }
        if groups.elements().is_empty() && !keeps(&name) && !has_comment(&event.clone().into()) {
            event.remove();
        }
    }
    found
}

/// Whether somebody's comment would go with a node: one in it, or one on its line.
fn has_comment(node: &CstNode) -> bool {
    fn is_in(node: &CstNode) -> bool {
        node.is_comment() || node.children().iter().any(is_in)
    }
    let is_near = |node: &CstNode| !node.is_newline() && (node.is_trivia() || node.is_comma());
    is_in(node)
        || node.previous_siblings().take_while(is_near).any(|near| near.is_comment())
        || node.next_siblings().take_while(is_near).any(|near| near.is_comment())
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

/// Takes a hook out of its group, and the group away when nothing else is in it: then it is one that we made.
fn remove_hook(group: &CstObject, hook: CstObject) {
    hook.remove();
    let is_empty = group.array_value("hooks").is_some_and(|hooks| hooks.elements().is_empty());
    if is_empty && group.properties().len() == 1 && !has_comment(&group.clone().into()) {
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
        let gone: Value = serde_json::from_str(&uninstall(&installed, None).unwrap()).unwrap();
        assert_eq!(gone, serde_json::from_str::<Value>(THEIRS).unwrap());
        assert_eq!(uninstall(THEIRS, None).unwrap(), THEIRS);
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
        let gone: Value = serde_json::from_str(&uninstall(&new, None).unwrap()).unwrap();
        assert_eq!(gone, serde_json::json!({"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "theirs"}]}]}}));
    }

    #[test]
    fn an_empty_file_becomes_settings_and_comments_stay() {
        let made = install("", &wanted("windlass")).unwrap();
        assert!(serde_json::from_str::<Value>(&made).is_ok() && made.ends_with("}\n"), "{made}");
        assert_eq!(serde_json::from_str::<Value>(&uninstall(&made, None).unwrap()).unwrap(), serde_json::json!({}));
        let with_comment = install("{\n  // mine\n  \"a\": 1\n}\n", &wanted("windlass")).unwrap();
        assert!(with_comment.contains("  // mine\n  \"a\": 1"), "{with_comment}");
    }

    #[test]
    fn what_cannot_be_understood_is_left_alone() {
        for text in ["{", "[1]", "{\"a\": 1,}", "{'a': 1}", "{\"hooks\": []}", "{\"hooks\": {\"Stop\": {}}}", "{\"a\" 1}", "\u{0}"] {
            assert!(install(text, &wanted("windlass")).is_err(), "{text}");
        }
        for text in ["{", "[1]", "null"] {
            assert!(uninstall(text, None).is_err(), "{text}");
        }
    }

    #[test]
    fn what_stood_empty_and_what_is_commented_stays() {
        let empty = "{\n  \"hooks\": {\n    \"Stop\": []\n  }\n}\n";
        let installed = install(empty, &wanted("windlass")).unwrap();
        assert_eq!(uninstall(&installed, Some(empty)).unwrap(), empty);
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(read(&uninstall(&installed, None).unwrap()), serde_json::json!({}), "where nothing is known of before");
        assert_eq!(read(&uninstall(&installed, Some("{\"hooks\": {}}")).unwrap()), serde_json::json!({"hooks": {}}));
        for theirs in [
            "{\n  \"hooks\": {\n    // what rings\n    \"Stop\": [\n      // none yet\n    ]\n  }\n}\n",
            "{\n  \"hooks\": { // mine\n  }\n}\n",
            "{\n  \"hooks\": {\n    \"Stop\": [], // the end\n    \"Odd\": 1\n  }\n}\n",
        ] {
            let left = uninstall(&install(theirs, &wanted("windlass")).unwrap(), None).unwrap();
            for comment in theirs.lines().filter_map(|line| line.split_once("//")) {
                assert!(left.contains(&format!("//{}", comment.1)), "{left}");
            }
            assert!(!has_ours(&left), "{left}");
        }
        let matched = "{\"hooks\":{\"Stop\":[{\"matcher\":\"x\",\"hooks\":[{\"command\":\"windlass hooks send --harness claude\"}]}]}}";
        assert_eq!(uninstall(matched, None).unwrap(), "{\"hooks\":{\"Stop\":[{\"matcher\":\"x\",\"hooks\":[]}]}}");
    }

    #[test]
    fn a_byte_order_mark_is_kept_and_what_stands_there_twice_is_refused() {
        let marked = "\u{feff}{\"a\": 1}\n";
        let installed = install(marked, &wanted("windlass")).unwrap();
        assert!(installed.starts_with("\u{feff}{") && has_ours(&installed), "{installed}");
        let left = uninstall(&installed, None).unwrap();
        assert!(left.starts_with("\u{feff}{") && !has_ours(&left), "{left}");
        for (twice, word) in
            [("{\"hooks\": {}, \"hooks\": {}}", "more than once"), ("{\"hooks\": {\"Stop\": [], \"St\\u006fp\": []}}", "more than once")]
        {
            assert!(install(twice, &wanted("windlass")).unwrap_err().contains(word), "{twice}");
            assert!(uninstall(twice, None).unwrap_err().contains(word), "{twice}");
        }
    }
}
