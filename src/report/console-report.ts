import type { CampaignEvent, CampaignListener, CampaignSummary } from '../campaign/index.ts';
import { failureBlock } from './failure-block.ts';

/** Where a console report goes. */
export interface ConsoleStreams {
  /** The report itself; the same for the same campaign. */
  readonly out: (text: string) => void;
  /** Progress for somebody who watches; nothing when nobody does. */
  readonly progress: ((line: string) => void) | undefined;
  /** The command that replays a saved finding. */
  readonly replayCommand: (file: string) => string;
}

/** Writes a campaign down for people. */
export function consoleReport({ out, progress, replayCommand }: ConsoleStreams): CampaignListener {
  const handlers: { [T in CampaignEvent['type']]: (event: Extract<CampaignEvent, { type: T }>) => void } = {
    started: ({ plan }) => {
      const which =
        plan.invariants.length === 1 ? plan.invariants[0]! : `${plan.invariants.length} invariants`;
      out(
        `barproof check: ${plan.revision} on ${plan.target}, ${which}, ${plan.runs} cases, seed ${plan.seed}\n`,
      );
      progress?.('replaying the stored cases');
    },
    'regression-failed': () => undefined,
    progress: ({ cases, runs, findings }) =>
      progress?.(`${cases} of ${runs} cases, ${findings} kinds of finding`),
    shrinking: ({ fingerprint }) => progress?.(`shrinking ${fingerprint}`),
    finding: ({ finding, number, savedAs }) => {
      progress?.('');
      const file = savedAs ?? (finding.origin.kind === 'regression' ? finding.origin.file : undefined);
      out(`\n${failureBlock(finding, number, file && replayCommand(file))}`);
    },
    finished: ({ summary }) => {
      progress?.('');
      out(`\n${conclusion(summary)}\n`);
    },
  };
  return (event) => (handlers[event.type] as (event: CampaignEvent) => void)(event);
}

function conclusion({ plan, findings, known, exercised, outcomes, holds }: CampaignSummary): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.length - errors;
  const idle = [...exercised].filter(([, cases]) => cases === 0).map(([id]) => id);
  const ends = [...outcomes].map(([outcome, cases]) => `${cases} ${outcome}`).join(', ');
  const lines = [
    known.length > 0
      ? `known: ${known.map(({ invariant, cause }) => `${invariant}/${cause}`).join(', ')}`
      : '',
    plan.runs > 0 ? `cases: ${plan.runs} (${ends})` : '',
    plan.runs > 0 && idle.length > 0 ? `not exercised by any case: ${idle.join(', ')}` : '',
    holds
      ? `holds${warnings > 0 ? `, ${count(warnings, 'warning')}` : ''}`
      : `does not hold: ${count(errors, 'counterexample')}${warnings > 0 ? `, ${count(warnings, 'warning')}` : ''}`,
  ];
  return lines.filter((line) => line !== '').join('\n');
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
