//! What watches, searches, stores and signs in.

use crate::check::mixed;
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule::token(
        "grafana-token",
        "Grafana service account, cloud or API token",
        &["glsa_", "glc_", "eyJrIjoi"],
        r"(?:glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_[A-Za-z0-9+/]{32,}={0,3}|eyJrIjoi[A-Za-z0-9+/]{70,}={0,3})",
    )
    .reach(450)
    .check(mixed),
    Rule::token(
        "newrelic-key",
        "New Relic key",
        &["NRAK-", "NRII-", "NRBR-", "NRAL"],
        r"NR(?:AK-[A-Z0-9]{27}|II-[A-Za-z0-9_-]{32}|BR-[a-f0-9]{19})",
    )
    .entropy(2.8),
    Rule::token("newrelic-license", "New Relic licence key", &["nral"], r"(?:\A|[^A-Za-z0-9])([a-f0-9]{36}NRAL)")
        .folded()
        .around(37)
        .reach(4),
    Rule::token("dynatrace-token", "Dynatrace token", &["dt0c01.", "dt0s01.", "dt0s16."], r"dt0[cs][01][16]\.[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    Rule::token("datadog-key", "Datadog application or personal key", &["ddapp_", "ddpat_"], r"dd(?:app|pat)_[A-Za-z0-9]{34,60}")
        .check(mixed),
    Rule::token(
        "honeycomb-key",
        "Honeycomb ingest or management key",
        &["hcaik_", "hcbik_", "hcamk_", "hcxik_", "hcxmk_"],
        r"hc[abx][im]k_[a-z0-9]{56,60}",
    ),
    Rule::token("posthog-key", "PostHog personal key", &["phx_"], r"phx_[A-Za-z0-9]{43,50}").check(mixed),
    Rule::token(
        "launchdarkly-key",
        "LaunchDarkly SDK or API key",
        &["sdk-", "api-"],
        r"(?:sdk|api)-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}",
    )
    .medium(),
    Rule::token("postman-key", "Postman API key", &["PMAK-"], r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    Rule::token("readme-key", "ReadMe API key", &["rdme_"], r"rdme_[a-z0-9]{70}"),
    Rule::token(
        "tailscale-key",
        "Tailscale key",
        &["tskey-"],
        r"tskey-(?:auth|api|client|scim|webhook)-[A-Za-z0-9]{6,20}(?:CNTRL)?-[A-Za-z0-9]{20,48}",
    )
    .check(mixed),
    Rule::token("ngrok-key", "ngrok API key or auth token", &["ak_", "cr_"], r"(?:ak|cr)_[A-Za-z0-9]{27}")
        .check(mixed)
        .entropy(3.8)
        .medium(),
    Rule::token("svix-key", "Svix API key", &["sk_svix_"], r"sk_svix_[A-Za-z0-9]{40,60}").check(mixed),
    Rule::token("okta-token", "Okta API token", &["SSWS "], r"SSWS ([A-Za-z0-9_-]{42})"),
    Rule::token("mapbox-secret-token", "Mapbox secret token", &["sk.eyJ"], r"sk\.eyJ[A-Za-z0-9_-]{50,160}\.[A-Za-z0-9_-]{20,30}")
        .check(mixed),
    Rule::token("contentful-token", "Contentful management token", &["CFPAT-"], r"CFPAT-[A-Za-z0-9_-]{43}").check(mixed),
    Rule::token("frame-io-token", "Frame.io token", &["fio-u-"], r"fio-u-[A-Za-z0-9_=-]{64}").check(mixed),
    Rule::token("dropbox-token", "Dropbox short-lived token", &["sl."], r"sl\.(?:u\.)?[A-Za-z0-9_=-]{130,}").reach(1500).check(mixed),
    Rule::token(
        "snyk-service-token",
        "Snyk user or service token",
        &["snyk_uat.", "snyk_sat."],
        r"snyk_[us]at\.[a-f0-9]{8}\.[A-Za-z0-9_-]{40,}\.[A-Za-z0-9_-]{20,}",
    )
    .reach(900),
    Rule::token("infracost-key", "Infracost API key", &["ico-"], r"ico-[A-Za-z0-9]{32}").check(mixed),
    Rule::token("octopus-key", "Octopus Deploy API key", &["API-"], r"API-[A-Z0-9]{26,32}").entropy(3.5).check(mixed_upper).medium(),
    Rule::token(
        "trigger-dev-key",
        "Trigger.dev secret key",
        &["tr_dev_", "tr_prod_", "tr_stg_"],
        r"tr_(?:dev|prod|stg)_[A-Za-z0-9]{20,40}",
    )
    .check(mixed),
    Rule::token("openshift-token", "OpenShift user token", &["sha256~"], r"sha256~[A-Za-z0-9_-]{43}").check(mixed),
    Rule::token("windlass-token", "Windlass API token", &["wl_"], r"wl_[A-Za-z0-9_-]{32,64}").check(mixed).entropy(4.0).medium(),
];

/// Upper-case letters and digits both.
fn mixed_upper(secret: &[u8]) -> bool {
    secret.iter().any(u8::is_ascii_digit) && secret.iter().skip(4).any(u8::is_ascii_uppercase)
}
