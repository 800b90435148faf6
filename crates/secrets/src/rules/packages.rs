//! Where packages are published.

use crate::check::{basic_pair, checksummed, mixed, random};
use crate::rule::{Left, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule::token("npm-token", "npm access token", &["npm_"], r"npm_[A-Za-z0-9]{36}").proved(checksummed),
    Rule::token(
        "npmrc-auth-token",
        "registry token in .npmrc",
        &[":_authToken", "_authToken"],
        r#"_authToken["']?\s{0,4}=\s{0,4}["']?([A-Za-z0-9_.:/+=-]{16,})"#,
    )
    .left(Left::Any)
    .reach(560)
    .check(random),
    Rule::token("npmrc-auth", "registry login in .npmrc", &[":_auth", "_auth"], r#"_auth["']?\s{0,4}=\s{0,4}["']?([A-Za-z0-9+/=]{12,})"#)
        .left(Left::Any)
        .reach(560)
        .proved(basic_pair),
    Rule::token("pypi-token", "PyPI upload token", &["pypi-AgE"], r"pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZ)[A-Za-z0-9_-]{50,}")
        .reach(1100)
        .check(mixed),
    Rule::token("cargo-token", "crates.io token", &["cio"], r"cio[A-Za-z0-9]{32}").check(mixed).entropy(3.6),
    Rule::token("rubygems-key", "RubyGems API key", &["rubygems_"], r"rubygems_[a-f0-9]{48}"),
    Rule::token("nuget-key", "NuGet API key", &["oy2"], r"oy2[a-z0-9]{43}"),
    Rule::token(
        "docker-token",
        "Docker Hub personal or organisation access token",
        &["dckr_pat_", "dckr_oat_"],
        r"dckr_(?:pat_[A-Za-z0-9_-]{27}|oat_[A-Za-z0-9_-]{32})",
    )
    .check(mixed),
    Rule::token(
        "docker-auth",
        "registry login in a Docker configuration",
        &["\"auth\""],
        r#""auth\\?"\s{0,8}:\s{0,8}\\?"([A-Za-z0-9+/=]{12,})\\?""#,
    )
    .left(Left::Any)
    .reach(2100)
    .proved(basic_pair),
    Rule::token("clojars-token", "Clojars deploy token", &["CLOJARS_"], r"CLOJARS_[a-f0-9]{60}"),
    Rule::token(
        "jfrog-token",
        "JFrog identity token",
        &["eyJ2ZXIiOiIy"],
        r"eyJ2ZXIiOiIy[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}",
    )
    .reach(2100),
    Rule::token("packagist-token", "Packagist token", &["packagist_"], r"packagist_[a-z]{3}_[a-f0-9]{60,70}"),
];
