import type { CleanLine } from '../text/clean-text.ts';
import { ADDRESS_RULES } from './address-rules.ts';
import { bareMapRule, dmaMapRule } from './dma-map-rule.ts';
import { DEVICE_RULES } from './device-rules.ts';
import { faultRule } from './fault-rule.ts';
import { HOST_RULES } from './host-rules.ts';
import type { LogContext, LogFinding, LogRule } from './log-finding.ts';
import { memslotRule } from './memslot-rule.ts';
import { OTHER_VMM_RULES } from './other-vmm-rules.ts';
import { QEMU_RULES } from './qemu-rules.ts';
import { unalignedRule } from './unaligned-rule.ts';

/** The first rule whose pattern a line has counts: those with numbers come first. */
const RULES: readonly LogRule[] = [
  dmaMapRule,
  memslotRule,
  unalignedRule,
  faultRule,
  ...ADDRESS_RULES,
  ...QEMU_RULES,
  bareMapRule,
  ...HOST_RULES,
  ...OTHER_VMM_RULES,
  ...DEVICE_RULES,
];
/** Lines without one of these words are of no rule. */
const WORDS =
  /vfio|dma|iommu|iova|smmu|kvm|slot|MSI-?X|PCI|BAR|phys-bits|Address space limit|memory|DMAR|AMD-Vi|fault|group|mmap|peer-to-peer|p2p|aw-bits|Addressing limited|lock|NVRM|power state|Unrecoverable/i;
const LONGEST = 4000;

/** Lines that say nothing if a line with the numbers is there. */
const BARE = new Set([bareMapRule.id, 'dma-unable-to-continue', 'p2p-not-supported', 'registering-slot']);

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
  for (const { number, text } of joinWrapped(lines)) {
    if (!WORDS.test(text)) continue;
    const line = text.slice(0, LONGEST);
    for (const rule of RULES) {
      const match = rule.pattern.exec(line);
      if (match === null) continue;
      const key = `${rule.id} ${match[0]}`;
      const ofRule = counts.get(rule.id) ?? [];
      const known = findings.get(key) ?? (ofRule.length < MOST_OF_A_RULE ? undefined : ofRule.at(-1));
      if (known !== undefined) known.repeats.push(number);
      else {
        const finding = {
          kind: 'log' as const,
          line: number,
          text: line.trim(),
          rule: rule.id,
          repeats: [],
          ...rule.explain(match, context),
        };
        findings.set(key, finding);
        counts.set(rule.id, [...ofRule, finding]);
      }
      break;
    }
  }

  const all = [...findings.values()];
  const numbered = all.filter(({ rule }) => rule === dmaMapRule.id || rule === memslotRule.id);
  return numbered.length === 0 ? all : all.filter(({ rule }) => !BARE.has(rule));
}

/** A call whose arguments a mail program or terminal wrapped. */
const OPEN =
  /(?:dma_map ?\([^)]*|KVM_SET_USER_MEMORY_REGION2? failed,[^:]*|received unaligned region [^=]*iova=\S+|VFIO_(?:UN)?MAP_DMA|\) =|= -\d+ \([^)]*)$/;

function joinWrapped(lines: readonly CleanLine[]): readonly CleanLine[] {
  const joined: CleanLine[] = [];
  for (const line of lines) {
    const last = joined.at(-1);
    if (last !== undefined && OPEN.test(last.text) && last.text.length < LONGEST && line.text.trim() !== '')
      joined[joined.length - 1] = { ...last, text: `${last.text} ${line.text.trim()}` };
    else joined.push(line);
  }
  return joined;
}
