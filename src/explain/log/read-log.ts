import type { CleanLine } from '../text/clean-text.ts';
import { ADDRESS_RULES } from './address-rules.ts';
import { assertionRule, segfaultRule } from './assertion-rule.ts';
import { ATTACH_RULES } from './attach-rules.ts';
import { bareMapRule, dmaMapRule, errorOfMap } from './dma-map-rule.ts';
import { DEVICE_RULES } from './device-rules.ts';
import { faultRule } from './fault-rule.ts';
import { INTERRUPT_RULES } from './interrupt-rules.ts';
import { KERNEL_RULES } from './kernel-rules.ts';
import { LIBVIRT_RULES } from './libvirt-rules.ts';
import type { LogContext, LogFinding, LogMeaning, LogRule } from './log-finding.ts';
import { MACHINE_RULES } from './machine-rules.ts';
import { memslotRule } from './memslot-rule.ts';
import { OTHER_VMM_RULES } from './other-vmm-rules.ts';
import { QEMU_RULES } from './qemu-rules.ts';
import { unalignedRule } from './unaligned-rule.ts';
import { UNKNOWN_VFIO_RULES } from './unknown-vfio-rule.ts';
import { windowRule } from './window-rule.ts';

/** The first rule whose pattern a line has counts: those with numbers come first. */
const RULES: readonly LogRule[] = [
  dmaMapRule,
  memslotRule,
  unalignedRule,
  faultRule,
  assertionRule,
  segfaultRule,
  ...ADDRESS_RULES,
  ...QEMU_RULES,
  ...INTERRUPT_RULES,
  bareMapRule,
  ...LIBVIRT_RULES,
  ...ATTACH_RULES,
  windowRule,
  ...KERNEL_RULES,
  ...OTHER_VMM_RULES,
  ...DEVICE_RULES,
  ...MACHINE_RULES,
  ...UNKNOWN_VFIO_RULES,
];
/** Lines without one of these words are of no rule. */
const WORDS =
  /vfio|dma|iommu|iova|smmu|kvm|slot|MSI-?X|PCI|BAR|phys-bits|Address space limit|memory|DMAR|AMD-Vi|fault|group|mmap|peer-to-peer|p2p|aw-bits|Addressing limited|lock|NVRM|power (?:state|transition)|Unrecoverable|assertion|segfault|core dumped|irq|eventfd|Property|device|AER|ROM\b|monitor|exited|MMIO|FLR|page size|Multi-level/i;
/** Longer lines are cut: no message is so long. */
const LONGEST = 2000;

/** Lines that say nothing if a line with the numbers is there. */
const BARE = new Set([bareMapRule.id, 'dma-unable-to-continue', 'p2p-not-supported', 'registering-slot']);
/** Lines that say only that something failed, and so yield to every line that says what. */
const EMPTY = new Set(['libvirt-monitor-closed', 'device-not-initialized', 'iommu-fault-status']);

/** Whether a rule knows the line. */
export const isLogLine = (text: string): boolean =>
  WORDS.test(text) && RULES.some(({ pattern }) => pattern.test(text.slice(0, LONGEST)));

/** Of one rule so many lines are explained; further ones count as repeats of the last. */
const MOST_OF_A_RULE = 20;

type Repeated = LogFinding & { repeats: number[] };

/** What the lines of a log mean. Lines of one meaning are one finding; lines without numbers yield to those with. */
export function readLog(lines: readonly CleanLine[], context: LogContext): readonly LogFinding[] {
  const findings = new Map<string, Repeated>();
  const counts = new Map<string, readonly Repeated[]>();
  let last: { readonly number: number; readonly finding: Repeated } | undefined;
  let errorAbove: number | undefined;
  for (const { number, text } of joinWrapped(lines)) {
    if (!WORDS.test(text)) continue;
    const line = text.slice(0, LONGEST);
    const [rule, match] = ruleOf(line) ?? [];
    if (rule === undefined) continue;
    const above = rule.id === dmaMapRule.id ? errorAbove : undefined;
    errorAbove = rule.id === bareMapRule.id ? errorOfMap(match!) : undefined;
    const key = `${rule.id} ${match![0]}`;
    const ofRule = counts.get(rule.id) ?? [];
    let finding = findings.get(key) ?? (ofRule.length < MOST_OF_A_RULE ? undefined : ofRule.at(-1));
    if (finding === undefined) {
      const meaning = rule.explain(match!, { ...context, errorAbove: above });
      // The hint of QEMU behind an error says the same again, and names no device.
      const isHint =
        last?.number === number - 1 && last.finding.rule === rule.id && saysNoMore(meaning, last.finding);
      if (isHint) finding = last!.finding;
      else {
        finding = { kind: 'log', line: number, text: line.trim(), rule: rule.id, repeats: [], ...meaning };
        counts.set(rule.id, [...ofRule, finding]);
      }
      findings.set(key, finding);
    }
    if (finding.line !== number) finding.repeats.push(number);
    last = { number, finding };
  }
  return withoutEmpty([...new Set(findings.values())]);
}

function ruleOf(line: string): readonly [LogRule, RegExpExecArray] | undefined {
  for (const rule of RULES) {
    const match = rule.pattern.exec(line);
    if (match !== null) return [rule, match];
  }
  return undefined;
}

const saysNoMore = (meaning: LogMeaning, before: LogMeaning): boolean =>
  meaning.subject === undefined &&
  meaning.request === undefined &&
  before.request === undefined &&
  meaning.limit === before.limit &&
  meaning.why[0] === before.why[0];

/** The findings that say something: a line without numbers yields to one with them, and "it failed" to a reason. */
function withoutEmpty(all: readonly LogFinding[]): readonly LogFinding[] {
  const isNumbered = all.some(({ rule }) => rule === dmaMapRule.id || rule === memslotRule.id);
  const telling = isNumbered ? all.filter(({ rule }) => !BARE.has(rule)) : all;
  const hasReason = telling.some(({ rule, severity }) => !EMPTY.has(rule) && severity !== 'harmless');
  return hasReason ? telling.filter(({ rule }) => !EMPTY.has(rule)) : telling;
}

/** A call whose arguments a mail program or terminal wrapped. */
const OPEN =
  /(?:dma_map ?\([^)]*|KVM_SET_USER_MEMORY_REGION2? failed,[^:]*|received unaligned region [^=]*iova=\S+|VFIO_(?:UN)?MAP_DMA|(?:failed to setup container for group \d+|memory listener initialization failed|vfio(?: error:)? [0-9a-f:.]+):|memory listener initialization|\) =|= -\d+ \([^)]*)$/;

function joinWrapped(lines: readonly CleanLine[]): readonly CleanLine[] {
  const whole: CleanLine[] = [];
  for (const line of lines) {
    const last = whole.at(-1);
    if (last !== undefined && last.text.length < LONGEST && line.text.trim() !== '' && OPEN.test(last.text))
      whole[whole.length - 1] = { ...last, text: joined(last, line) };
    else whole.push(line);
  }
  return whole;
}

/** A line and the rest of it, which a mail program has put into the next one. */
export const joined = (line: CleanLine, rest: CleanLine): string => `${line.text} ${rest.text.trim()}`;
