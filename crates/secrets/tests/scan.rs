//! What is found where, what is not, and what a finding tells.

mod kit;

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE, Engine as _};
use kit::Draw;
use windlass_secrets::{AllowList, Allowed, Confidence, Finding, Scanner, sarif};

fn scan(path: &str, text: &str) -> Vec<Finding> {
    Scanner::new().unwrap().scan_bytes(path, text.as_bytes(), &Allowed::nothing())
}

fn rules(path: &str, text: &str) -> Vec<&'static str> {
    scan(path, text).iter().map(|f| f.rule).collect()
}

#[test]
fn a_finding_says_where_and_what_and_never_holds_the_secret() {
    let secret = Draw::new(1).github();
    let findings = scan("src/main.rs", &format!("// ä\n  let t = \"{secret}\";\n"));
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((finding.rule, finding.line, finding.column, finding.length), ("github-token", 2, 12, 40));
    assert_eq!((finding.redacted.as_str(), finding.confidence), ("ghp_****", Confidence::High));
    let told = format!("{finding:?}{}{}", serde_json::to_string(finding).unwrap(), sarif(&findings));
    assert!(!told.contains(&secret[..8]), "{told}");
}

#[test]
fn a_short_password_is_not_shown_at_all() {
    let secret = Draw::new(2).mixed(12);
    let findings = scan("app.toml", &format!("password = \"{secret}\"\n"));
    assert_eq!(findings[0].redacted, "****");
}

#[test]
fn vendors_formats_are_told_from_each_other() {
    let mut draw = Draw::new(3);
    for (secret, rule) in [
        (draw.github(), "github-token"),
        (draw.checksummed("npm"), "npm-token"),
        (draw.aws_id(), "aws-access-key-id"),
        (draw.anthropic(), "anthropic-api-key"),
        (draw.jwt(), "jwt"),
        (draw.private_key(), "private-key"),
        (format!("{}{}", "glpat-", draw.mixed(20)), "gitlab-token"),
        (format!("{}{}", "sk_live_", draw.mixed(60)), "stripe-secret-key"),
        (format!("{}{}.{}", "SG.", draw.mixed(22), draw.mixed(43)), "sendgrid-api-key"),
        (format!("postgres://app:{}@db.internal/app", draw.mixed(18)), "url-password"),
        (format!("Authorization: Basic {}", BASE64_STANDARD.encode(format!("svc:{}", draw.mixed(20)))), "basic-auth"),
    ] {
        for text in [secret.clone(), format!("x \"{secret}\" y"), format!("a\\n{secret}\\n"), format!("\u{1b}[32m{secret}\u{1b}[0m")] {
            assert_eq!(rules("notes.txt", &text), [rule], "{text}");
        }
    }
}

#[test]
fn a_checksum_that_does_not_fit_is_no_secret_under_any_name() {
    let mut token = Draw::new(4).github();
    let last = if token.pop() == Some('a') { 'b' } else { 'a' };
    token.push(last);
    assert_eq!(rules("a.env", &format!("GITHUB_TOKEN={token}\n")), Vec::<&str>::new());
}

#[test]
fn secrets_are_found_in_every_encoding() {
    let mut draw = Draw::new(5);
    for secret in [draw.github(), draw.anthropic(), draw.aws_id()] {
        let hex = secret.bytes().map(|b| format!("{b:02x}")).collect::<Vec<_>>().concat();
        let percent = secret.bytes().map(|b| format!("%{b:02X}")).collect::<Vec<_>>().concat();
        let escaped = secret.bytes().map(|b| format!("\\u{b:04x}")).collect::<Vec<_>>().concat();
        let (half, rest) = secret.split_at(secret.len() / 2);
        let inside = BASE64_STANDARD.encode(format!("login svc with {secret} now"));
        for text in [
            BASE64_STANDARD.encode(&secret),
            BASE64_URL_SAFE.encode(&secret),
            format!("payload/{inside}"),
            BASE64_STANDARD.encode(format!("twice {inside}")),
            hex,
            percent,
            escaped,
            format!("t = \"{half}\" + \"{rest}\""),
            format!("t = (\"{half}\"\n     \"{rest}\")"),
            format!("t = '{half}' .\n  '{rest}';"),
            format!("t = [\"{half}\", \"{rest}\"].join(\"\")"),
        ] {
            assert!(!rules("a.py", &text).is_empty(), "{text}");
        }
    }
}

#[test]
fn wide_letters_and_binaries_hide_nothing() {
    let secret = Draw::new(6).github();
    let scanner = Scanner::new().unwrap();
    let wide = |little: bool, bom: bool| -> Vec<u8> {
        let text = format!("{}A=1\nTOKEN={secret}\n", if bom { "\u{feff}" } else { "" });
        text.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    };
    let mut files: Vec<Vec<u8>> = [(true, true), (false, true), (true, false), (false, false)].map(|(l, b)| wide(l, b)).to_vec();
    files.push([&[0, 1, 2, 0xff, 0][..], secret.as_bytes(), &[0, 0, 7]].concat());
    files.push([&[0xff, 0xfe, 0x80][..], secret.as_bytes(), &[0xc3, 0x28]].concat());
    for bytes in files {
        let findings = scanner.scan_bytes("a.bin", &bytes, &Allowed::nothing());
        assert_eq!(findings.iter().map(|f| f.rule).collect::<Vec<_>>(), ["github-token"]);
    }
    assert_eq!(scanner.scan_bytes("a.txt", &wide(true, true), &Allowed::nothing())[0].line, 2);
}

#[test]
fn what_only_looks_like_a_secret_is_left_alone() {
    let mut draw = Draw::new(7);
    let (sha, digest) = (draw.hex(40), draw.hex(64));
    let integrity = BASE64_STANDARD.encode(draw.mixed(48));
    for text in [
        format!("- fix the token refresh ({sha})"),
        format!("checksum = \"{digest}\""),
        format!("\"integrity\": \"sha512-{integrity}\""),
        "password: ${DB_PASSWORD}".to_owned(),
        "token = os.environ[\"API_TOKEN\"]".to_owned(),
        "let token = self.lexer.next_token2()?;".to_owned(),
        "\"password\": \"Passwort vergessen?\"".to_owned(),
        "SECRET_KEY=change-me-to-something-random-1".to_owned(),
        "client_id: 550e8400-e29b-41d4-a716-446655440000".to_owned(),
        "token: ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx".to_owned(),
        "https://user:password@localhost:5432/app".to_owned(),
        "http://registry.local:4873/@scope/package".to_owned(),
        "api_key: {{ .Values.apiKey }}".to_owned(),
        "token_sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
        format!("password_hash = \"$2b$12${}\"", draw.mixed(53)),
    ] {
        assert_eq!(rules("a.txt", &text), Vec::<&str>::new(), "{text}");
    }
}

#[test]
fn names_messages_and_paths_are_texts_too() {
    let secret = Draw::new(8).github();
    let scanner = Scanner::new().unwrap();
    assert_eq!(scanner.scan_text("commit message", &format!("Rotate\n\nold: {secret}"), &Allowed::nothing())[0].line, 3);
    let findings = scanner.scan_bytes(&format!("backup/{secret}.txt"), b"", &Allowed::nothing());
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].path, "backup/[redacted:github-token].txt", "the path does not tell it");
    let findings = scanner.scan_bytes(&format!("{secret}.env"), format!("A={secret}").as_bytes(), &Allowed::nothing());
    assert_eq!(findings.len(), 2);
    assert!(findings.iter().all(|f| !f.path.contains(&secret)), "{findings:?}");
}

#[test]
fn a_comment_allows_only_on_the_base() {
    let mut draw = Draw::new(9);
    let (old, new) = (draw.github(), draw.github());
    let scanner = Scanner::new().unwrap();
    for comment in ["windlass:allow-secret", "gitleaks:allow", "pragma: allowlist secret"] {
        let base = format!("FAKE = \"{old}\"  # {comment}\n");
        let branch = format!("# moved\nFAKE = \"{old}\"\nNEW = \"{new}\"  # {comment}\n");
        let allowed = Allowed::nothing().with_fingerprints(scanner.allowed_by_comments("a.py", base.as_bytes()));
        let findings = scanner.scan_bytes("a.py", branch.as_bytes(), &allowed);
        assert_eq!(findings.iter().map(|f| f.line).collect::<Vec<_>>(), [3], "{comment}");
        assert_eq!(scanner.scan_bytes("b.py", base.as_bytes(), &allowed).len(), 1, "another file is another place");
        assert_eq!(scanner.scan_bytes("a.py", base.as_bytes(), &Allowed::nothing()).len(), 1, "nothing is allowed by itself");
    }
}

#[test]
fn a_list_allows_by_fingerprint_path_and_rule() {
    let secret = Draw::new(10).github();
    let scanner = Scanner::new().unwrap();
    let text = format!("A = \"{secret}\"\n");
    let fingerprint = scanner.scan_bytes("tests/a.py", text.as_bytes(), &Allowed::nothing())[0].fingerprint.clone();
    for (list, in_tests, elsewhere) in [
        (format!("[[allow]]\nfingerprint = \"{fingerprint}\""), 0, 1),
        ("[[allow]]\npath = \"tests/**\"".to_owned(), 0, 1),
        ("[[allow]]\nrule = \"github-token\"".to_owned(), 0, 0),
        ("[[allow]]\nrule = \"jwt\"\npath = \"tests/**\"".to_owned(), 1, 1),
    ] {
        let allowed = Allowed::nothing().with_list(AllowList::parse(&list).unwrap());
        assert_eq!(scanner.scan_bytes("tests/a.py", text.as_bytes(), &allowed).len(), in_tests, "{list}");
        assert_eq!(scanner.scan_bytes("src/a.py", text.as_bytes(), &allowed).len(), elsewhere, "{list}");
    }
}

#[test]
fn many_allowed_secrets_hide_no_other() {
    let mut draw = Draw::new(11);
    let scanner = Scanner::new().unwrap();
    let base = (0..1500).map(|_| format!("\"{}\" # windlass:allow-secret\n", draw.github())).collect::<Vec<_>>().concat();
    let allowed = Allowed::nothing().with_fingerprints(scanner.allowed_by_comments("a", base.as_bytes()));
    let branch = format!("{base}\"{}\"\n", draw.github());
    let findings = scanner.scan_bytes("a", branch.as_bytes(), &allowed);
    assert_eq!(findings.iter().map(|f| f.line).collect::<Vec<_>>(), [1501]);
}

#[test]
fn sarif_names_rules_places_and_fingerprints() {
    let mut draw = Draw::new(12);
    let findings = scan("dir with space/ä.txt", &format!("\n{}\n{}\n", draw.github(), draw.jwt()));
    let log: serde_json::Value = serde_json::from_str(&sarif(&findings)).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "windlass");
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for (result, finding) in results.iter().zip(&findings) {
        let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert_eq!(result["ruleId"], finding.rule);
        assert!(result["message"]["text"].is_string());
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "dir%20with%20space/%C3%A4.txt");
        assert_eq!(place["region"]["startLine"], finding.line);
        assert_eq!(result["partialFingerprints"]["windlassFingerprint/v1"], finding.fingerprint.as_str());
    }
    let none: serde_json::Value = serde_json::from_str(&sarif(&[])).unwrap();
    assert_eq!(none["runs"][0]["results"], serde_json::json!([]));
}

#[test]
fn a_secret_is_found_wherever_a_window_ends() {
    let secret = Draw::new(13).github();
    let scanner = Scanner::new().unwrap();
    for at in [(1 << 20) - 41, (1 << 20) - 20, 1 << 20, (1 << 20) + (64 << 10) - 10, (2 << 20) - 3] {
        let mut text = vec![b'-'; 3 << 20];
        text[at..at + secret.len()].copy_from_slice(secret.as_bytes());
        let findings = scanner.scan_bytes("long", &text, &Allowed::nothing());
        assert_eq!(findings.iter().map(|f| (f.line, f.column)).collect::<Vec<_>>(), [(1, at + 1)]);
    }
}

#[test]
fn files_in_which_tools_keep_logins_are_read() {
    let mut draw = Draw::new(14);
    let password = draw.mixed(20);
    let login = BASE64_STANDARD.encode(format!("svc:{password}"));
    for (path, text, rule) in [
        (".docker/config.json", format!("{{\"auths\": {{\"r.acme.io\": {{\"auth\": \"{login}\"}}}}}}"), "docker-auth"),
        (".npmrc", format!("//r.acme.io/:_authToken={password}\n"), "npmrc-auth-token"),
        (".npmrc", format!("//r.acme.io/:_auth={login}\n"), "npmrc-auth"),
        (".netrc", format!("machine acme.io\n  login svc\n  password {password}\n"), "netrc-password"),
        (".pgpass", format!("db.acme.io:5432:app:svc:{password}\n"), "pgpass-line"),
        (".git-credentials", format!("https://svc:{password}@git.acme.io\n"), "url-password"),
        ("deploy.sh", format!("curl -u svc:{password} https://acme.io/x\n"), "curl-user"),
        ("call.http", format!("GET / HTTP/1.1\nAuthorization: Bearer {}\n", draw.mixed(40)), "bearer-token"),
        ("kubeconfig", format!("users:\n- user:\n    client-key-data: {}\n", BASE64_STANDARD.encode(draw.private_key())), "private-key"),
        ("kubeconfig", format!("users:\n- user:\n    token: {}\n", draw.mixed(40)), "generic-secret"),
        (".env", format!("A=1\nAPP_SECRET={password}\n"), "generic-secret"),
        ("secret.yaml", format!("data:\n  password: {}\n", BASE64_STANDARD.encode(&password)), "generic-secret"),
        ("credentials", format!("[default]\naws_secret_access_key = {}\n", draw.mixed(40)), "aws-secret-access-key"),
    ] {
        assert_eq!(rules(path, &text), [rule], "{path}: {text}");
    }
}
