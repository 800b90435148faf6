//! Secrets without a shape of their own: what is assigned to a name says what they are.

use crate::rule::{Left, Rule};

/// A kind of secret that only a name gives away.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) rule: Rule,
    /// Words of which one is in the name, without separators.
    words: &'static [&'static str],
    shape: Shape,
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    /// Forty characters of base64.
    Aws,
    /// So many lower-case hexadecimal digits.
    Hex(usize),
    /// A UUID, which counts as a secret only under such a name.
    Uuid,
    /// Letters, digits, `_` and `-`, between so many and so many.
    Run(usize, usize),
}

const fn by_name(id: &'static str, about: &'static str, words: &'static [&'static str], shape: Shape) -> Named {
    let mut rule = Rule::token(id, about, &[], "").left(Left::Any).medium();
    rule.reach = 0;
    Named { rule, words, shape }
}

/// Any other value that is named a secret and looks like one.
pub(crate) const GENERIC: Named =
    by_name("generic-secret", "random value that is assigned to a name such as password, secret, token or api_key", &[], Shape::Run(0, 0));

const NAMED: &[Named] = &[
    by_name("aws-secret-access-key", "AWS secret access key", &["aws", "secretaccesskey"], Shape::Aws),
    by_name("twilio-auth-token", "Twilio auth token", &["twilio"], Shape::Hex(32)),
    by_name("cloudflare-api-token", "Cloudflare API token", &["cloudflare", "cfapi", "cftoken"], Shape::Run(37, 40)),
    by_name("datadog-api-key", "Datadog API or application key", &["datadog", "ddapi", "ddapp"], Shape::Run(32, 40)),
    by_name("heroku-api-key-uuid", "Heroku API key", &["heroku"], Shape::Uuid),
    by_name("postmark-token", "Postmark server token", &["postmark"], Shape::Uuid),
    by_name("codecov-token", "Codecov upload token", &["codecov"], Shape::Uuid),
    by_name("snyk-token", "Snyk token", &["snyk"], Shape::Uuid),
    by_name("opsgenie-key", "Opsgenie API key", &["opsgenie"], Shape::Uuid),
    by_name("consul-nomad-token", "Consul or Nomad token", &["consultoken", "consulhttptoken", "nomadtoken"], Shape::Uuid),
    by_name("fastly-token", "Fastly API token", &["fastly"], Shape::Run(32, 32)),
    by_name("algolia-key", "Algolia admin key", &["algolia"], Shape::Hex(32)),
    by_name("okta-api-token", "Okta API token", &["okta"], Shape::Run(42, 42)),
    by_name("linode-token", "Linode token", &["linode"], Shape::Hex(64)),
    by_name("rollbar-token", "Rollbar token", &["rollbar"], Shape::Hex(32)),
    by_name("pagerduty-key", "PagerDuty key", &["pagerduty"], Shape::Run(20, 32)),
];

/// The rules of names, for those who list rules.
pub(super) fn rules() -> impl Iterator<Item = &'static Rule> {
    NAMED.iter().map(|n| &n.rule).chain(std::iter::once(&GENERIC.rule))
}

/// Which kind a value is under a name (lower case, without separators), if it is one of a vendor's.
pub(crate) fn named(name: &str, value: &[u8]) -> Option<&'static Named> {
    NAMED.iter().find(|n| n.words.iter().any(|w| name.contains(w)) && n.shape.fits(value))
}

impl Shape {
    fn fits(self, value: &[u8]) -> bool {
        match self {
            Self::Aws => value.len() == 40 && value.iter().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(b)),
            Self::Hex(len) => value.len() == len && value.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b)),
            Self::Uuid => crate::value::is_uuid(value),
            Self::Run(min, max) => {
                (min..=max).contains(&value.len()) && value.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
            }
        }
    }
}
