/** Kinds of failures in words, and what each means for the job. */
import type { FailureKind } from '@/api/runs';

const TRANSIENT = 'may pass: tried again after a pause';
const PARKED = 'a limit: waits until it ends, costs no try';
const CONFIGURATION = 'something to set up: waits for a person';
const PERMANENT = 'trying the same again would not help';

/** What follows a failure of each kind. */
export const FAILURE_CLASSES: Record<FailureKind, string> = {
  api_error: TRANSIENT,
  agent_crashed: TRANSIENT,
  stalled: TRANSIENT,
  timeout: TRANSIENT,
  git_failed: TRANSIENT,
  spawn_failed: TRANSIENT,
  forge_unavailable: TRANSIENT,
  internal: TRANSIENT,
  rate_limited: PARKED,
  forge_limited: PARKED,
  disk_full: PARKED,
  unauthorized: CONFIGURATION,
  not_logged_in: CONFIGURATION,
  not_installed: CONFIGURATION,
  bad_repository: CONFIGURATION,
  unknown_base_branch: CONFIGURATION,
  bad_configuration: CONFIGURATION,
  verify_missing: CONFIGURATION,
  untrusted: CONFIGURATION,
  sandbox_missing: CONFIGURATION,
  no_scanner: CONFIGURATION,
  agent_failed: PERMANENT,
  verify_failed: PERMANENT,
  no_change: PERMANENT,
  secret_found: PERMANENT,
  guarded_change: 'waits for a person to let it through',
  forge_refused: PERMANENT,
  branch_clash: PERMANENT,
  loop: PERMANENT,
  budget_exceeded: PERMANENT,
  usage_unknown: PERMANENT,
  output_limit: PERMANENT,
  sandbox_limit: PERMANENT,
  no_verdict: PERMANENT,
  bad_evidence: PERMANENT,
  workspace_tampered: PERMANENT,
  worker_lost: 'the worker went away: run again, not counted as a failure',
  cancelled: 'somebody called it off',
};

/** Every kind, for choosing. */
export const FAILURE_KINDS = Object.keys(FAILURE_CLASSES) as FailureKind[];

/** The kind as words: `api error`. */
export const failureName = (kind: string): string => kind.replaceAll('_', ' ').replace(/^api\b/, 'API').replace(/^./, (letter) => letter.toUpperCase());
