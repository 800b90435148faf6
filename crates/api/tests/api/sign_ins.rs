//! Sign-ins: seen and ended from elsewhere, and over with what they were made by.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use windlass_api::ApiToken;
use windlass_types::JobType;

use crate::access::{Browser, audited, token, user};
use crate::support::{Api, Database, Listener, answer, on_both};

impl Browser<'_> {
    /// The same browser before another daemon, which it takes for the same.
    fn at<'a>(&self, api: &'a Api) -> Browser<'a> {
        let cookie = self.secret().map(|secret| format!("windlass_{}={secret}", api.port));
        Browser { api, cookie, page_key: self.page_key.clone() }
    }

    fn secret(&self) -> Option<&str> {
        self.cookie.as_deref().and_then(|cookie| cookie.split_once('=')).map(|(_, secret)| secret)
    }

    async fn sign_ins(&self) -> Vec<Value> {
        let (status, page) = self.get("/api/v1/sign-ins").await;
        assert_eq!(status, StatusCode::OK, "{page}");
        page["items"].as_array().cloned().expect("sign-ins")
    }

    async fn end(&self, id: &str) -> (StatusCode, Value) {
        answer(self.request(Method::DELETE, &format!("/api/v1/sign-ins/{id}")).header("Content-Type", "application/json")).await
    }
}

/// The id of the sign-in that asks.
fn own(sign_ins: &[Value]) -> &str {
    sign_ins.iter().find(|one| one["current"] == true).and_then(|one| one["id"].as_str()).expect("the one that asks")
}

async fn signed_in<'a>(api: &'a Api, name: &str) -> Browser<'a> {
    let (status, me, browser) = Browser::sign_in(api, &json!({ "name": name, "password": format!("password of {name}") })).await;
    assert_eq!(status, StatusCode::OK, "{me}");
    browser
}

async fn link(asked: reqwest::RequestBuilder, scope: &str) -> Value {
    let (status, link) = answer(asked.json(&json!({ "scope": scope }))).await;
    assert_eq!(status, StatusCode::CREATED, "{link}");
    json!({ "code": link["path"].as_str().and_then(|path| path.strip_prefix("/login#")).expect("a code") })
}

on_both! {
    async fn people_see_and_end_their_own_sign_ins_and_admins_everybodys(database: Database) {
        let api = Api::start(database).await;
        user(&api, "vera", "viewer").await;
        user(&api, "omar", "operator").await;
        let (here, lost, omar) = (signed_in(&api, "vera").await, signed_in(&api, "vera").await, signed_in(&api, "omar").await);
        let (_, _, owner) = Browser::sign_in(&api, &json!({ "token": api.token.secret() })).await;
        let seen = here.sign_ins().await;
        assert_eq!(seen.len(), 2, "{seen:?}");
        assert!(seen.iter().all(|one| one["user"] == "vera" && one["scope"] == "read" && one["expires_at"].is_string()), "{seen:?}");
        let (of_lost, of_omar) = (lost.sign_ins().await, omar.sign_ins().await);
        assert_eq!(omar.end(own(&of_lost)).await.0, StatusCode::NOT_FOUND, "an operator ends nobody else's");
        let mut listener = Listener::open(lost.request(Method::GET, "/api/v1/events")).await;
        let (status, ended) = here.end(own(&of_lost)).await;
        assert_eq!((status, &ended["id"], &ended["current"]), (StatusCode::OK, &json!(own(&of_lost)), &json!(false)));
        assert!(listener.event().await.is_none(), "its stream ends with it");
        assert_eq!(lost.get("/api/v1/me").await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(here.end(own(&of_lost)).await.0, StatusCode::NOT_FOUND, "it is over");
        let all = owner.sign_ins().await;
        let who: Vec<&Value> = all.iter().map(|one| &one["user"]).collect();
        assert_eq!(who, [&Value::Null, &json!("omar"), &json!("vera")], "the newest first");
        assert!(!json!(all).to_string().contains("wls_"), "no secret is ever shown again");
        assert_eq!(owner.end(own(&of_omar)).await.0, StatusCode::OK);
        assert_eq!(omar.get("/api/v1/me").await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(owner.end("crd_x").await.0, StatusCode::BAD_REQUEST);
        let lines = audited(&api, "end_sign_in", 5).await;
        let told: Vec<(&Value, &Value)> = lines.iter().map(|line| (&line["who"], &line["status"])).collect();
        assert!(told.contains(&(&json!("vera"), &json!(200))) && told.contains(&(&json!("omar"), &json!(404))), "{told:?}");
    }

    async fn sign_ins_come_in_pages(database: Database) {
        let api = Api::start(database).await;
        let with = json!({ "token": api.token.secret() });
        for _ in 0..3 {
            assert_eq!(Browser::sign_in(&api, &with).await.0, StatusCode::OK);
        }
        let (_, first) = api.get("/api/v1/sign-ins?limit=2").await;
        let (_, last) = api.get(&format!("/api/v1/sign-ins?limit=2&cursor={}", first["next_cursor"].as_str().expect("more"))).await;
        let count = |page: &Value| page["items"].as_array().map_or(0, Vec::len);
        assert_eq!((count(&first), count(&last), &last["next_cursor"]), (2, 1, &Value::Null));
        assert!(first["items"].as_array().into_iter().flatten().all(|one| one["current"] == false), "a token is no sign-in");
    }

    async fn programs_agents_and_lent_screens_see_no_sign_ins_of_others(database: Database) {
        let api = Api::start(database).await;
        user(&api, "ada", "admin").await;
        let ada = signed_in(&api, "ada").await;
        let (_, _, screen) = Browser::sign_in(&api, &link(ada.request(Method::POST, "/api/v1/login-links"), "read").await).await;
        let (of_ada, of_screen) = (ada.sign_ins().await, screen.sign_ins().await);
        assert_eq!((of_ada.len(), of_screen.len(), &of_screen[0]["scope"]), (2, 1, &json!("read")));
        assert_eq!(screen.end(own(&of_ada)).await.0, StatusCode::NOT_FOUND);
        let assignment = api.run("a goal").await;
        let (reader, _) = token(&api, "reader", "read", None).await;
        let (admin, _) = token(&api, "admin", "admin", None).await;
        let (bound, _) = token(&api, "bound", "assignment", Some(&assignment)).await;
        let place = api.agent(JobType::Implement).await;
        let path = format!("/api/v1/sign-ins/{}", own(&of_screen));
        for (secret, sees, ends) in [(&reader, 200, 404), (&bound, 403, 403), (&place.token, 403, 403), (&admin, 200, 200)] {
            let (status, page) = answer(api.with(secret, Method::GET, "/api/v1/sign-ins")).await;
            assert_eq!(status, sees, "{page}");
            if secret == &reader {
                assert_eq!(page["items"], json!([]));
            }
            let (status, ended) = answer(api.with(secret, Method::DELETE, &path).header("Content-Type", "application/json")).await;
            assert_eq!(status, ends, "{ended}");
        }
        assert_eq!(screen.get("/api/v1/me").await.0, StatusCode::UNAUTHORIZED);
    }

    async fn what_the_owner_signed_in_ends_with_the_owners_token_and_what_users_did_does_not(database: Database) {
        let api = Api::start(database).await;
        user(&api, "ada", "admin").await;
        let (_, _, owner) = Browser::sign_in(&api, &json!({ "token": api.token.secret() })).await;
        let lend = async |browser: &Browser<'_>| link(browser.request(Method::POST, "/api/v1/login-links"), "read").await;
        let ada = signed_in(&api, "ada").await;
        let (_, _, lent) = Browser::sign_in(&api, &lend(&owner).await).await;
        let (of_owner, of_ada) = (lend(&owner).await, lend(&ada).await);
        let same = api.another(api.token.clone()).await;
        for browser in [&owner, &lent, &ada] {
            assert_eq!(browser.at(&same).get("/api/v1/me").await.0, StatusCode::OK, "the token is the same");
        }
        let other = api.another(ApiToken::random().expect("a token")).await;
        for browser in [&owner, &lent] {
            assert_eq!(browser.at(&other).get("/api/v1/me").await.0, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(ada.at(&other).get("/api/v1/me").await.0, StatusCode::OK);
        // Nor does it help to know the old token, or what was kept.
        let halves = format!("{} {}", owner.secret().expect("a cookie"), owner.page_key.as_deref().expect("a key"));
        let hash = Sha256::digest(halves.as_bytes()).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let clever = Browser { api: &other, cookie: Some(format!("windlass_{}={hash}", other.port)), page_key: Some(api.token.secret().to_owned()) };
        assert_eq!(clever.get("/api/v1/me").await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(Browser::sign_in(&other, &of_owner).await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(Browser::sign_in(&other, &of_ada).await.0, StatusCode::OK);
        assert_eq!(Browser::sign_in(&same, &of_owner).await.0, StatusCode::OK, "it was not taken by who may not");
    }
}
