//! Where people are written to.

use crate::check::mixed;
use crate::rule::{Left, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule::token(
        "slack-token",
        "Slack bot, user, workspace or refresh token",
        &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxo-", "xoxe-", "xoxe.xox"],
        r"xox(?:[bpsoar]-(?:2-)?[0-9]{8,14}-[A-Za-z0-9-]{16,120}|e-[0-9]-[A-Za-z0-9]{100,200}|e\.xox[bp]-[0-9]-[A-Za-z0-9]{100,200})",
    )
    .check(mixed),
    Rule::token("slack-app-token", "Slack app-level token", &["xapp-"], r"xapp-[0-9]-[A-Z0-9]{8,14}-[0-9]{8,14}-[a-fA-F0-9]{32,80}"),
    Rule::token(
        "slack-session-token",
        "Slack browser session token",
        &["xoxc-", "xoxd-"],
        r"xox(?:c-[0-9]{8,14}-[0-9]{8,14}-[0-9]{8,14}-[a-f0-9]{32,80}|d-[A-Za-z0-9%+/=_-]{60,})",
    )
    .reach(400),
    Rule::token(
        "slack-webhook",
        "Slack incoming webhook",
        &["hooks.slack.com/"],
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Z0-9]{8,12}/[A-Za-z0-9]{8,14}/[A-Za-z0-9/]{20,60})",
    )
    .left(Left::Any)
    .check(mixed),
    Rule::token("discord-webhook", "Discord webhook", &["/api/webhooks/"], r"/api/webhooks/[0-9]{17,20}/([A-Za-z0-9_-]{60,80})")
        .left(Left::Any)
        .check(mixed),
    Rule::token(
        "teams-webhook",
        "Microsoft Teams webhook",
        &["webhook.office.com/"],
        r"webhook\.office\.com/webhookb2/[a-f0-9-]{36}@[a-f0-9-]{36}/IncomingWebhook/([a-f0-9]{32})",
    )
    .left(Left::Any),
    Rule::token(
        "discord-bot-token",
        "Discord bot token",
        &["discord"],
        r"(?:\A|[^A-Za-z0-9_.-])([MNO][A-Za-z0-9]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40})",
    )
    .folded()
    .around(1)
    .reach(240)
    .check(mixed),
    Rule::token("telegram-bot-token", "Telegram bot token", &[":AA"], r"(?:\A|bot|[^A-Za-z0-9])([0-9]{8,10}:AA[A-Za-z0-9_-]{33})")
        .around(14)
        .reach(40)
        .check(mixed),
    Rule::token("twilio-api-key", "Twilio API key", &["SK"], r"SK[0-9a-f]{32}").reach(40),
    Rule::token("sendgrid-api-key", "SendGrid API key", &["SG."], r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}").check(mixed),
    Rule::token("mailgun-key", "Mailgun private key", &["key-"], r"key-[0-9a-f]{32}").left(Left::Run).entropy(2.8),
    Rule::token("mailchimp-key", "Mailchimp API key", &["-us"], r"(?:\A|[^A-Za-z0-9])([0-9a-f]{32}-us[0-9]{1,2})")
        .around(33)
        .reach(6)
        .entropy(2.8),
    Rule::token("brevo-key", "Brevo API key", &["xkeysib-", "xsmtpsib-"], r"x(?:key|smtp)sib-[a-f0-9]{64}-[A-Za-z0-9]{16}"),
    Rule::token("resend-key", "Resend API key", &["re_"], r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}").check(mixed),
    Rule::token("sentry-token", "Sentry token", &["sntrys_", "sntryu_"], r"sntry(?:s_eyJ[A-Za-z0-9+/=_-]{60,}|u_[a-f0-9]{64})").reach(500),
    Rule::token("linear-key", "Linear API key", &["lin_api_", "lin_oauth_"], r"lin_(?:api_[A-Za-z0-9]{40}|oauth_[a-f0-9]{64})"),
    Rule::token("notion-token", "Notion integration token", &["ntn_"], r"ntn_[A-Za-z0-9]{40,50}").check(mixed),
    Rule::token("airtable-token", "Airtable personal access token", &["pat"], r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
    Rule::token("figma-token", "Figma token", &["figd_", "figo_", "figu_"], r"fig[dou]_[A-Za-z0-9_-]{38,60}").check(mixed),
    Rule::token(
        "hubspot-token",
        "HubSpot private app token",
        &["pat-na1-", "pat-na2-", "pat-eu1-"],
        r"pat-(?:na|eu)[12]-[a-fA-F0-9]{8}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{12}",
    ),
    Rule::token("intercom-token", "Intercom access token", &["dG9r"], r"dG9rO[A-Za-z0-9+/]{54}="),
    Rule::token("typeform-token", "Typeform token", &["tfp_"], r"tfp_[A-Za-z0-9_.-]{40,60}").check(mixed),
    Rule::token("facebook-token", "Facebook access token", &["EAAC", "EAAG", "EAAB", "EAAD", "EAAE"], r"EAA[A-Z][A-Za-z0-9]{60,}")
        .reach(400)
        .check(mixed),
    Rule::token("twitter-bearer", "Twitter bearer token", &["AAAAAAAAAAAAAAAAAAAA"], r"A{20,24}[A-Za-z0-9%]{60,110}")
        .left(Left::Run)
        .proved(mixed),
];
