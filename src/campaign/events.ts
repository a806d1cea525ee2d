import type { Fingerprint } from '../invariants/index.ts';
import type { Finding } from './finding.ts';

/** What a campaign sets out to do. */
export interface CampaignPlan {
  readonly target: string;
  readonly revision: string;
  readonly seed: string;
  readonly runs: number;
  readonly invariants: readonly string[];
  /** What is to be known before anything is run, a line each; left out where there is nothing. */
  readonly notes?: readonly string[];
  /** What to type to do it again. */
  readonly command: string;
}

/** How a campaign went. */
export interface CampaignSummary {
  readonly plan: CampaignPlan;
  /** How many cases were generated: those of the plan, unless it was interrupted. */
  readonly cases: number;
  /** New findings, worst first. */
  readonly findings: readonly Finding[];
  /** Findings that the revision is known for. */
  readonly known: readonly Finding[];
  /** For each invariant, how many generated cases it had something to say about. */
  readonly exercised: ReadonlyMap<string, number>;
  /** How many generated cases the target could not be asked to run, by the reason. */
  readonly notRun: ReadonlyMap<string, number>;
  /** How many generated cases ended in each way. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** Whether no invariant was seen to break, warnings apart. */
  readonly holds: boolean;
}

/** What a campaign tells while it goes on; every output is a consumer of this stream. */
export type CampaignEvent =
  | { readonly type: 'started'; readonly plan: CampaignPlan }
  | { readonly type: 'progress'; readonly cases: number; readonly runs: number; readonly findings: number }
  | { readonly type: 'shrinking'; readonly fingerprint: Fingerprint }
  | {
      readonly type: 'finding';
      readonly finding: Finding;
      readonly number: number;
      readonly revision: string;
    }
  | { readonly type: 'finished'; readonly summary: CampaignSummary };

/** Takes the events of a campaign. */
export type CampaignListener = (event: CampaignEvent) => void;
