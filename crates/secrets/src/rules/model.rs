//! Whose models are asked.

use crate::check::mixed;
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule::token("anthropic-api-key", "Anthropic API, admin or OAuth key", &["sk-ant-"], r"sk-ant-[a-z]{2,6}[0-9]{2}-[A-Za-z0-9_-]{40,200}")
        .check(mixed)
        .entropy(3.5),
    Rule::token(
        "openai-api-key",
        "OpenAI API key",
        &["sk-"],
        r"sk-(?:(?:proj|svcacct|admin|None)-)?[A-Za-z0-9_-]{16,120}T3BlbkFJ[A-Za-z0-9_-]{16,120}",
    )
    .check(mixed),
    Rule::token(
        "openai-style-api-key",
        "API key of OpenAI, DeepSeek, OpenRouter, LiteLLM or alike",
        &["sk-"],
        r"sk-(?:or-v1-[a-f0-9]{64}|(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,200}|[a-f0-9]{32}|[A-Za-z0-9]{40,64})",
    )
    .check(mixed)
    .entropy(3.2),
    Rule::token("huggingface-token", "Hugging Face token", &["hf_", "api_org_"], r"(?:hf_|api_org_)[A-Za-z]{34}").entropy(3.5),
    Rule::token("groq-api-key", "Groq API key", &["gsk_"], r"gsk_[A-Za-z0-9]{52}").check(mixed),
    Rule::token("xai-api-key", "xAI API key", &["xai-"], r"xai-[A-Za-z0-9]{70,90}").check(mixed),
    Rule::token("perplexity-api-key", "Perplexity API key", &["pplx-"], r"pplx-[A-Za-z0-9]{48}").check(mixed),
    Rule::token("replicate-token", "Replicate token", &["r8_"], r"r8_[A-Za-z0-9]{37}").check(mixed),
    Rule::token("fireworks-api-key", "Fireworks API key", &["fw_"], r"fw_[A-Za-z0-9]{22,24}").check(mixed),
    Rule::token("nvidia-api-key", "NVIDIA API key", &["nvapi-"], r"nvapi-[A-Za-z0-9_-]{60,70}").check(mixed),
    Rule::token("langsmith-key", "LangSmith API key", &["lsv2_"], r"lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}"),
    Rule::token(
        "langfuse-secret-key",
        "Langfuse secret key",
        &["sk-lf-"],
        r"sk-lf-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}",
    ),
    Rule::token("pinecone-api-key", "Pinecone API key", &["pcsk_"], r"pcsk_[A-Za-z0-9_]{50,90}").check(mixed),
    Rule::token("elevenlabs-api-key", "ElevenLabs API key", &["sk_"], r"sk_[a-f0-9]{48}"),
    Rule::token("tavily-api-key", "Tavily API key", &["tvly-"], r"tvly-(?:dev-|prod-)?[A-Za-z0-9]{28,40}").check(mixed),
];
