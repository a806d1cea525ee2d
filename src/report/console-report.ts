import type { CampaignEvent, CampaignListener, CampaignSummary, Finding } from '../campaign/index.ts';
import { printable } from '../input/index.ts';
import { fingerprintText } from '../invariants/index.ts';
import { failureBlock } from './failure-block.ts';
import { LINE_WIDTH, wrap } from './wrap.ts';

/** Where a console report goes. */
export interface ConsoleStreams {
  /** The report itself; the same for the same campaign. */
  readonly out: (text: string) => void;
  /** Progress for somebody who watches; nothing when nobody does. */
  readonly progress: ((line: string) => void) | undefined;
  /** The command that shows a finding again on `revision`, if a file holds its case. */
  readonly replayCommand: (finding: Finding, revision: string) => string | undefined;
  /** Version of barproof. */
  readonly version: string;
}

/** Writes a campaign down for people. */
export function consoleReport({ out, progress, replayCommand, version }: ConsoleStreams): CampaignListener {
  const handlers: { [T in CampaignEvent['type']]: (event: Extract<CampaignEvent, { type: T }>) => void } = {
    started: ({ plan }) => {
      const which =
        plan.invariants.length === 1 ? plan.invariants[0]! : `${plan.invariants.length} invariants`;
      const cases = count(plan.runs, 'case');
      out(
        `barproof ${version}: ${plan.revision} on ${plan.target}, ${which}, ${cases}, seed ${printable(plan.seed)}\n`,
      );
      for (const note of plan.notes ?? []) out(`${note}\n`);
      progress?.('replaying the stored cases');
    },
    progress: ({ cases, runs, findings }) =>
      progress?.(`${cases} of ${count(runs, 'case')}, ${count(findings, 'kind')} of finding`),
    shrinking: ({ fingerprint }) => progress?.(`shrinking ${fingerprintText(fingerprint)}`),
    finding: ({ finding, number, revision }) => {
      progress?.('');
      out(`\n${failureBlock(finding, { number, replay: replayCommand(finding, revision) })}`);
    },
    finished: ({ summary }) => {
      progress?.('');
      out(`\n${conclusion(summary)}\n`);
    },
  };
  return (event) => (handlers[event.type] as (event: CampaignEvent) => void)(event);
}

function conclusion({
  plan,
  cases,
  findings,
  known,
  exercised,
  outcomes,
  notRun,
  holds,
}: CampaignSummary): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.length - errors;
  const idle = [...exercised].filter(([, times]) => times === 0).map(([id]) => id);
  const ends = [...outcomes].map(([outcome, times]) => `${times} ${outcome}`).join(', ');
  const alsoWarnings = warnings > 0 ? `, ${count(warnings, 'warning')}` : '';
  const verdict =
    errors > 0 ? `does not hold: ${count(errors, 'counterexample')}${alsoWarnings}` : `holds${alsoWarnings}`;
  const interrupted = cases < plan.runs;
  const compared = exercised.get('model-agrees') ?? 0;
  const lone = cases - [...notRun.values()].reduce((sum, times) => sum + times, 0) - compared;
  const lines = [
    known.length > 0
      ? wrap(
          `known: ${known.map(({ invariant, cause }) => `${invariant}/${cause}`).join(', ')}`,
          LINE_WIDTH,
          2,
        ).join('\n')
      : '',
    cases > 0 ? `cases: ${cases} (${ends})` : '',
    ...[...notRun].map(([reason, times]) => `not run: ${count(times, 'case')}, ${reason}`),
    compared > 0 && lone > 0 ? `not compared with the model: ${count(lone, 'case')}` : '',
    cases > 0 && idle.length > 0 ? `not exercised by any case: ${idle.join(', ')}` : '',
    interrupted ? `interrupted: ${cases} of ${count(plan.runs, 'case')} were looked at` : '',
    // What was not looked at cannot be said to hold.
    interrupted && holds ? '' : verdict,
  ];
  return lines.filter((line) => line !== '').join('\n');
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
