import type { Problem } from '../input/index.ts';
import type { GuestMap } from '../report/index.ts';
import type { JsonValue } from '../scenario/index.ts';

/** The commands that report by events. */
export const REPORTING_COMMANDS = ['check', 'fuzz', 'prove', 'replay', 'validate', 'host'] as const;
export type ReportingCommand = (typeof REPORTING_COMMANDS)[number];

/** A rule that findings break: an invariant, or that a host answers as recorded. */
export interface Rule {
  readonly id: string;
  /** The rule as users read it, in one sentence. */
  readonly clause: string;
  /** A warning is reported, but does not make a command fail. */
  readonly severity: 'error' | 'warning';
  /** The files and functions that have to obey the rule; left out where there is no one place. */
  readonly site?: string;
}

/** What a command is about to look at. */
export interface ReportPlan {
  /** What is judged: `qemu-11.1`, or `qemu-11.1+my-rule against qemu-11.1`. */
  readonly subject: string;
  /** `model`, or the name and version that a real VMM or kernel reports. */
  readonly target: string;
  /** Left out where no cases are generated. */
  readonly seed?: string;
  /** The number of cases; the largest number where fewer may suffice; left out where a time ends the search. */
  readonly cases?: number;
  readonly rules: readonly Rule[];
  /** The command line that repeats the run. */
  readonly again: string;
  /** What the user has to know before the first run, one line each. */
  readonly notes: readonly string[];
}

/** One operation of the case of a finding, and what the VMM did in it. */
export interface ReportedStep {
  readonly operation: string;
  /** What the VMM did, in a few words each. */
  readonly actions: readonly string[];
  /** Whether the violation is in this step. */
  readonly isHere: boolean;
}

/** A drawn memory map of a finding. */
export interface Picture {
  /** What the picture shows: `qemu-11.1`, or `base: qemu-11.1`. */
  readonly caption: string;
  readonly map: GuestMap;
  /** The same map as lines of a table. */
  readonly table: readonly string[];
}

/** One cause for which a rule is broken, with its smallest case. Plain data: a thread may hand it to another. */
export interface ReportedFinding {
  /** From 1, in the order of the report. */
  readonly number: number;
  /** Id of the rule. */
  readonly rule: string;
  /** Which kind of break it is; unique within the rule. */
  readonly cause: string;
  readonly severity: 'error' | 'warning';
  /** Set for a difference between two sides: what the patch does. */
  readonly effect?: 'breaks' | 'mends' | 'uncovers';
  /** One sentence: what happened, to which bytes. */
  readonly message: string;
  /** One sentence: what should happen. */
  readonly expected: string;
  /** How the run ended, in a few words. */
  readonly observed: string;
  /** The place in the VMM from which the break comes. */
  readonly site?: string;
  /** What ran: a revision, or the version of a real VMM or kernel. */
  readonly revision: string;
  /** Whether a real machine can show the case. */
  readonly realism?: string;
  /** How often the finding was seen: `40 cases, first in case 3; shrunk in 12 steps`. */
  readonly howOften?: string;
  /** What is known of the cause. */
  readonly known?: string;
  /** The file that holds the case; left out where no file does. */
  readonly file?: string;
  /** The line of `file` in which the case begins, from 1; left out where the file is the case. */
  readonly line?: number;
  /** The command line that shows the finding again. */
  readonly again?: string;
  /** The case: a scenario, or a session of host calls. */
  readonly scenario?: JsonValue;
  /** The case in lines for people. */
  readonly description: readonly string[];
  readonly steps: readonly ReportedStep[];
  /** One picture, or for a proposal the map without the patch and the map with it. Drawn when it is asked for. */
  readonly pictures: readonly Picture[];
}

/** How one of several inputs of a command came out. */
export interface ReportedInput {
  readonly name: string;
  readonly result: 'holds' | 'counterexample' | 'could-not-run';
  /** In a few words. */
  readonly text: string;
}

/** A finding that is known of the revision: no counterexample. */
export interface KnownFinding {
  readonly rule: string;
  readonly cause: string;
  readonly file: string;
  readonly cases: number;
  readonly explanation?: string;
}

/** What was looked at, in figures. */
export interface ReportSummary {
  /** Number of cases that were run; fewer than planned after an interrupt. */
  readonly cases: number;
  /** For each rule, the number of cases in which the rule checked something. */
  readonly exercised: Readonly<Record<string, number>>;
  /** Number of cases by how they ended. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Number of cases that could not be run, by the reason. */
  readonly notRun: Readonly<Record<string, number>>;
  readonly known: readonly KnownFinding[];
  /** At most three lines that say it all. */
  readonly headline: readonly string[];
  /** What a proposal costs, a line for each figure; left out where nothing is compared. */
  readonly cost?: readonly string[];
}

/** How a command ended: the name of its exit code 0, 1 or 2. */
export const VERDICTS = ['holds', 'counterexample', 'could-not-run'] as const;
export type ReportVerdict = (typeof VERDICTS)[number];

/**
 * What a command reports while it runs. The first event is `opened` and the last `finished`, also after an error or an
 * interrupt. Events are plain data.
 */
export type ReportEvent =
  | { readonly type: 'opened'; readonly command: ReportingCommand; readonly version: string }
  | { readonly type: 'started'; readonly plan: ReportPlan }
  | {
      readonly type: 'progress';
      readonly cases: number;
      /** Left out where a time ends the search. */
      readonly of?: number;
      readonly findings: number;
    }
  | { readonly type: 'input'; readonly input: ReportedInput }
  | { readonly type: 'finding'; readonly finding: ReportedFinding }
  | { readonly type: 'problem'; readonly problem: Problem }
  | { readonly type: 'interrupted' }
  | { readonly type: 'summary'; readonly summary: ReportSummary }
  | { readonly type: 'finished'; readonly verdict: ReportVerdict };

/** Receives the events of a command. */
export type EmitReportEvent = (event: ReportEvent) => void;
