import { toJsonLine, type JsonValue } from '../scenario/index.ts';
import type { ReportEvent, ReportedFinding } from './report-event.ts';
import type { Report } from './report.ts';

/** The form of documents and lines; a change that a program would notice raises it. */
export const REPORT_FORMAT = 1;

/** A report as plain data: what `--report json=FILE` writes (schemas/report.schema.json). */
export const reportToJson = ({
  command,
  version,
  plan,
  inputs,
  findings,
  problems,
  interrupted,
  summary,
  verdict,
}: Report): JsonValue =>
  plain({
    format: REPORT_FORMAT,
    barproof: version,
    command,
    verdict,
    interrupted,
    ...(plan && { plan }),
    ...(summary && { summary }),
    inputs,
    findings: findings.map(findingToJson),
    problems,
  });

/** A finding as plain data: its memory maps as tables, not as pictures. */
export const findingToJson = ({ pictures, ...finding }: ReportedFinding): JsonValue =>
  plain({ ...finding, memoryMaps: pictures.map(({ caption, table }) => ({ caption, lines: table })) });

/**
 * An event as one line of JSON (schemas/event.schema.json).
 *
 * @param time when the event happened. Nothing else differs between two equal runs.
 */
export function eventLine(event: ReportEvent, time: Date): string {
  const data = event.type === 'finding' ? { ...event, finding: findingToJson(event.finding) } : event;
  return `${toJsonLine({ time: time.toISOString(), ...data })}\n`;
}

/** The same value for the types: interfaces of this room hold nothing but JSON and `bigint`. */
const plain = (value: object): JsonValue => value as JsonValue;
