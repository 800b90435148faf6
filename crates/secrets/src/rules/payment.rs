//! Who is paid.

use crate::check::mixed;
use crate::rule::{Left, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule::token(
        "stripe-secret-key",
        "Stripe secret or restricted key",
        &["sk_live_", "sk_test_", "rk_live_", "rk_test_", "sk_org_"],
        r"[sr]k_(?:live|test|org_live|org_test)_[A-Za-z0-9]{20,247}",
    )
    .check(mixed),
    Rule::token("stripe-webhook-secret", "Stripe webhook signing secret", &["whsec_"], r"whsec_[A-Za-z0-9+/]{32,64}={0,2}").check(mixed),
    Rule::token(
        "square-secret",
        "Square access token or OAuth secret",
        &["sq0atp-", "sq0csp-", "EAAAE", "EAAAl"],
        r"(?:sq0atp-[A-Za-z0-9_-]{22}|sq0csp-[A-Za-z0-9_-]{43}|EAAA[El][A-Za-z0-9_-]{59})",
    )
    .check(mixed),
    Rule::token(
        "shopify-token",
        "Shopify access token or shared secret",
        &["shpat_", "shpca_", "shppa_", "shpss_", "shpua_"],
        r"shp(?:at|ca|pa|ss|ua)_[a-fA-F0-9]{32}",
    )
    .entropy(2.8),
    Rule::token(
        "braintree-token",
        "Braintree production access token",
        &["access_token$production$"],
        r"access_token\$production\$[0-9a-z]{16}\$[0-9a-f]{32}",
    ),
    Rule::token("flutterwave-key", "Flutterwave secret key", &["FLWSECK"], r"FLWSECK(?:_TEST|_PROD)?-[A-Za-z0-9]{32}(?:-X)?"),
    Rule::token("razorpay-key", "Razorpay live key", &["rzp_live_"], r"rzp_live_[A-Za-z0-9]{14}").check(mixed),
    Rule::token("paystack-key", "Paystack secret key", &["sk_live_", "sk_test_"], r"sk_(?:live|test)_[a-f0-9]{40}"),
    Rule::token("gocardless-token", "GoCardless live token", &["live_"], r"live_[A-Za-z0-9_-]{40,43}")
        .check(mixed)
        .left(Left::Run)
        .entropy(4.0)
        .medium(),
    Rule::token(
        "plaid-token",
        "Plaid access token",
        &["access-production-", "access-sandbox-", "access-development-"],
        r"access-(?:production|sandbox|development)-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}",
    ),
    Rule::token("coinbase-key", "Coinbase API key name", &["organizations/"], r"organizations/[a-f0-9-]{36}/apiKeys/[a-f0-9-]{36}")
        .left(Left::Any)
        .medium(),
    Rule::token("easypost-key", "EasyPost API key", &["EZAK", "EZTK"], r"EZ[AT]K[A-Za-z0-9]{54}").check(mixed),
    Rule::token("duffel-token", "Duffel token", &["duffel_live_", "duffel_test_"], r"duffel_(?:live|test)_[A-Za-z0-9_=-]{43}").check(mixed),
    Rule::token("shippo-token", "Shippo token", &["shippo_live_", "shippo_test_"], r"shippo_(?:live|test)_[a-f0-9]{40}"),
    Rule::token("lob-key", "Lob API key", &["live_", "test_"], r"(?:live|test)_[a-f0-9]{35}").left(Left::Run),
    Rule::token("adyen-key", "Adyen API key", &["AQE"], r"AQE[A-Za-z0-9]{40,160}-[A-Za-z0-9+/=]{40,60}-[A-Za-z0-9!-~]{16,20}").check(mixed),
];
