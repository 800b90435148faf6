//! What the user's page on the simulated agent says, held against the agent.

use windlass_harness::simulated;

const PAGE: &str = include_str!("../../../docs/reference/simulated.md");

fn scripts() -> Vec<&'static str> {
    PAGE.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn every_example_can_be_read() {
    assert_eq!(scripts().len(), 2);
    for script in scripts() {
        simulated::check(script).unwrap_or_else(|failure| panic!("{}\n{script}", failure.message));
    }
}

/// The rows of the tables of steps: the step as it is written, and whether it is marked as one that needs no process.
fn steps() -> Vec<(String, bool)> {
    let tables = PAGE.split("## Steps").nth(1).unwrap().split("## Facts").next().unwrap();
    let rows = tables.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| (row.split('`').next().unwrap().replace("{ … }", "{ x = 1 }"), row.contains("` | ○ |"))).collect()
}

#[test]
fn every_step_is_as_the_tables_say_and_none_is_missing() {
    for (step, needs_no_process) in steps() {
        simulated::check(&format!("[[turn]]\nsteps = [{{ {step} }}]")).unwrap_or_else(|failure| panic!("{step}: {}", failure.message));
        let inside = simulated::check(&format!("[[turn]]\nprocess = false\nsteps = [{{ {step} }}]"));
        assert_eq!(inside.is_ok(), needs_no_process, "{step}");
    }
    // The refusal of an unknown step names those that there are.
    let refusal = simulated::check("[[turn]]\nsteps = [{ none = 1 }]").unwrap_err().message;
    let mut known: Vec<&str> = refusal.split("expected one of").nth(1).unwrap().split('`').skip(1).step_by(2).collect();
    let told = steps();
    let mut told: Vec<&str> = told.iter().map(|(step, _)| step.split(' ').next().unwrap()).collect();
    known.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, known);
}
