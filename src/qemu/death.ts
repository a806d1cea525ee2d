import type { AbortSite } from '../vfio/index.ts';
import { QemuDied, QemuHangs } from './process/qemu-error.ts';
import { withoutProgram } from './process/qemu-names.ts';

/** How and where QEMU died. */
export interface Death {
  /** Its own words, or nothing where a signal left no time for any. */
  readonly error: string | undefined;
  /** The model's name of the place, or one made of the function or the signal. */
  readonly site: AbortSite | (string & {});
}

/** Lines that tell why a process aborts. */
const EXPLANATION = /Assertion|not an instance of|hardware error|Bus error|\*\*\*|ERROR:/;
const ASSERTION = /^(?:\S*?)([\w.+-]+\.[ch]):\d+: (\w+): Assertion `(.*)' failed/;
const STACK = /^barproof: signal in(?! thread)(.*)$/;
const THREAD = /^barproof: signal in thread (.*)$/;

/** Places that the model knows, by what QEMU prints. */
const KNOWN: readonly (readonly [RegExp, AbortSite])[] = [
  [/pci_register_bar: Assertion `is_power_of_2\(size\)'/, 'bar-size-assertion'],
  [/memory_region_del_subregion: Assertion `subregion->container == mr'/, 'msix-unplug-assertion'],
  [/is not an instance of type vfio-iommu-legacy/, 'eeh-container-cast'],
];

/** What the shim says before it ends a QEMU that is about to write over its own memory. */
const OVERWRITES = /^barproof: (a file is mapped over memory that was not reserved for it)$/;

/** Places that the model knows, by the functions on the stack. */
const KNOWN_STACKS: readonly (readonly [RegExp, AbortSite])[] = [
  [/\bmsix_init\b/, 'msix-init-segfault'],
  [/^object_unref$/, 'hotplug-refusal-segfault'],
];

/** Places that the model knows, by the thread, where no function on the stack has a name. */
const KNOWN_THREADS: ReadonlyMap<string, AbortSite> = new Map([
  // It releases what nobody uses any more.
  ['call_rcu', 'hotplug-refusal-segfault'],
]);

/**
 * What killed QEMU.
 *
 * @param rename QEMU's words into the scenario's.
 */
export function explainDeath(error: QemuDied | QemuHangs, rename: (text: string) => string): Death {
  if (error instanceof QemuHangs) return { error: error.message, site: 'hang' };
  const lines = error.lastWords.map((line) => rename(withoutProgram(line)));
  const overwriting = lines.map((line) => OVERWRITES.exec(line)?.[1]).find((text) => text);
  if (overwriting !== undefined) return { error: overwriting, site: 'maps-over-own-memory' };
  const explanation = lines.findLast((line) => EXPLANATION.test(line));
  const signal = (error.ending.signal ?? `exit-${error.ending.code}`).toLowerCase();
  if (explanation !== undefined) {
    const known = KNOWN.find(([pattern]) => pattern.test(explanation));
    return { error: explanation, site: known?.[1] ?? siteOf(explanation, signal) };
  }
  // Where a wild pointer was called, no function on the stack has a name.
  const stack = lines.map((line) => STACK.exec(line)?.[1]?.trim()).findLast((text) => text);
  if (stack === undefined) {
    const thread = lines.map((line) => THREAD.exec(line)?.[1]).findLast((text) => text);
    if (thread !== undefined) return { error: undefined, site: KNOWN_THREADS.get(thread) ?? signal };
    const said = error.ending.signal === undefined ? lines.at(-1) : undefined;
    return { error: said, site: signal };
  }
  const known = KNOWN_STACKS.find(([pattern]) => pattern.test(stack));
  return { error: undefined, site: known?.[1] ?? `${signal}-in-${innermost(stack)}` };
}

/** A name for the place that an explanation names. */
function siteOf(explanation: string, signal: string): string {
  const assertion = ASSERTION.exec(explanation);
  if (assertion !== null) return `assertion-in-${assertion[2]}`;
  if (explanation.includes('hardware error')) return 'hw-error';
  return signal;
}

/** The innermost function that is QEMU's own and no part of the C library. */
const innermost = (stack: string): string =>
  stack.split(' ').find((name) => !/^(?:_|raise$|abort$|mem(?:cpy|set|move|cmp)|str|tell$)/.test(name)) ??
  'unknown';
