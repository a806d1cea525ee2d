import { hex, type Range } from '../address/index.ts';
import type { Memslot } from '../host/index.ts';
import { metricsOf, type Violation } from '../invariants/index.ts';
import { rangeType, type MtreeForm } from '../memory/index.ts';
import type { JsonValue } from '../scenario/index.ts';
import type { Trace, TraceMapping } from '../trace/index.ts';
import type { VmmEvent } from '../vfio/index.ts';
import { unseenBars } from './unseen-bars.ts';

/**
 * A run as plain data: what `barproof run --json` prints. The state is that after the last operation. `end` is
 * the last address of a range; addresses and sizes are hex strings.
 */
export function traceToJson(trace: Trace, violations: readonly Violation[], form: MtreeForm): JsonValue {
  const state = trace.steps.at(-1)!.state;
  const unseen = unseenBars(trace);
  const several = state.containers.length > 1;
  return {
    outcome: trace.outcome,
    error: trace.error ?? null,
    revision: trace.revision,
    flatView: state.flatView.map((range) => ({
      ...inclusive(range),
      kind: rangeType(range, form),
      name: range.region.name,
      offset: hex(range.offset),
      priority: range.priority,
      ...(range.region.owner !== undefined && { device: range.region.owner }),
    })),
    dmaMappings: state.containers.flatMap(({ name, mappings }) =>
      mappings.map((mapping) => ({ ...mappingToJson(mapping), ...(several && { container: name }) })),
    ),
    memslots: state.memslots.map(memslotToJson),
    events: trace.steps.flatMap(({ events }, step) =>
      events.map((event) => ({ step, ...eventToJson(event) })),
    ),
    violations: violations.map(({ invariant, cause, message, step }) => ({
      invariant,
      message,
      cause,
      step,
    })),
    metrics: { ...metricsOf(trace) },
    ...(unseen.length > 0 && {
      unseenBars: unseen.map(({ device, bar, isOutsideWindows, ...range }) => ({
        device,
        bar,
        ...inclusive(range),
        isOutsideWindows,
      })),
    }),
    ...(trace.notCompared !== undefined && { notCompared: trace.notCompared }),
  };
}

const inclusive = ({ start, end }: Range) => ({ start: hex(start), end: hex(end - 1n) });

const mappingToJson = ({ iova, size, readonly, backing }: TraceMapping) => ({
  iova: hex(iova),
  size: hex(size),
  readonly,
  region: backing.region,
  offset: hex(backing.offset),
});

const memslotToJson = ({ gpa, size, readonly }: Memslot) => ({ gpa: hex(gpa), size: hex(size), readonly });

function eventToJson(event: VmmEvent): { [key: string]: JsonValue | undefined } {
  switch (event.type) {
    case 'dma-map': {
      const { type, container, errno, hostAddress, deviceMemory } = event;
      const backedAt = hostAddress === undefined ? {} : { hostAddress: hex(hostAddress) };
      return { type, container, ...mappingToJson(event), ...backedAt, deviceMemory, errno };
    }
    case 'memslot': {
      const { type, slot, errno } = event;
      return { type, slot: slot.slot, ...memslotToJson(slot), region: slot.backing.region, errno };
    }
    default:
      return event as unknown as { [key: string]: JsonValue };
  }
}
