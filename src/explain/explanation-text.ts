import { toJsonText } from '../scenario/index.ts';
import { caseText } from './case/case-text.ts';
import { deviceText } from './device/device-text.ts';
import { machineText, worstFirst } from './device/machine-text.ts';
import type { DeviceAnswer } from './device/explain-device.ts';
import { dumpText } from './mtree/dump-text.ts';
import type { Answer, Explanation } from './explain.ts';
import type { LogFinding } from './log/log-finding.ts';
import { logText } from './log/log-text.ts';

/** From so many devices on, each is a line of a table and no more. */
const WHOLE_MACHINE = 4;

/** An explanation for people. @param program the words by which the user starts barproof, for commands to copy. */
export function explanationText({ answers }: Explanation, program: string): string {
  const logs = answers.filter((answer): answer is LogFinding => answer.kind === 'log');
  const devices = answers.filter((answer): answer is DeviceAnswer => answer.kind === 'device');
  const parts = [
    ...(logs.length > 0 ? [logText(logs)] : []),
    ...answers.flatMap((answer) =>
      answer.kind === 'case' ? [caseText(answer)] : answer.kind === 'dump' ? [dumpText(answer)] : [],
    ),
    ...(devices.length > 1 ? [machineText(devices, devices.length < WHOLE_MACHINE, program)] : []),
    ...(devices.length < WHOLE_MACHINE ? worstFirst(devices).map(deviceText) : []),
  ];
  return parts.join('\n');
}

/** An explanation for programs. Addresses and sizes are hex strings; the end of a range is not part of it. */
export const explanationJson = ({ answers }: Explanation): string =>
  toJsonText({ answers: answers.map(plain) });

/** A run has views and regions of many thousand lines; `barproof run --json` prints them. */
function plain(answer: Answer): unknown {
  if (answer.kind === 'case') {
    const { kind, violations, main, rule, fields, trace, revision } = answer;
    const { outcome, error } = trace;
    return { kind, revision: revision.id, outcome, error, violations, main, rule, fields };
  }
  if (answer.kind === 'dump') return { ...answer, view: undefined, host: answer.host?.host.id };
  return answer;
}
