//! Where programs run.

use crate::check::{aws_id, mixed};
use crate::rule::{Left, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule::token("aws-access-key-id", "AWS access key id", &["AKIA", "ASIA", "ABIA", "ACCA"], r"A(?:KI|SI|BI|CC)A[A-Z2-7]{16}")
        .check(aws_id)
        .entropy(2.8),
    // A short-lived one is a signed address, which begins with the service's name in base64.
    Rule::token(
        "aws-bedrock-key",
        "AWS Bedrock API key",
        &["ABSK", "bedrock-api-key-"],
        r"(?:ABSK[A-Za-z0-9+/]{109,}={0,2}|bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t[A-Za-z0-9+/_-]{100,}={0,2})",
    )
    .reach(3000),
    Rule::token("google-api-key", "Google API key", &["AIza"], r"AIza[A-Za-z0-9_-]{35}").check(mixed),
    Rule::token("google-oauth-secret", "Google OAuth client secret", &["GOCSPX-"], r"GOCSPX-[A-Za-z0-9_-]{28}"),
    Rule::token("google-oauth-token", "Google OAuth access token", &["ya29."], r"ya29\.[A-Za-z0-9_-]{50,}").reach(500).check(mixed),
    Rule::token("google-refresh-token", "Google OAuth refresh token", &["1//0"], r"1//0[A-Za-z0-9_-]{60,150}").check(mixed),
    Rule::token(
        "firebase-server-key",
        "Firebase Cloud Messaging server key",
        &[":APA91b"],
        r"AAAA[A-Za-z0-9_-]{7}:APA91b[A-Za-z0-9_-]{100,180}",
    )
    .around(12),
    Rule::token(
        "azure-storage-key",
        "Azure storage, service bus or Cosmos account key",
        &["AccountKey=", "SharedAccessKey="],
        r"(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{42,88}={1,2})",
    )
    .folded()
    .left(Left::Any),
    Rule::token(
        "azure-client-secret",
        "Azure AD client secret",
        &["Q~"],
        r"(?:\A|[^A-Za-z0-9_~.-])([A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34})",
    )
    .around(5)
    .check(mixed),
    Rule::token(
        "azure-sas",
        "Azure shared access signature",
        &["sig="],
        r"sig=([A-Za-z0-9]{20,60}(?:%[0-9A-Fa-f]{2}[A-Za-z0-9]{0,43}){1,12})",
    )
    .check(mixed)
    .entropy(3.5),
    Rule::token("azure-devops-token", "Azure DevOps personal access token", &["AZDO"], r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}").around(76),
    // Of 64, 32 and 39 bytes; each service has its own four letters, and what stands behind them is a checksum.
    Rule::token(
        "azure-identifiable-key",
        "Azure key that names its service",
        &[
            "+ASt", "ACDb", "+ABa", "+AMC", "APIM", "+ARm", "+AEh", "+ASb", "AIoT", "AzCa", "AZEG", "AzSe", "+ACR", "AzFu",
        ],
        r"(?:\A|[^A-Za-z0-9+/_-])([A-Za-z0-9+/]{76}(?:\+ASt|ACDb|\+ABa|\+AMC|APIM)[A-Za-z0-9+/]{5}[AQgw]==|[A-Za-z0-9+/]{33}(?:\+ARm|\+AEh|\+ASb|AIoT|AzCa|AZEG)[A-P][A-Za-z0-9+/]{5}=|[A-Za-z0-9+/]{42}(?:AzSe|\+ACR)[A-D][A-Za-z0-9+/]{5}|[A-Za-z0-9_-]{44}AzFu[A-Za-z0-9_-]{5}[AQgw]==)",
    )
    .around(77)
    .reach(20)
    .check(mixed)
    .entropy(4.0),
    Rule::token(
        "azure-annotated-key",
        "Azure key in the common annotated form",
        &["JQQJ9"],
        r"(?:\A|[^A-Za-z0-9])([A-Za-z0-9]{52}JQQJ9[9DH][A-Za-z0-9][A-L][A-Za-z0-9]{16}[A-Za-z][A-Za-z0-9]{7}(?:[A-Za-z0-9]{2}==)?)",
    )
    .around(53)
    .reach(40)
    .check(mixed)
    .entropy(4.0),
    Rule::token("digitalocean-token", "DigitalOcean token", &["dop_v1_", "doo_v1_", "dor_v1_"], r"do[opr]_v1_[a-f0-9]{64}"),
    Rule::token("alibaba-access-key", "Alibaba Cloud access key id", &["LTAI"], r"LTAI[A-Za-z0-9]{17,21}").check(mixed),
    Rule::token("tencent-secret-id", "Tencent Cloud secret id", &["AKID"], r"AKID[A-Za-z0-9]{32}").check(mixed),
    Rule::token("heroku-api-key", "Heroku API key", &["HRKU-"], r"HRKU-[A-Za-z0-9_-]{36,66}"),
    Rule::token(
        "fly-token",
        "Fly.io access token",
        &["fo1_", "fm1a_", "fm1r_", "fm2_"],
        r"(?:fo1_[A-Za-z0-9_-]{43}|fm1[ar]_[A-Za-z0-9+/]{100,}={0,3}|fm2_[A-Za-z0-9+/]{100,}={0,3})",
    )
    .reach(700),
    Rule::token("netlify-token", "Netlify token", &["nfp_", "nfo_", "nfc_", "nfb_", "nfu_"], r"nf[pocbu]_[A-Za-z0-9]{36}").check(mixed),
    Rule::token(
        "vercel-token",
        "Vercel token",
        &["vcp_", "vci_", "vca_", "vcr_", "vck_", "vercel_blob_rw_"],
        r"(?:vc[piark]_[A-Za-z0-9_-]{24,80}|vercel_blob_rw_[A-Za-z0-9]{10,24}_[A-Za-z0-9]{20,40})",
    )
    .check(mixed),
    Rule::token("render-token", "Render API key", &["rnd_"], r"rnd_[A-Za-z0-9]{24,40}").check(mixed),
    Rule::token("cloudflare-token", "Cloudflare API key or token", &["cfk_", "cfut_", "cfat_"], r"cf(?:k|ut|at)_[A-Za-z0-9]{44,52}").check(mixed),
    Rule::token("cloudflare-origin-ca-key", "Cloudflare origin CA key", &["v1.0-"], r"v1\.0-[a-f0-9]{24}-[a-f0-9]{146}"),
    Rule::token(
        "supabase-secret",
        "Supabase secret key or token",
        &["sb_secret_", "sbp_"],
        r"(?:sb_secret_[A-Za-z0-9_-]{30,50}|sbp_(?:v0_)?[a-f0-9]{40})",
    ),
    Rule::token(
        "planetscale-token",
        "PlanetScale token or password",
        &["pscale_tkn_", "pscale_pw_", "pscale_oauth_"],
        r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_=.-]{32,64}",
    ),
    Rule::token("databricks-token", "Databricks token", &["dapi"], r"dapi[a-f0-9]{32}(?:-[0-9])?").entropy(2.8),
    Rule::token("prefect-token", "Prefect API key", &["pnu_", "pnb_"], r"pn[ub]_[A-Za-z0-9]{36}").check(mixed),
    Rule::token("pulumi-token", "Pulumi token", &["pul-"], r"pul-[a-f0-9]{40}"),
    Rule::token("scalingo-token", "Scalingo token", &["tk-us-"], r"tk-us-[A-Za-z0-9_-]{48}"),
    Rule::token(
        "artifactory-token",
        "Artifactory key or reference token",
        &["AKCp", "cmVmdGtu"],
        r"(?:AKCp[A-Za-z0-9]{69}|cmVmdGtu[A-Za-z0-9]{56})",
    )
    .left(Left::Run),
];
