//! A throwaway PostgreSQL is real, is there for each test alone, and leaves nothing behind.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use postgres::{Client, NoTls};
use windlass_testkit::postgres::{TestDatabase, TestPostgres, URL_VARIABLE};
use windlass_testkit::process::kill;
use windlass_testkit::wait::eventually;

/// Set for [`holds_a_server_until_it_is_killed`], which is no test by itself.
const HOLDER: &str = "WINDLASS_TEST_HOLDER";

/// Asks a database something, away from the test's runtime, and gives the first column as text.
async fn ask(url: &str, sql: &'static str) -> Result<Vec<String>, postgres::Error> {
    let url = url.to_owned();
    let asked = tokio::task::spawn_blocking(move || {
        let rows = Client::connect(&url, NoTls)?.simple_query(sql)?;
        let first = rows.iter().filter_map(|r| match r {
            postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        Ok(first.collect())
    });
    asked.await.unwrap()
}

#[tokio::test]
async fn two_tests_do_not_see_each_others_tables() {
    let (Some(one), Some(two)) = (TestPostgres::database().await, TestPostgres::database().await) else { return };
    ask(one.url(), "CREATE TABLE t (n int)").await.unwrap();
    assert_eq!(ask(one.url(), "SELECT count(*) FROM t").await.unwrap(), ["0"]);
    assert!(ask(two.url(), "SELECT count(*) FROM t").await.is_err());
    assert_eq!(ask(two.url(), "SHOW server_encoding").await.unwrap(), ["UTF8"]);
}

#[tokio::test]
async fn a_database_goes_with_its_test() {
    let Some(one) = TestPostgres::database().await else { return };
    let url = one.url().to_owned();
    drop(one);
    assert!(ask(&url, "SELECT 1").await.is_err());
}

#[tokio::test]
async fn broken_connections_are_noticed_by_their_holders() {
    let Some(one) = TestPostgres::database().await else { return };
    let url = one.url().to_owned();
    let mut client = tokio::task::spawn_blocking(move || Client::connect(&url, NoTls).unwrap()).await.unwrap();
    assert_eq!(one.break_connections().await.unwrap(), 1);
    let held = tokio::task::spawn_blocking(move || {
        let answer = client.simple_query("SELECT 1").map(drop);
        drop(client);
        answer
    });
    assert!(held.await.unwrap().is_err());
}

#[tokio::test]
async fn a_server_that_is_named_is_used_and_left_as_it_was() {
    let Ok(server) = TestPostgres::start() else { return };
    let test = |url: &str| {
        let mut test = Command::new(std::env::current_exe().unwrap());
        test.args(["--exact", "two_tests_do_not_see_each_others_tables"]).env(URL_VARIABLE, url);
        test.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
    };
    assert!(test(&server.url()));
    assert!(!test("postgres://127.0.0.1:1/nobody-there"), "no other server is taken instead");
    let databases = ask(&server.url(), "SELECT datname FROM pg_database WHERE NOT datistemplate").await.unwrap();
    assert_eq!(databases, ["postgres"]);
}

#[tokio::test]
async fn a_server_ends_with_the_process_that_started_it_even_when_that_is_killed() {
    let mut holder = Command::new(std::env::current_exe().unwrap());
    holder.args(["--exact", "holds_a_server_until_it_is_killed", "--nocapture"]).env(HOLDER, "1").env_remove(URL_VARIABLE);
    let mut holder = holder.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let output = BufReader::new(holder.stdout.take().unwrap());
    let url = output.lines().map_while(Result::ok).find_map(|line| Some(line.split_once("URL ")?.1.to_owned()));
    let Some(url) = url else {
        holder.wait().unwrap();
        assert!(TestPostgres::start().is_err(), "PostgreSQL can be had, and yet was not started");
        return;
    };
    let address = url.split_once('@').unwrap().1.split_once('/').unwrap().0.to_owned();
    assert!(TcpStream::connect(&address).is_ok());
    kill(holder.id());
    holder.wait().unwrap();
    let gone = eventually(Duration::from_secs(30), || async { TcpStream::connect(&address).is_err().then_some(()) }).await;
    assert!(gone.is_some(), "{address} still answers");
}

/// The process that is killed in the test above.
#[test]
fn holds_a_server_until_it_is_killed() {
    if std::env::var_os(HOLDER).is_none() {
        return;
    }
    let Some(database) = TestPostgres::database_blocking() else { return };
    let url = TestDatabase::url(&database);
    // Before the test runner catches it: its own lines would come between.
    writeln!(std::io::stdout(), "URL {url}").unwrap();
    let _ = std::io::stdin().lines().next();
}
