import type { Trace } from '../trace/index.ts';
import { fingerprintText, type Fingerprint } from './fingerprint.ts';
import { CLOUD_HYPERVISOR_SITES, QEMU_SITES, type QemuVersion } from './site-table.ts';

/** The VMM that a revision or a real VMM's version names. */
export type VmmName = 'QEMU' | 'cloud-hypervisor';

/** Where in the VMM a violation comes from. */
export interface Site {
  readonly vmm: VmmName;
  /** File and function: `hw/vfio/listener.c: vfio_container_region_add`. */
  readonly place: string;
}

/**
 * The file and function from which a violation comes, in the VMM and version that ran. A death of a real VMM that names
 * its own place counts before the table of causes.
 *
 * @param otherwise the place where the table has no entry, as for a cause that a patch names.
 */
export function siteOf(
  violation: Fingerprint,
  trace: Pick<Trace, 'revision' | 'outcome' | 'error'>,
  otherwise: string,
): Site {
  const name = fingerprintText(violation);
  const vmm = trace.revision.startsWith('cloud-hypervisor') ? 'cloud-hypervisor' : 'QEMU';
  if (vmm === 'cloud-hypervisor') {
    const place = CLOUD_HYPERVISOR_SITES.find(([cause]) => name.startsWith(cause))?.[1];
    return { vmm, place: place ?? otherwise };
  }
  const died = violation.invariant === 'no-abort' ? placeOfDeath(trace) : undefined;
  const place = QEMU_SITES.find(([cause]) => name.startsWith(cause))?.[1];
  return { vmm, place: died ?? place?.(versionOf(trace.revision)) ?? otherwise };
}

/** `system/memory.c:2670: memory_region_del_subregion`: what a failed assertion or an abort of glib prints. */
function placeOfDeath({ outcome, error }: Pick<Trace, 'outcome' | 'error'>): string | undefined {
  if (outcome !== 'aborted' || error === undefined) return undefined;
  const found = /(?:\.\.\/)*([\w./-]+\.c):(\d+):\s*\(?(\w+)\)?:/.exec(error);
  return found === null ? undefined : `${found[1]}:${found[2]}: ${found[3]}`;
}

/** The version of a revision or of a real QEMU. Revisions that begin with `seed-v2` are 2.11 with a patch. */
function versionOf(revision: string): QemuVersion {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(revision.startsWith('seed-v2') ? '2.11' : revision) ?? [];
  return major === undefined ? Infinity : Number(major) * 100 + Number(minor);
}
