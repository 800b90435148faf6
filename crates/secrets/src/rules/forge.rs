//! Where code is kept.

use crate::check::{checksummed, mixed};
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule::token(
        "github-token",
        "GitHub token (personal, OAuth, app or refresh)",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        r"gh[pousr]_[A-Za-z0-9]{36,}",
    )
    .proved(checksummed),
    Rule::token(
        "github-app-token",
        "GitHub App installation token that is a JWT",
        &["ghs_"],
        r"ghs_[0-9]{1,20}_eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}",
    )
    .reach(5000),
    Rule::token(
        "github-fine-grained-token",
        "GitHub fine-grained personal access token",
        &["github_pat_"],
        r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}",
    )
    .check(mixed),
    Rule::token(
        "gitlab-token",
        "GitLab token (personal, deploy, runner, trigger, feed, agent, SCIM, OAuth or CI job)",
        &["glpat-", "gldt-", "glrt-", "glptt-", "glft-", "glagent-", "glsoat-", "gloas-", "glimt-", "glcbt-", "glffct-", "glrtr-"],
        r"gl(?:pat|dt|rt|rtr|ptt|ft|agent|soat|oas|imt|cbt|ffct)-(?:[A-Za-z0-9]{1,4}_)?[A-Za-z0-9_.-]{20,}",
    )
    .check(mixed),
    Rule::token(
        "bitbucket-app-password",
        "Bitbucket app password or token",
        &["ATBB", "ATCTT3xFfGN0"],
        r"(?:ATBB[A-Za-z0-9_=.-]{32}|ATCTT3xFfGN0[A-Za-z0-9_=.-]{150,240})",
    ),
    Rule::token("atlassian-api-token", "Atlassian API token", &["ATATT3xFfG"], r"ATATT3xFfG[A-Za-z0-9_=.-]{100,240}"),
    Rule::token("sourcegraph-token", "Sourcegraph access token", &["sgp_"], r"sgp_(?:[a-fA-F0-9]{16}_|local_)?[a-fA-F0-9]{40}"),
    Rule::token("circleci-token", "CircleCI token", &["CCIPAT_", "CCIPRJ_"], r"CCIP(?:AT|RJ)_[A-Za-z0-9]{20,24}_[a-fA-F0-9]{40}"),
    Rule::token("buildkite-token", "Buildkite token", &["bkua_", "bkct_", "bkaj_"], r"bk(?:ua|ct|aj)_[A-Za-z0-9]{32,80}"),
    Rule::token("sonar-token", "SonarQube token", &["sqp_", "squ_", "sqa_"], r"sq[pua]_[a-f0-9]{40}"),
    Rule::token("vault-token", "HashiCorp Vault token", &["hvs.", "hvb.", "hvr."], r"hv[sbr]\.[A-Za-z0-9_-]{24,}").reach(400).check(mixed),
    Rule::token("terraform-cloud-token", "Terraform Cloud token", &[".atlasv1."], r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,80}")
        .around(14),
    Rule::token(
        "doppler-token",
        "Doppler token",
        &["dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."],
        r"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}",
    ),
    Rule::token("age-secret-key", "age secret key", &["AGE-SECRET-KEY-1"], r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}"),
    Rule::token("onepassword-service-token", "1Password service account token", &["ops_eyJ"], r"ops_eyJ[A-Za-z0-9+/_=-]{200,}").reach(2100),
    Rule::token(
        "onepassword-secret-key",
        "1Password secret key",
        &["A3-"],
        r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}",
    ),
];
