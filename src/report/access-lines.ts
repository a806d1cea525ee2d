import { bytes, hex } from '../address/index.ts';
import { slotName } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';
import type { AccessEvent, AccessPart, Reached } from '../vfio/index.ts';

/** What the accesses of the guest's CPU have reached, one line for each access. */
export const accessLines = ({ steps }: Trace): string[] =>
  steps.flatMap(({ events }, step) =>
    events.flatMap((event) => (event.type === 'access' ? [`step ${step}: ${accessText(event)}`] : [])),
  );

function accessText({ write, width, address, device, bar, offset, parts }: AccessEvent): string {
  const what = `${write ? 'write' : 'read'} of ${bytes(BigInt(width))} at ${hex(address)}`;
  return `${what} (${device} ${slotName(bar)}+${hex(offset)}) reaches ${parts.map(partText).join(', then ')}`;
}

const partText = ({ size, reached }: AccessPart): string =>
  `${reachedName(reached)} with ${bytes(BigInt(size))}`;

function reachedName(reached: Reached): string {
  switch (reached.kind) {
    case 'nothing':
      return 'nothing';
    case 'memory':
    case 'registers':
      return `${reached.region} @${hex(reached.offset)}`;
    case 'device':
      return `${slotName(reached.bar)} of the device @${hex(reached.offset)}`;
    case 'msix-table':
      return `the emulated MSI-X table @${hex(reached.offset)}`;
    case 'msix-pba':
      return `the emulated PBA @${hex(reached.offset)}`;
    case 'config-space':
      return `the configuration space @${hex(reached.offset)}`;
  }
}
