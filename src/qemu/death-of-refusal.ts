import type { Scenario } from '../scenario/index.ts';
import type { Step } from '../trace/index.ts';
import type { Death } from './death.ts';

/**
 * The site of a signal at a wild address, where no function on the call stack has a name, or in the functions that look after
 * objects and their types (qom/object.c).
 */
const IN_OBJECTS = /^sig(?:segv|bus|ill)(?:-in-(?:object|type)_\w+)?$/;
/** QEMU counts the users of an object that is gone. */
const OF_A_FREED_OBJECT = /object_unref: assertion failed/;

/**
 * The death of a QEMU that refuses a vfio-user device which is hot-plugged: it uses the device's regions after it has freed
 * them (vfio fact 5.16). Chance says what the freed memory holds, and so whether QEMU dies where it reads the memory, where it
 * jumps to an address out of it, or where it counts users. It is one fault, and has one site.
 *
 * @param operation in which QEMU died.
 * @returns the death as it was where this fault does not explain it.
 */
export function deathOfRefusal(death: Death, operation: Step['operation'], { host }: Scenario): Death {
  if (operation.op !== 'hotplug' || host.iommu.type !== 'vfio-user') return death;
  const isOfFreedObject = death.error !== undefined && OF_A_FREED_OBJECT.test(death.error);
  if (!isOfFreedObject && !IN_OBJECTS.test(death.site)) return death;
  return { error: undefined, site: 'hotplug-refusal-segfault' };
}
