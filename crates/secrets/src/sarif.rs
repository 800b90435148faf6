//! Findings as SARIF 2.1.0, which code hosts and editors read.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::finding::Finding;
use crate::rule::Confidence;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool,
    column_kind: &'static str,
    results: Vec<Answer<'a>>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<Descriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    id: &'static str,
    short_description: Text,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Text,
    locations: [Location; 1],
    partial_fingerprints: BTreeMap<&'static str, &'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Physical,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
}

/// The findings as a SARIF document.
pub fn sarif(findings: &[Finding]) -> String {
    let about: BTreeMap<&str, &str> = crate::rules::all().map(|rule| (rule.id, rule.about)).collect();
    let mut used: Vec<&'static str> = findings.iter().map(|f| f.rule).collect();
    used.sort_unstable();
    used.dedup();
    let about = |id: &str| about.get(id).copied().unwrap_or("secret").to_owned();
    let rules = used.iter().map(|id| Descriptor { id, short_description: Text { text: about(id) } }).collect();
    let results = findings
        .iter()
        .map(|finding| Answer {
            rule_id: finding.rule,
            rule_index: used.binary_search(&finding.rule).unwrap_or(0),
            level: if finding.confidence == Confidence::Low { "warning" } else { "error" },
            message: Text { text: format!("{}: {}", about(finding.rule), finding.redacted) },
            locations: [Location {
                physical_location: Physical {
                    artifact_location: Artifact { uri: uri(&finding.path) },
                    region: Region { start_line: finding.line, start_column: finding.column },
                },
            }],
            partial_fingerprints: BTreeMap::from([("windlassFingerprint/v1", finding.fingerprint.as_str())]),
        })
        .collect();
    let driver = Driver { name: "windlass", version: env!("CARGO_PKG_VERSION"), rules };
    let log = Log { schema: SCHEMA, version: "2.1.0", runs: [Run { tool: Tool { driver }, column_kind: "unicodeCodePoints", results }] };
    // Plain strings and numbers: nothing that could not be written.
    serde_json::to_string_pretty(&log).unwrap_or_default()
}

/// A path as the relative reference that SARIF wants.
fn uri(path: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    percent_encoding::utf8_percent_encode(path, KEPT).to_string()
}
