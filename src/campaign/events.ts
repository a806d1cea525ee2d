import type { Problem } from '../input/index.ts';
import type { Fingerprint } from '../invariants/index.ts';
import type { Finding } from './finding.ts';

/** The plan of a campaign: its target, invariants and cases. */
export interface CampaignPlan {
  /** `model`, or the name and version that the real VMM reports. */
  readonly target: string;
  /** Id of the revision that is checked. */
  readonly revision: string;
  /** Any text; the same text gives the same cases. */
  readonly seed: string;
  /** Number of generated cases. */
  readonly runs: number;
  /** Ids of the invariants that are checked. */
  readonly invariants: readonly string[];
  /** What the user has to know before the first run, one line each. */
  readonly notes?: readonly string[];
  /** The command line that repeats the campaign. */
  readonly command: string;
}

/** The result of a campaign. */
export interface CampaignSummary {
  readonly plan: CampaignPlan;
  /** Number of generated cases: `plan.runs`, unless the campaign was interrupted. */
  readonly cases: number;
  /** New findings, worst first. */
  readonly findings: readonly Finding[];
  /** Findings that the revision is known for. */
  readonly known: readonly Finding[];
  /** For each invariant, the number of generated cases to which the invariant applied. */
  readonly exercised: ReadonlyMap<string, number>;
  /** Number of generated cases that the target could not run, by the reason. */
  readonly notRun: ReadonlyMap<string, number>;
  /** Number of generated cases by outcome: `ok`, `rejected`, `aborted`. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** Whether no invariant was seen to break, warnings apart. */
  readonly holds: boolean;
  /** Why findings could not be stored: without a problem each new finding has its file. */
  readonly unsaved: readonly Problem[];
}

/** Number of generated cases that the target has run. */
export const ranCases = ({ cases, notRun }: Pick<CampaignSummary, 'cases' | 'notRun'>): number =>
  cases - [...notRun.values()].reduce((sum, times) => sum + times, 0);

/** What a campaign reports while it runs; every output is a consumer of this stream. */
export type CampaignEvent =
  | { readonly type: 'started'; readonly plan: CampaignPlan }
  | { readonly type: 'progress'; readonly cases: number; readonly runs: number; readonly findings: number }
  /** The first case of a new finding, before it is shrunk. */
  | { readonly type: 'sighted'; readonly fingerprint: Fingerprint; readonly run: number }
  | { readonly type: 'shrinking'; readonly fingerprint: Fingerprint }
  | {
      readonly type: 'finding';
      readonly finding: Finding;
      /** Number of the finding in the report, from 1. */
      readonly number: number;
      readonly revision: string;
    }
  | { readonly type: 'finished'; readonly summary: CampaignSummary };

/** Receives the events of a campaign. */
export type CampaignListener = (event: CampaignEvent) => void;
