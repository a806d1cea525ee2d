/** The host's rules by release of Linux. Each release that changed a rule has a file, which holds the difference. */
import type { KernelRules } from './kernel-rules.ts';
import { linux4_16 } from './linux-4.16.ts';
import { linux4_8 } from './linux-4.8.ts';
import { linux5_1 } from './linux-5.1.ts';
import { linux5_12 } from './linux-5.12.ts';
import { linux5_18 } from './linux-5.18.ts';
import { linux5_4 } from './linux-5.4.ts';
import { linux6_13 } from './linux-6.13.ts';
import { linux6_18 } from './linux-6.18.ts';
import { linux6_19 } from './linux-6.19.ts';
import { linux6_2 } from './linux-6.2.ts';
import { msixMappable, UNNAMED_KERNELS } from './unnamed-kernels.ts';

export type { IommufdRules, KernelRules, KvmRules, Type1MapFields, Type1Rules } from './kernel-rules.ts';

/** The releases that changed a rule, oldest first. */
const RELEASES: readonly (readonly [major: number, minor: number, rules: KernelRules])[] = [
  [4, 8, linux4_8],
  [4, 16, linux4_16],
  [5, 1, linux5_1],
  [5, 4, linux5_4],
  [5, 12, linux5_12],
  [5, 18, linux5_18],
  [6, 2, linux6_2],
  [6, 13, linux6_13],
  [6, 18, linux6_18],
  [6, 19, linux6_19],
];

/** The rules of a host that names no kernel. */
export const DEFAULT_KERNEL: KernelRules = msixMappable;

/**
 * The rules of a kernel.
 *
 * @param kernel a version such as `6.12` (a release such as `6.12.117+deb13-amd64` counts as its version), or
 *   one of the names `msix-mappable` and `sparse-msix`.
 * @throws RangeError for another text, and for a version below 4.8, which is not modelled.
 */
export function kernelRules(kernel: string): KernelRules {
  const unnamed = UNNAMED_KERNELS.get(kernel);
  if (unnamed !== undefined) return unnamed;
  const [major, minor] = (/^(\d+)\.(\d+)/.exec(kernel)?.slice(1) ?? []).map(Number);
  const found = RELEASES.findLast(
    ([wasMajor, wasMinor]) => major! > wasMajor || (major === wasMajor && minor! >= wasMinor),
  );
  if (found === undefined) throw new RangeError(`no rules for the kernel ${JSON.stringify(kernel)}`);
  return found[2];
}
