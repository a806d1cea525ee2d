import { hex } from '../address/index.ts';
import type { Violation } from '../invariants/index.ts';
import { rangeType } from '../memory/index.ts';
import type { Trace } from '../trace/index.ts';
import type { Revision } from '../vfio/index.ts';
import { accessLines } from './access-lines.ts';
import { DESCRIPTION_COLUMN, describeScenario } from './describe-scenario.ts';
import { deviceMemoryText } from './device-memory.ts';
import { unseenBarLines } from './unseen-bars.ts';
import { refusedCalls } from './refused-calls.ts';
import { fitted } from './wrap.ts';

/**
 * A run for people: the scenario, how the run ended, and the state after the last operation.
 *
 * @param revision the revision of the VMM that ran. cloud-hypervisor, too, maps with `vfio_dma_map`.
 */
export function traceToText(
  trace: Trace,
  violations: readonly Violation[],
  {
    mtree: form,
    dmaMapFunction = 'vfio_dma_map',
  }: Pick<Revision, 'mtree'> & Partial<Pick<Revision, 'dmaMapFunction'>>,
): string {
  const state = trace.steps.at(-1)!.state;
  const caveat = trace.notCompared === undefined ? '' : `, not compared with the model: ${trace.notCompared}`;
  const ending = trace.error === undefined ? trace.outcome : `${trace.outcome}: ${trace.error}`;
  const unseen = unseenBarLines(trace);
  const accesses = accessLines(trace);
  const refused = refusedCalls(trace, dmaMapFunction);
  const sections: [string, string[]][] = [
    ['', describeScenario(trace.scenario).flatMap((line) => fitted(line, DESCRIPTION_COLUMN))],
    [`${trace.revision}: ${ending}`, []],
    [
      'flat view',
      state.flatView.map(
        (range) =>
          `${hex(range.start)}-${hex(range.end - 1n)} ${rangeType(range, form)} ${range.region.name}` +
          (range.offset === 0n ? '' : ` @${hex(range.offset)}`),
      ),
    ],
    ...state.containers.map(({ name, mappings }): [string, string[]] => [
      `DMA mappings of ${name}`,
      mappings.map(
        ({ iova, size, readonly, backing }) =>
          `${hex(iova)}+${hex(size)} ${readonly ? 'read-only ' : ''}${backing.region}` +
          (backing.offset === 0n ? '' : ` @${hex(backing.offset)}`),
      ),
    ]),
    ...(refused.length === 0 ? [] : [['refused by the host', refused] satisfies [string, string[]]]),
    ...(accesses.length === 0 ? [] : [['accesses', accesses] satisfies [string, string[]]]),
    ['device memory', [deviceMemoryText(trace)]],
    ...(unseen.length === 0 ? [] : [['note', unseen] as [string, string[]]]),
    [
      `${violations.length === 0 ? 'every invariant holds' : 'violations'}${caveat}`,
      violations.map(({ invariant, cause, message }) => `${invariant}/${cause}: ${message}`),
    ],
  ];
  return `${sections
    .map(([heading, lines]) =>
      [
        ...(heading === '' ? [] : fitted(heading)),
        ...(heading === '' ? lines : lines.flatMap((line) => fitted(`  ${line}`))),
      ].join('\n'),
    )
    .join('\n\n')}\n`;
}
