import { bytes, hex, type Range } from '../address/index.ts';
import { errnoName } from '../host/index.ts';
import { describeOperation } from '../report/index.ts';
import type { Step, Trace } from '../trace/index.ts';
import type { VmmEvent } from '../vfio/index.ts';
import type { ReportedStep } from './report-event.ts';

/** So many actions of one step are told; the others are counted. */
const MOST_ACTIONS = 14;

/**
 * The operations of a run, and what the VMM did in each.
 *
 * @param here index of the step of the violation; the number of steps stands for the teardown.
 */
export function stepsOf({ steps, teardown }: Trace, here: number): readonly ReportedStep[] {
  const shown = steps.map((step, index): ReportedStep => ({
    operation: operationText(step),
    actions: actionsOf(step.events),
    isHere: index === here,
  }));
  if (here < steps.length || teardown === undefined) return shown;
  return [
    ...shown,
    { operation: 'every device is unplugged', actions: actionsOf(teardown.events), isHere: true },
  ];
}

function operationText({ operation }: Step): string {
  switch (operation.op) {
    case 'start':
      return 'the machine starts';
    case 'stop':
      return 'the machine stops';
    default:
      return describeOperation(operation);
  }
}

function actionsOf(events: readonly VmmEvent[]): readonly string[] {
  const texts = events.map(actionText);
  const rest = texts.length - MOST_ACTIONS;
  return rest > 0 ? [...texts.slice(0, MOST_ACTIONS), `and ${rest} more`] : texts;
}

/** What the VMM did, in a few words: `maps 4 KiB at 0x1000 for DMA`. */
function actionText(event: VmmEvent): string {
  switch (event.type) {
    case 'dma-map':
      return `maps ${bytes(event.size)} at ${hex(event.iova)} for DMA (${event.backing.region})${answer(event.errno)}`;
    case 'dma-unmap':
      return `unmaps ${bytes(event.size)} at ${hex(event.iova)}${answer(event.errno)}`;
    case 'skip':
      return `skips ${event.region} at ${hex(event.start)}: ${event.reason}`;
    case 'memslot': {
      const { slot, size, gpa } = event.slot;
      const what = size === 0n ? `deletes memslot ${slot}` : `makes memslot ${slot}`;
      return `${what} at ${hex(gpa)}${size === 0n ? '' : ` with ${bytes(size)}`}${answer(event.errno)}`;
    }
    case 'dirty-log':
      return `fetches the dirty log of memslot ${event.slot} at ${hex(event.gpa)}`;
    case 'dirty-tracking':
      return `tells the devices to log what they write in ${event.ranges.map(spanText).join(', ') || 'no range'}`;
    case 'mmap':
    case 'munmap': {
      const errno = event.type === 'mmap' ? answer(event.errno) : '';
      return `${event.type}s ${bytes(event.size)} of ${event.device} BAR ${event.bar} at ${hex(event.offset)}${errno}`;
    }
    case 'window-create':
    case 'window-remove': {
      const verb = event.type === 'window-create' ? 'creates' : 'removes';
      return `${verb} a DMA window of ${bytes(event.size)} at ${hex(event.start)}${answer(event.errno)}`;
    }
    case 'register-memory':
    case 'unregister-memory': {
      const verb = event.type === 'register-memory' ? 'registers' : 'unregisters';
      return `${verb} ${bytes(event.size)} of memory at ${hex(event.hostAddress)}${answer(event.errno)}`;
    }
    case 'access':
      return `${event.write ? 'writes' : 'reads'} ${bytes(BigInt(event.width))} at ${hex(event.address)}`;
    case 'bar-sized':
      return `shows ${hex(event.read)} when the guest sizes ${event.device} BAR ${event.bar}`;
    case 'message':
      return `prints: ${event.text}`;
  }
}

const spanText = ({ start, end }: Range): string => `[${hex(start)}, ${hex(end - 1n)}]`;

const answer = (errno: number): string => (errno === 0 ? '' : `: the host refuses, ${errnoName(errno)}`);
