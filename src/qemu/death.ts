import type { AbortSite } from '../vfio/index.ts';
import { HostNeverAnswers, type QemuDied, QemuHangs } from './process/qemu-error.ts';
import { withoutProgram } from './process/qemu-names.ts';

/** How and where QEMU died. */
export interface Death {
  /** What QEMU printed about its death. Absent after a signal that left QEMU no time to print. */
  readonly error: string | undefined;
  /** The model's name of the place; for a place that the model does not know, the function or the signal. */
  readonly site: AbortSite | (string & {});
}

/** Lines in which QEMU or the C library gives the reason why the process aborts. */
const EXPLANATION =
  /Assertion|error (?:un)?registering slot|not an instance of|hardware error|Bus error|\*\*\*|ERROR:/;
const ASSERTION = /^(?:\S*?)([\w.+-]+\.[ch]):\d+: (\w+): Assertion `(.*)' failed/;

/** Places that the model knows, by the text that QEMU prints. */
const KNOWN: readonly (readonly [RegExp, AbortSite])[] = [
  [/pci_register_bar: Assertion `is_power_of_2\(size\)'/, 'bar-size-assertion'],
  [/memory_region_del_subregion: Assertion `subregion->container == mr'/, 'msix-unplug-assertion'],
  // Which memory it was, the requests say (ScenarioRun).
  [/vfio: DMA mapping failed, unable to continue/, 'dma-map-ram'],
  [/^kvm_set_phys_mem: error (?:un)?registering slot/, 'memslot'],
  [/is not an instance of type vfio-iommu-legacy/, 'eeh-container-cast'],
];

/** QEMU's words about its death at a place that the model knows; `undefined` where a signal leaves no words. */
export const wordsOfDeath = (site: string): RegExp | undefined =>
  KNOWN.find(([, known]) => known === site)?.[0];

/** What the shim prints before it ends a QEMU that maps a file over its own memory (shim/map.c). */
const OVERWRITES = /^barproof: (a file is mapped over memory that was not reserved for it)$/;
/** What the shim prints about a signal (shim/signals.c). */
const THREAD = /^barproof: signal in thread (.*)$/;
const STACK = /^barproof: call stack/;
/** A line of the call stack as glibc's backtrace_symbols_fd prints it: `FILE(FUNCTION+OFFSET)[ADDRESS]`. */
const FRAME = /\((\w+)\+0x[0-9a-f]+\) ?\[0x[0-9a-f]+\]$/;

/** Places that the model knows, by a function on the call stack. */
const KNOWN_FUNCTIONS: ReadonlyMap<string, AbortSite> = new Map([
  ['msix_init', 'msix-init-segfault'],
  ['vfio_bars_finalize', 'bars-finalize-segfault'],
]);

/**
 * Places that the model knows, by the innermost function with a name. Observed on 5.2.0 and 7.2.22, whose programs do not name
 * vfio_bars_finalize (vfio fact 5.22).
 */
const KNOWN_INNERMOST: ReadonlyMap<string, AbortSite> = new Map([
  ['object_unparent', 'bars-finalize-segfault'],
]);

/** Places that the model knows, by the only function on the call stack that has a name. */
const KNOWN_LONE_FUNCTIONS: ReadonlyMap<string, AbortSite> = new Map([
  ['object_unref', 'hotplug-refusal-segfault'],
]);

/** Places that the model knows, by the thread, where no function on the call stack has a name. */
const KNOWN_THREADS: ReadonlyMap<string, AbortSite> = new Map([
  // The RCU thread frees objects.
  ['call_rcu', 'hotplug-refusal-segfault'],
]);

/**
 * What killed QEMU.
 *
 * @param rename puts the scenario's names in place of QEMU's.
 */
export function explainDeath(error: QemuDied | QemuHangs, rename: (text: string) => string): Death {
  if (error instanceof HostNeverAnswers) return { error: error.message, site: 'unanswered-request' };
  if (error instanceof QemuHangs) return { error: error.message, site: 'hang' };
  const lines = error.lastLines.map((line) => rename(withoutProgram(line)));
  const overwriting = lines.map((line) => OVERWRITES.exec(line)?.[1]).find((text) => text !== undefined);
  if (overwriting !== undefined) return { error: overwriting, site: 'maps-over-own-memory' };
  const explanation = lines.findLast((line) => EXPLANATION.test(line));
  const signal = (error.ending.signal ?? `exit-${error.ending.code}`).toLowerCase();
  if (explanation !== undefined) {
    const known = KNOWN.find(([pattern]) => pattern.test(explanation));
    return { error: explanation, site: known?.[1] ?? siteOf(explanation, signal) };
  }
  const stack = callStack(lines);
  if (stack.length > 0) return { error: undefined, site: siteOnStack(stack, signal) };
  const thread = lines.map((line) => THREAD.exec(line)?.[1]).findLast((name) => name !== undefined);
  if (thread !== undefined) return { error: undefined, site: KNOWN_THREADS.get(thread) ?? signal };
  return { error: error.ending.signal === undefined ? lines.at(-1) : undefined, site: signal };
}

/** The functions that led to a signal, innermost first. After a jump to a wild address none has a name. */
const callStack = (lines: readonly string[]): readonly string[] =>
  lines
    .slice(lines.findLastIndex((line) => STACK.test(line)) + 1)
    .flatMap((line) => FRAME.exec(line)?.[1] ?? []);

/** A name for the place of the abort: the function of the assertion, `hw-error`, or the signal. */
function siteOf(explanation: string, signal: string): string {
  const assertion = ASSERTION.exec(explanation);
  if (assertion !== null) return `assertion-in-${assertion[2]}`;
  if (explanation.includes('hardware error')) return 'hw-error';
  return signal;
}

/** A name for the place of a signal: the innermost function that is not of the C library. */
function siteOnStack(stack: readonly string[], signal: string): string {
  const lone = stack.length === 1 ? KNOWN_LONE_FUNCTIONS.get(stack[0]!) : undefined;
  const known =
    lone ??
    KNOWN_INNERMOST.get(stack[0]!) ??
    stack.map((name) => KNOWN_FUNCTIONS.get(name)).find((site) => site !== undefined);
  if (known !== undefined) return known;
  const own = stack.find((name) => !/^(?:_|raise$|abort$|mem(?:cpy|set|move|cmp)|str)/.test(name));
  return `${signal}-in-${own ?? 'unknown'}`;
}
