import { siteOf, type Violation } from '../invariants/index.ts';
import type { Trace } from '../trace/index.ts';
import { labelled } from './wrap.ts';

/** The place in the VMM from which a violation comes, after its label. */
export function siteLines(violation: Violation, trace: Trace): string[] {
  const { vmm, place } = siteOf(violation, trace);
  return vmm === 'QEMU' ? labelled('in QEMU', place) : labelled('in VMM', `${vmm}, ${place}`);
}
