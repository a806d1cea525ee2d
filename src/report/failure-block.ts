import type { Finding } from '../campaign/index.ts';
import { findInvariant } from '../invariants/index.ts';
import { needsOf, realismText } from '../scenario/index.ts';
import { siteLines } from './site-lines.ts';
import { DESCRIPTION_COLUMN, describeScenario } from './describe-scenario.ts';
import { howOften, observed } from './finding-words.ts';
import { drawMemoryMap } from './memory-map.ts';
import { fitted, lineWidth, label, labelled, mapWidth, wrap } from './wrap.ts';

/** What the report around a finding contributes to its block. */
export interface FailureContext {
  /** Number of the finding in its report. */
  readonly number: number;
  /** The command line that shows the finding again, if a file holds its case. */
  readonly replay?: string | undefined;
  /** The finding shown before this one: of one run, the scenario and an equal memory map are shown once. */
  readonly previous?: Finding | undefined;
}

/**
 * A finding for a reader who sees it for the first time: the invariant and the cause, the violation, the
 * smallest scenario, the memory map, expected and observed behaviour, whether a real machine can show it, and the
 * command that shows it again.
 */
export function failureBlock(finding: Finding, { number, replay, previous }: FailureContext): string {
  const { invariant, cause, severity, violation, scenario, trace } = finding;
  const { clause } = findInvariant(invariant);
  const often = howOften(finding);
  const kind = severity === 'warning' ? 'warning ' : '';
  const judgement = [
    ...labelled('expected', clause),
    ...labelled('observed', observed(finding)),
    ...siteLines(violation, trace),
    ...labelled('realism', realismText(needsOf(scenario))),
  ];
  if (finding.besides !== undefined) {
    const text = `${finding.besides} is of the same cause, but at another place or under another condition`;
    judgement.push(...labelled('known', text));
  }
  // A command line is copied by the reader: it must not be wrapped.
  if (replay !== undefined) judgement.push(label('again') + replay);
  const isSameRun = previous?.trace === trace;
  const map = drawMemoryMap(trace, violation, mapWidth());
  const isSameMap =
    isSameRun && drawMemoryMap(trace, previous.violation, mapWidth()).join('\n') === map.join('\n');
  const paragraphs = [
    wrap(violation.message, lineWidth()),
    isSameRun
      ? []
      : describeScenario(scenario, violation.step).flatMap((line) => fitted(line, DESCRIPTION_COLUMN)),
    isSameMap ? [] : map,
    judgement,
  ].filter((lines) => lines.length > 0);
  const body = paragraphs.map((lines) => lines.map((line) => `   ${line}\n`).join('')).join('\n');
  const heading = `${number}  ${kind}${invariant} / ${cause}${often === '' ? '' : `   (${often})`}`;
  return `${fitted(heading, 3).join('\n')}\n\n${body}`;
}
