import { InvalidArgumentError, Option } from 'commander';
import { ARCHITECTURES, isArchitecture, type Architecture } from '../qemu/process/architecture.ts';

/** The option that says for which of QEMU's targets a source is built. @param when a clause in front of the text. */
export const targetListOption = (when: string): Option =>
  new Option(
    '--target-list <list>',
    `${when}: the targets to build, such as x86_64,ppc64 of ${ARCHITECTURES.join(', ')}; default: x86_64`,
  ).argParser(targetList);

/** The targets of a list as QEMU's configure takes it: `aarch64,ppc64`, or `aarch64-softmmu,ppc64-softmmu`. */
export function targetList(text: string): readonly Architecture[] {
  const names = text.split(',').map((name) => name.replace(/-softmmu$/, ''));
  const found = names.filter(isArchitecture);
  if (found.length === names.length) return found;
  throw new InvalidArgumentError(
    `expected targets with commas between them, of ${ARCHITECTURES.join(', ')}; virt is a machine of aarch64, pseries one of ppc64.`,
  );
}
