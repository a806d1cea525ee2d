import { hex } from '../../src/address/index.ts';
import { errnoName } from '../../src/host/index.ts';
import { comparableError, type Step, type Trace } from '../../src/trace/index.ts';

/** What a QEMU did with a case of the seed thread, without the words and the order that releases differ in. */
export interface SeedSummary {
  readonly outcome: Trace['outcome'];
  readonly abortSite?: string;
  readonly error?: string;
  /** The requests of each step that has some, with their errors. */
  readonly steps: readonly { readonly after: string; readonly requests: readonly string[] }[];
  /** The flat ranges of devices after the last step. */
  readonly ranges: readonly string[];
}

/** Sums up a run for a recording. */
export function seedSummary({ outcome, abortSite, error, steps }: Trace): SeedSummary {
  const words = comparableError(error);
  const asked = steps.map((step) => ({ after: step.operation.op, requests: requestsOf(step) }));
  const ranges = steps.at(-1)!.state.flatView.filter(({ region }) => region.owner !== undefined);
  return {
    outcome,
    ...(abortSite !== undefined && { abortSite }),
    ...(words !== undefined && { error: words }),
    steps: asked.filter(({ requests }) => requests.length > 0),
    ranges: ranges.map(
      ({ start, end, region, offset }) => `${hex(start)}-${hex(end - 1n)} ${region.name} @${hex(offset)}`,
    ),
  };
}

const requestsOf = ({ events }: Step): readonly string[] =>
  events.flatMap((event) => {
    const answer = 'errno' in event && event.errno !== 0 ? ` = -${errnoName(event.errno)}` : '';
    switch (event.type) {
      case 'dma-map':
        return [`map ${hex(event.iova)}+${hex(event.size)}${event.readonly ? ' read-only' : ''}${answer}`];
      case 'dma-unmap':
        return [`unmap ${hex(event.iova)}+${hex(event.size)}${answer}`];
      case 'mmap':
        return [`mmap ${event.device} BAR ${event.bar} ${hex(event.offset)}+${hex(event.size)}${answer}`];
      case 'window-create':
      case 'window-remove':
        return [`${event.type} ${hex(event.start)}+${hex(event.size)}${answer}`];
      case 'register-memory':
      case 'unregister-memory':
        return [`${event.type} of ${hex(event.size)} bytes${answer}`];
      default:
        return [];
    }
  });
