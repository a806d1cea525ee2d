import { parseCase } from '../campaign/index.ts';
import { InvalidInput, prefixProblems } from '../input/index.ts';
import type { NamedHost } from '../scenario/index.ts';
import { explainCase, type CaseAnswer } from './case/explain-case.ts';
import { explainDevices, type DeviceAnswer } from './device/explain-device.ts';
import type { LogFinding } from './log/log-finding.ts';
import { logSigns } from './log/log-signs.ts';
import { readLog } from './log/read-log.ts';
import type { PastedDevice } from './lspci/pasted-device.ts';
import { explainDump, type DumpAnswer } from './mtree/explain-dump.ts';
import { nothingIn } from './nothing-in.ts';
import { readSource, type ReadSource, type Source } from './read-source.ts';

/** One thing that barproof says. */
export type Answer = DeviceAnswer | DumpAnswer | LogFinding | CaseAnswer;

/** What barproof says of the texts that a user gives. */
export interface Explanation {
  readonly answers: readonly Answer[];
}

/** What the user asks for. */
export interface ExplainOptions {
  /** The host to which the texts are held. */
  readonly host?: NamedHost | undefined;
}

/**
 * Explains texts from the field. Texts that are given together are of one machine: an lspci beside the line of a log
 * says which BAR the line is about.
 *
 * @throws InvalidInput when a text shows nothing that barproof knows, or is a case that cannot be run.
 */
export function explain(sources: readonly Source[], { host }: ExplainOptions = {}): Explanation {
  const read = sources.map(readSource);
  const problems = sources.flatMap(({ name, isTyped }, index) => {
    if (!isNothing(read[index]!)) return [];
    const reason = nothingIn(read[index]!.lines);
    return [{ path: name, message: isTyped ? `${reason}; and no file has this name` : reason }];
  });
  if (problems.length > 0) throw new InvalidInput(problems);
  const devices = read.flatMap((source) => source.devices);
  const dump = read.find((source) => source.dump !== undefined)?.dump;
  const logLines = read.flatMap((source) => source.logLines);
  const signs = logSigns(read.flatMap((source) => source.lines));
  return {
    answers: [
      ...readLog(logLines, { host, devices, dump, signs }),
      ...read.flatMap(({ json, name }) => (json === undefined ? [] : [caseAnswer(json, name)])),
      ...read.flatMap((source) => (source.dump === undefined ? [] : [explainDump(source.dump, host)])),
      ...explainDevices(shownDevices(devices), { host }),
    ],
  };
}

/** The devices of which a text shows more than the first line: a list of names says nothing about their BARs. */
const shownDevices = (devices: readonly PastedDevice[]): readonly PastedDevice[] =>
  devices.filter(({ hasDetails }) => hasDetails);

const caseAnswer = (json: string, name: string): CaseAnswer =>
  prefixProblems(name, () => explainCase(parseCase(json)));

const isNothing = ({ devices, dump, logLines, json }: ReadSource): boolean =>
  shownDevices(devices).length === 0 && dump === undefined && logLines.length === 0 && json === undefined;
