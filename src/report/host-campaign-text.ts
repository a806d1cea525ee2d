import type { HostCampaignResult, HostFinding, HostObservation, HostRule } from '../linux/index.ts';
import { printable } from '../input/index.ts';
import { passedToJson } from '../linux/session/index.ts';
import { count } from './count.ts';
import { answerText, assignments, callText, hostText } from './host-session-text.ts';
import { table } from './table.ts';
import { fitted, fittedText, label, labelled, lineWidth, wrap } from './wrap.ts';

/** The rules of a host, each in one sentence. */
export const HOST_CLAUSES: Readonly<Record<HostRule, string>> = {
  'model-answers': 'the model of the Linux host answers each host call as the kernel does',
  'kernel-survives': 'the kernel answers each host call, and goes on',
};

/** The lines of the console that a report shows of a kernel that stopped. */
const CONSOLE_LINES = 20;

/** What a campaign on a real kernel is about to ask. */
export interface HostCampaignStart {
  readonly version: string;
  /** Such as `Linux 6.12.1 (x86_64, pages of 4K, intel-aw48)`. */
  readonly host: string;
  readonly runs: number;
  readonly seed: string;
  readonly notes: readonly string[];
}

/** The first lines of a campaign on a real kernel. */
export const hostCampaignStart = ({ version, host, runs, seed, notes }: HostCampaignStart): string =>
  fittedText([
    `barproof ${version}: the model of the Linux host against ${host}, ${count(runs, 'session')}, seed ${printable(seed)}`,
    ...notes,
  ]);

/** The commands that show a finding again. */
export interface HostFindingCommands {
  /** On the kernel; `undefined` where no file holds the session. */
  readonly again: string | undefined;
  /** On the model alone, which compares with the stored answers of the kernel. */
  readonly onModel: string | undefined;
}

/** A finding on a real kernel: the calls, with the answers of the kernel and of the model. */
export function hostFindingBlock(
  finding: HostFinding,
  number: number,
  { again, onModel }: HostFindingCommands,
): string {
  const { rule, cause, message, session, console, isStable } = finding;
  const paragraphs = [
    wrap(printable(message), lineWidth()),
    [...fitted(hostText(session)), ...answerLines(finding)],
    console.slice(-CONSOLE_LINES).map((line) => `| ${printable(line)}`),
    [
      ...labelled('expected', HOST_CLAUSES[rule]),
      ...(isStable ? [] : labelled('note', 'the session did not show this again when it was repeated')),
      // A command line is copied by the reader: it must not be wrapped.
      ...(again === undefined ? [] : [label('again') + again]),
      ...(onModel === undefined ? [] : [label('model') + onModel]),
    ],
  ].filter((lines) => lines.length > 0);
  const body = paragraphs.map((lines) => lines.map((line) => `   ${line}\n`).join('')).join('\n');
  return `${fitted(`${number}  ${rule} / ${cause}   (${hostFindingOften(finding)})`, 3).join('\n')}\n\n${body}`;
}

/** How often a campaign saw a finding. */
export const hostFindingOften = ({ sessions, first, tried }: HostFinding): string =>
  [
    ...(first === undefined ? ['a stored session'] : []),
    ...(sessions === 0 ? [] : [count(sessions, 'generated session')]),
    ...(first === undefined ? [] : [`first in session ${first}`]),
    ...(tried === 0 ? [] : [`${tried} tried to shrink it`]),
  ].join(', ');

/** The calls of a session up to the one that matters, each with both answers. */
export function answerLines({ session, index, kernel, model }: HostObservation): readonly string[] {
  const rows = session.steps
    .slice(0, index + 1)
    .map(({ call }, number) => [
      String(number),
      call.call,
      assignments(passedToJson(call)),
      printable(answerText(kernel[number]!)),
      answerText(model[number]!) + (number === index ? '  <-- here' : ''),
    ]);
  return table([['#', 'call', 'passed', 'the kernel', 'the model'], ...rows], [0]);
}

/** The call of an observation in one line. */
export const observedCall = ({ session, index }: HostObservation): string =>
  index < session.steps.length ? `call ${index}: ${callText(session, index)}` : 'the end of the session';

/** The figures of a campaign on a real kernel. */
export interface HostCampaignFigures {
  readonly compared: number;
  readonly differ: number;
  readonly unanswered: number;
}

/** How many calls were compared, differ, and were answered by the kernel or the model alone. */
export function hostCampaignFigures({ comparison, unanswered }: HostCampaignResult): HostCampaignFigures {
  const sum = (key: 'agree' | 'differ' | 'unanswered'): number =>
    comparison.agreements.reduce((total, one) => total + one[key], 0);
  const byKernel = [...unanswered.values()].reduce((total, times) => total + times, 0);
  return {
    compared: sum('agree') + sum('differ'),
    differ: sum('differ'),
    unanswered: sum('unanswered') + byKernel,
  };
}

/** The last lines of a campaign on a real kernel. @param planned the number of sessions that were to be asked */
export function hostCampaignSummary(
  result: HostCampaignResult,
  { planned, folder }: { readonly planned: number; readonly folder: string | undefined },
): string {
  const { sessions, findings, comparison, unanswered, notRun, failure } = result;
  const { compared } = hostCampaignFigures(result);
  const stored = findings.filter(({ file, first }) => file !== undefined && first !== undefined).length;
  const isWhole = sessions === planned && compared > 0;
  return fittedText([
    `sessions: ${sessions} (${count(compared, 'call')} compared)`,
    ...[...unanswered].map(
      ([reason, times]) => `not answered by the kernel: ${count(times, 'call')}, ${printable(reason)}`,
    ),
    ...comparison.reasons.map(
      ([reason, times]) => `not answered by the model: ${count(times, 'call')}, ${reason}`,
    ),
    ...[...notRun].map(([reason, times]) => `not run: ${count(times, 'session')}, ${printable(reason)}`),
    ...(sessions < planned
      ? [
          `${failure === undefined ? 'interrupted' : 'ended early'}: ${sessions} of ${count(planned, 'session')} were asked`,
        ]
      : []),
    ...(sessions === planned && compared === 0 ? ['no call was compared: there is no result'] : []),
    ...(findings.length > 0
      ? [`found ${count(findings.length, 'counterexample')}`]
      : isWhole
        ? ['the model answers every call as the kernel does']
        : []),
    ...(stored > 0 && folder !== undefined
      ? [
          `the folder ${printable(folder)} holds ${stored === 1 ? 'this session' : `these ${stored} sessions`}`,
        ]
      : []),
  ]);
}
