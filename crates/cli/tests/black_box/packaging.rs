//! What is packaged fits what the daemon shows: dashboard, alert rules, units, compose file and chart.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use promql_parser::parser::{Expr, parse};
use serde_json::Value;
use windlass_telemetry::Metrics;
use windlass_testkit::skip::skipped;

use crate::daemon::Daemon;
use crate::environment::Home;
use crate::looks::{eventually, get};
use crate::metrics::free_port;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the repository").to_owned()
}

fn packaged(path: &str) -> String {
    let path = root().join("packaging").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The families of a daemon that has worked, by name without what a histogram adds.
fn scraped() -> BTreeSet<String> {
    let home = Home::new();
    let shared = home.path().join("shared");
    std::fs::create_dir_all(shared.join("tasks/marie")).expect("a shared directory");
    home.configure(&format!("metrics_port = {}\n[files]\nroot = \"{}\"\n[worker.marie]\n", free_port(), shared.display()));
    let daemon = Daemon::up(&home);
    let script = home.write(
        "script.toml",
        "[[turn]]\nsteps = [{ usage = { input_tokens = 10, output_tokens = 5, cost_usd = 0.01 } }, { say = \"Done.\" }]\n",
    );
    let script = script.to_str().expect("UTF-8");
    home.run(&["run", "a goal", "--project", "scratch", "--harness", "simulated", "--script", script, "--no-review"]).code(0);
    home.run(&["housekeeping", "--run-now"]).code(0);
    eventually("the task files are taken", || {
        home.run(&["files", "--json"]).json()["workers"].as_array().filter(|all| !all.is_empty()).map(drop)
    });
    let text = get(&home, &daemon.url, "/metrics").expect("figures").1;
    text.lines().filter_map(|line| Some(line.strip_prefix("# TYPE ")?.split(' ').next()?.to_owned())).collect()
}

/// The names of an expression's metrics.
fn names(expression: &str) -> BTreeSet<String> {
    fn walk(expr: &Expr, found: &mut BTreeSet<String>) {
        match expr {
            Expr::Aggregate(e) => walk(&e.expr, found),
            Expr::Unary(e) => walk(&e.expr, found),
            Expr::Paren(e) => walk(&e.expr, found),
            Expr::Subquery(e) => walk(&e.expr, found),
            Expr::Binary(e) => {
                walk(&e.lhs, found);
                walk(&e.rhs, found);
            }
            Expr::Call(e) => e.args.args.iter().for_each(|arg| walk(arg, found)),
            Expr::VectorSelector(e) => found.extend(e.name.clone()),
            Expr::MatrixSelector(e) => found.extend(e.vs.name.clone()),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
        }
    }
    // What Grafana fills in before it asks.
    let expression = expression.replace("$instance", ".*");
    let parsed = parse(&expression).unwrap_or_else(|e| panic!("{expression}: {e}"));
    let mut found = BTreeSet::new();
    walk(&parsed, &mut found);
    found
}

/// A histogram's series belong to its family.
fn family(name: &str, families: &BTreeSet<String>) -> Option<String> {
    let bare = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end).filter(|bare| families.contains(*bare)));
    Some(bare.unwrap_or(name).to_owned()).filter(|name| families.contains(name))
}

fn dashboard_expressions() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&packaged("grafana/windlass.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().filter_map(|p| p["targets"].as_array()).flatten();
    targets.map(|t| t["expr"].as_str().expect("an expression").to_owned()).collect()
}

fn alert_expressions() -> BTreeMap<String, String> {
    let rules: Value = serde_yaml_ng::from_str(&packaged("prometheus/alerts.yml")).expect("YAML");
    let groups = rules["groups"].as_array().expect("groups").iter();
    let rules = groups.flat_map(|group| group["rules"].as_array().expect("rules"));
    rules.map(|r| (r["alert"].as_str().expect("a name").to_owned(), r["expr"].as_str().expect("an expression").to_owned())).collect()
}

#[test]
fn every_family_of_a_scrape_has_a_panel_and_what_panels_and_rules_name_is_scraped() {
    let families = scraped();
    let mut shown = BTreeSet::new();
    for expression in dashboard_expressions() {
        for name in names(&expression) {
            shown.insert(family(&name, &families).unwrap_or_else(|| panic!("a panel names {name}, which is in no scrape: {expression}")));
        }
    }
    let hidden: Vec<_> = families.difference(&shown).collect();
    assert!(hidden.is_empty(), "no panel shows {hidden:?}");
    for (alert, expression) in alert_expressions() {
        for name in names(&expression).into_iter().filter(|name| name != "up") {
            assert!(family(&name, &families).is_some(), "{alert} names {name}, which is in no scrape: {expression}");
        }
    }
    let listed: BTreeSet<_> = Metrics::new([]).expect("metrics").families().into_iter().map(|f| f.name).collect();
    assert_eq!(families, listed, "the scrape of a daemon that has worked has every family");
}

#[test]
fn the_documents_list_every_family_and_every_alert() {
    const BEGIN: &str = "<!-- metrics -->\n";
    const END: &str = "<!-- /metrics -->";
    let path = root().join("docs/operations.md");
    let text = std::fs::read_to_string(&path).expect("the document");
    let (before, rest) = text.split_once(BEGIN).expect("a place for the table");
    let (table, after) = rest.split_once(END).expect("its end");
    let rows = Metrics::new([]).expect("metrics").families().into_iter();
    let rows = rows.map(|f| format!("| `{}` | {} | {} |\n", f.name, f.labels.join(", "), f.help));
    let wanted: String = ["| metric | labels | what it says |\n| --- | --- | --- |\n".to_owned()].into_iter().chain(rows).collect();
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{wanted}{END}{after}")).expect("written");
    } else {
        assert_eq!(table, wanted, "docs/operations.md is stale: UPDATE_REFERENCE=1 cargo test -p windlass-cli writes it anew");
    }
    for alert in alert_expressions().keys() {
        assert!(text.contains(alert.as_str()), "docs/operations.md does not say what to do about {alert}");
    }
}

/// Runs an outside checker; `None` after a loud skip where it is not installed.
fn checked(program: &str, args: &[&str]) -> Option<(bool, String)> {
    match Command::new(program).args(args).current_dir(root().join("packaging")).output() {
        Ok(out) => {
            Some((out.status.success(), format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))))
        }
        Err(_) => {
            // None of these comes from a registry that the tests may install from.
            if std::env::var_os("CI").is_none() {
                skipped(program, "It checks what is packaged.");
            }
            None
        }
    }
}

#[test]
fn the_rules_and_the_scrape_configuration_pass_prometheus_own_check() {
    for args in [["check", "rules", "prometheus/alerts.yml"], ["check", "config", "prometheus/prometheus.yml"]] {
        if let Some((passed, said)) = checked("promtool", &args) {
            assert!(passed, "{args:?}: {said}");
        }
    }
}

#[test]
fn systemd_understands_every_line_of_the_units() {
    // A node's unit is the machine's with a drop-in, laid out as its lines install it.
    let node = tempfile::tempdir().expect("a folder");
    let unit = node.path().join("windlass.service");
    std::fs::create_dir(node.path().join("windlass.service.d")).expect("a folder for the drop-in");
    std::fs::write(&unit, packaged("systemd/windlass.service")).expect("the unit");
    std::fs::write(node.path().join("windlass.service.d/node.conf"), packaged("systemd/windlass-node.conf")).expect("the drop-in");
    let node = unit.to_str().expect("UTF-8");
    let units =
        ["systemd/windlass.service", "systemd/user/windlass.service", "systemd/windlass-backup.service", "systemd/windlass-backup.timer"];
    for unit in units.into_iter().chain([node]) {
        let Some((_, said)) = checked("systemd-analyze", &["verify", unit]) else { continue };
        // The program itself and its page need not be installed where this is checked.
        let complaints: Vec<&str> =
            said.lines().filter(|l| l.contains("windlass") && !l.contains("is not executable") && !l.contains("man windlass")).collect();
        assert!(complaints.is_empty(), "{unit}: {complaints:#?}");
    }
}

#[test]
fn the_configurations_that_are_packaged_are_understood() {
    for file in ["systemd/windlass.toml", "compose/windlass.toml"] {
        let home = Home::new();
        home.configure(&packaged(file));
        let shown = home.run(&["config"]).code(0).out;
        assert!(shown.contains("grace"), "{file}: {shown}");
    }
}

#[test]
fn what_the_system_unit_reads_is_installed_by_its_own_lines() {
    let unit = packaged("systemd/windlass.service");
    assert!(unit.contains("install -m 640 -g windlass windlass.toml /etc/windlass/windlass.toml"));
    assert!(unit.contains("Environment=WINDLASS_CONFIG=/etc/windlass/windlass.toml"));
    assert!(unit.contains("StateDirectory=windlass windlass/backups"), "the daemon writes the backups");
    assert!(packaged("systemd/windlass-backup.service").contains("Environment=BACKUPS=/var/lib/windlass/backups"));
    assert!(packaged("systemd/user/windlass.service").contains("ExecStart=%h/.cargo/bin/windlass up"), "where `cargo install` puts it");
}

#[test]
fn the_units_give_a_stop_more_time_than_it_takes() {
    for unit in ["systemd/windlass.service", "systemd/user/windlass.service"] {
        let text = packaged(unit);
        for line in ["Type=notify", "KillMode=mixed", "TimeoutStopSec=75", "WatchdogSec=60"] {
            assert!(text.lines().any(|l| l == line), "{unit} has no {line}");
        }
    }
    assert!(packaged("compose/compose.yml").contains("stop_grace_period: 75s"));
}

#[test]
fn the_compose_file_mounts_and_sets_what_watchers_had() {
    let compose: Value = serde_yaml_ng::from_str(&packaged("compose/compose.yml")).expect("YAML");
    let windlass = &compose["services"]["windlass"];
    let list = |key: &str| -> Vec<String> {
        windlass[key].as_array().expect(key).iter().map(|v| v.as_str().unwrap_or_default().to_owned()).collect()
    };
    assert!(list("volumes").contains(&"./shared:/shared".to_owned()));
    assert!(list("volumes").contains(&"./prompts:/prompts:ro".to_owned()));
    assert!(list("environment").contains(&"WORKERS=marie,anga,fabien".to_owned()));
    assert_eq!(compose["services"]["prometheus"]["ports"][0], "127.0.0.1:9091:9090");
    assert!(!packaged("compose/compose.yml").contains(":latest"), "every image has a version");
    let names = windlass["networks"]["default"]["aliases"].as_array().expect("aliases").iter();
    for name in names.map(|name| name.as_str().expect("a name")) {
        assert!(packaged("compose/windlass.toml").contains(&format!("\"{name}\"")), "allowed_hosts lacks {name}");
    }
    if let Some((passed, said)) = checked("docker-compose", &["--file", "compose/compose.yml", "config", "--quiet"]) {
        assert!(passed, "{said}");
    }
    let image = packaged("compose/Dockerfile");
    assert!(image.contains("http://127.0.0.1:3001/health"), "the health check asks the daemon");
    let (page, binary) = (image.find("COPY --from=page /src/web/dist web/dist"), image.find("cargo build --release"));
    assert!(page.is_some() && page < binary, "the page is there before the binary is built");
    let ignored = std::fs::read_to_string(root().join(".dockerignore")).expect("what no image is built from");
    assert!(ignored.lines().any(|line| line == "**/target"));
}

#[test]
fn the_chart_lets_operators_reach_repositories_and_share_one_token() {
    let nodes = packaged("helm/windlass/templates/_helpers.tpl");
    for value in ["extraVolumes", "extraVolumeMounts", "extraEnv", "token.existingSecret"] {
        assert!(nodes.contains(&format!(".Values.{value}")), "{value}");
    }
    assert!(nodes.contains("name: WINDLASS_TOKEN"));
    let written = packaged("README.md");
    for key in ["`url`", "`token`", "`ANTHROPIC_API_KEY`"] {
        assert!(written.contains(key), "packaging/README.md does not name the key {key}");
    }
}

#[test]
fn the_chart_uses_no_value_that_it_does_not_define() {
    let values: Value = serde_yaml_ng::from_str(&packaged("helm/windlass/values.yaml")).expect("YAML");
    let chart: Value = serde_yaml_ng::from_str(&packaged("helm/windlass/Chart.yaml")).expect("YAML");
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
    let mut used = BTreeSet::new();
    for file in std::fs::read_dir(root().join("packaging/helm/windlass/templates")).expect("templates").flatten() {
        let text = std::fs::read_to_string(file.path()).expect("a template");
        assert_eq!(text.matches("{{").count(), text.matches("}}").count(), "{}", file.path().display());
        for rest in text.split(".Values.").skip(1) {
            used.insert(
                rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').next().unwrap_or_default().trim_end_matches('.').to_owned(),
            );
        }
    }
    assert!(used.len() > 20, "{used:?}");
    for path in &used {
        let found = path.split('.').try_fold(&values, |value, key| value.get(key));
        assert!(found.is_some(), "templates use .Values.{path}, which values.yaml does not define");
    }
}
