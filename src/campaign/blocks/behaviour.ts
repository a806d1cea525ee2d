import { placeOf, type Violation } from '../../invariants/index.ts';
import type { Trace } from '../../trace/index.ts';

type Event = Trace['steps'][number]['events'][number];

/**
 * What a run shows of the behaviour of the VMM: one word for each kind of event, each pair of kinds that follow one
 * another, each operation with the kinds of event in it, the outcome, and each invariant that breaks. The words leave
 * out addresses and names, so that a long search sees only some thousand words.
 */
export function behavioursOf(trace: Trace, violations: readonly Violation[]): ReadonlySet<string> {
  const shown = new Set<string>();
  let before = 'start';
  for (const { operation, events } of trace.steps) {
    shown.add(`does ${operation.op}`);
    for (const event of events) {
      const kind = kindOf(event);
      shown.add(kind);
      shown.add(`${before} > ${kind}`);
      shown.add(`${operation.op}: ${kind}`);
      before = kind;
    }
  }
  for (const event of trace.teardown?.events ?? []) shown.add(`teardown: ${kindOf(event)}`);
  shown.add(`ends ${trace.outcome} ${trace.abortSite ?? ''}`);
  for (const violation of violations) {
    const { invariant, cause } = violation;
    shown.add(`breaks ${invariant}/${cause} at ${placeOf(violation, trace)}`);
  }
  return shown;
}

/** The kind of an event, without addresses and names. */
function kindOf(event: Event): string {
  switch (event.type) {
    case 'dma-map': {
      const memory = event.deviceMemory ? 'device memory' : 'RAM';
      return `map ${memory}${event.readonly ? ' read-only' : ''} errno ${event.errno}`;
    }
    case 'dma-unmap':
      return `unmap ${event.unmapped === event.size ? 'whole' : 'part'} errno ${event.errno}`;
    case 'skip':
      return `skip ${event.deviceMemory ? 'device memory' : 'RAM'} ${event.reason}`;
    case 'memslot':
      return `memslot ${event.slot.size === 0n ? 'delete' : 'set'} errno ${event.errno}`;
    case 'mmap':
    case 'window-create':
    case 'window-remove':
    case 'register-memory':
    case 'unregister-memory':
      return `${event.type} errno ${event.errno}`;
    case 'access':
      return `access ${event.parts.map(({ reached }) => reached.kind).join('+')}`;
    default:
      return event.type;
  }
}
