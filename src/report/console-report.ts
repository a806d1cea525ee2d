import type { CampaignEvent, CampaignListener, CampaignSummary, Finding } from '../campaign/index.ts';
import { ranCases } from '../campaign/index.ts';
import { printable } from '../input/index.ts';
import { fingerprintText } from '../invariants/index.ts';
import { count } from './count.ts';
import { failureBlock } from './failure-block.ts';
import { fittedText, lineWidth, wrap } from './wrap.ts';

/** Where a console report is written. */
export interface ConsoleStreams {
  /** Receives the report, which is the same for the same campaign. */
  readonly out: (text: string) => void;
  /** Receives lines about the current work; an empty one clears the last. Left undefined where none are shown. */
  readonly progress: ((line: string) => void) | undefined;
  /** Receives lines that stay on the terminal, such as a finding when it is found. */
  readonly keep?: (line: string) => void;
  /** Where new findings are stored; left out where they are not. */
  readonly folder?: string;
  /** The command line that shows a finding again on `revision`; undefined when its case is in no file. */
  readonly replayCommand: (finding: Finding, revision: string) => string | undefined;
  /** Version of barproof. */
  readonly version: string;
}

/** A listener that writes a campaign as text for people. */
export function consoleReport({
  out,
  progress,
  keep,
  folder,
  replayCommand,
  version,
}: ConsoleStreams): CampaignListener {
  const handlers: { [T in CampaignEvent['type']]: (event: Extract<CampaignEvent, { type: T }>) => void } = {
    started: ({ plan }) => {
      const which =
        plan.invariants.length === 1 ? plan.invariants[0]! : `${plan.invariants.length} invariants`;
      const cases = count(plan.runs, 'case');
      const what = `${plan.revision} on ${plan.target}, ${which}, ${cases}, seed ${printable(plan.seed)}`;
      out(fittedText([`barproof ${version}: ${what}`, ...(plan.notes ?? [])]));
      progress?.('replaying the stored cases');
    },
    progress: ({ cases, runs, findings }) =>
      progress?.(`${cases} of ${count(runs, 'case')}, ${count(findings, 'finding')}`),
    sighted: ({ fingerprint, run }) => keep?.(`found ${fingerprintText(fingerprint)} in case ${run + 1}`),
    shrinking: ({ fingerprint }) => progress?.(`shrinking ${fingerprintText(fingerprint)}`),
    finding: ({ finding, number, revision }) => {
      progress?.('');
      out(`\n${failureBlock(finding, { number, replay: replayCommand(finding, revision) })}`);
    },
    finished: ({ summary }) => {
      progress?.('');
      out(`\n${conclusion(summary)}${storedLine(summary, folder)}`);
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
    errors > 0
      ? `found ${count(errors, 'counterexample')}`
      : known.length > 0
        ? 'no new counterexample'
        : 'every invariant holds';
  const interrupted = cases < plan.runs;
  const compared = exercised.get('model-agrees') ?? 0;
  const ran = ranCases({ cases, notRun });
  const notCompared = ran - compared;
  const lines = [
    ...known.flatMap(knownLines),
    cases > 0 ? `cases: ${cases} (${ends})` : '',
    ...[...notRun].map(([reason, times]) => `not run: ${count(times, 'case')}, ${reason}`),
    compared > 0 && notCompared > 0 ? `not compared with the model: ${count(notCompared, 'case')}` : '',
    cases > 0 && idle.length > 0 ? `not exercised by any case: ${idle.join(', ')}` : '',
    interrupted ? `interrupted: ${cases} of ${count(plan.runs, 'case')} were run` : '',
    // Cases that were not run might break an invariant.
    ran === 0 && holds && !interrupted ? 'no case ran: there is no result' : '',
    (interrupted || ran === 0) && holds ? '' : `${verdict}${alsoWarnings}`,
  ];
  return fittedText(lines.filter((line) => line !== ''));
}

/** Where the new cases are. */
function storedLine({ findings }: CampaignSummary, folder: string | undefined): string {
  const stored = findings.filter(({ file, origin }) => file !== undefined && origin.kind === 'search').length;
  return folder === undefined || stored === 0
    ? ''
    : fittedText([
        `the folder ${printable(folder)} holds ${stored === 1 ? 'this case' : `these ${stored} cases`}`,
      ]);
}

/** A known finding, with what is known of it. */
const knownLines = (finding: Finding): readonly string[] => [
  `known: ${fingerprintText(finding)}`,
  ...(finding.explanation === undefined
    ? []
    : wrap(printable(finding.explanation), lineWidth() - 2).map((line) => `  ${line}`)),
];
