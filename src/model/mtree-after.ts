import { printFlatViews, printTree, type AddressSpace, type FlatRange } from '../memory/index.ts';
import type { Scenario } from '../scenario/index.ts';
import { runToTheEnd, type End } from './model-target.ts';
import type { AnyRevision } from './revisions.ts';

/** Which form of `info mtree` to print. */
export interface MtreeOptions {
  /** Flat views, as `info mtree -f`. */
  readonly flat?: boolean;
  /** Disabled regions too, as `info mtree -D`; flat views have none. */
  readonly disabled?: boolean;
}

/**
 * Runs a scenario and prints the memory map after its last operation, as the QEMU of `revision` prints it.
 *
 * @returns the text, and how the run ended: after a death, the text is the memory map at that moment.
 * @throws InvalidInput when the scenario is not one for the revision.
 */
export function mtreeAfter(
  scenario: Scenario,
  revision: AnyRevision,
  { flat = false, disabled = false }: MtreeOptions = {},
): { readonly text: string; readonly end: End } {
  const { spaces, memory, memslots, end } = runToTheEnd(scenario, revision);
  // QEMU asks KVM for a slot of exactly this range: a range whose slot was trimmed has no word (memory fact 8.9).
  // Without KVM, as with vfio-user, no range has one.
  const sizes = new Map(
    scenario.host.iommu.type === 'vfio-user' ? [] : memslots.map(({ gpa, size }) => [gpa as bigint, size]),
  );
  const hasMemslot = (space: AddressSpace, range: FlatRange): boolean =>
    space === memory && sizes.get(range.start) === range.size;
  const text = flat
    ? printFlatViews(spaces, revision.mtree, { hasMemslot })
    : printTree(spaces, revision.mtree, { disabled });
  return { text, end };
}
