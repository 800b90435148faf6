/** Short names of what the API speaks of. */
import type { components } from './schema';

type Schemas = components['schemas'];

export type Activity = Schemas['Activity'];
export type ActivityKind = Schemas['ActivityKind'];
export type AgentMetrics = Schemas['AgentMetrics'];
export type AgentSession = Schemas['AgentSession'];
export type Assignment = Schemas['Assignment'];
export type AssignmentDetail = Schemas['AssignmentDetail'];
export type AttemptStatus = Schemas['AttemptStatus'];
export type Budget = Schemas['Budget'];
export type Explanation = Schemas['Explanation'];
export type Harness = Schemas['Harness'];
export type HoldKind = Schemas['HoldKind'];
export type Job = Schemas['Job'];
export type JobDetail = Schemas['JobDetail'];
export type JobStatus = Schemas['JobStatus'];
export type JobType = Schemas['JobType'];
export type Problem = Schemas['Problem'];
export type ApiToken = Schemas['ApiToken'];
export type SignInEntry = Schemas['SignInEntry'];
export type AuditEntry = Schemas['AuditEntry'];
export type Charts = Schemas['Charts'];
export type Me = Schemas['Me'];
export type Need = Schemas['Need'];
export type NeedKind = Schemas['NeedKind'];
export type Project = Schemas['Project'];
export type Scope = Schemas['Scope'];
export type SignInWith = Schemas['SignIn'];
export type Spent = Schemas['Spent'];
export type User = Schemas['User'];
export type WorkItem = Schemas['WorkItem'];
export type WorkJob = Schemas['WorkJob'];
export type WorkStats = Schemas['WorkStats'];
export type WorkStatus = Schemas['WorkStatus'];
export type WorkSort = 'attention' | 'newest';
export type DaemonStatus = Schemas['Status'];
export type EventKind = Schemas['EventKind'];
export type WindlassEvent = Omit<Schemas['Event'], 'kind' | 'data'> & { kind: EventKind; data: Record<string, unknown> };

/** A page of a list. */
export interface Page<Item> {
  items: Item[];
  next_cursor?: string | null;
}
