import { RULE_DESCRIPTIONS } from './rule-descriptions.ts';
import { RULES, type RuleAnswers, type RuleGroup } from './rules.ts';

/** The file that declares the rules of a group, with the arguments of each: QEMU's `memory` has a second one. */
const DECLARED_IN: Readonly<Record<RuleGroup, string>> = {
  cloudHypervisor: 'src/cloud-hypervisor/revision.ts',
  container: 'src/vfio/container-rules.ts',
  listener: 'src/vfio/listener-rules.ts',
  device: 'src/vfio/device-rules.ts',
  memslots: 'src/vfio/memslot-rules.ts',
  access: 'src/vfio/guest-access/access-rules.ts',
  machine: 'src/vfio/machine-rules.ts',
  memory: 'src/memory/memory-rules.ts',
  pci: 'src/pci/pci-rules.ts',
  host: 'src/vfio/host-rules.ts',
};

/** The rules of virtio-mem belong to the group `memory`, and are declared apart. */
const DISCARD_RULES = ['notifiesDiscard', 'replayed', 'plugRefusal', 'resetUnplugs'];

/** A rule that a patch may replace. */
export interface ListedRule {
  /** `GROUP.RULE`, such as `listener.skip`. */
  readonly name: string;
  /** The room of `src` that asks the rule, such as `vfio`. */
  readonly room: string;
  readonly file: string;
  /** Whether the rule is a function; otherwise it is a value. */
  readonly isFunction: boolean;
  /** What the rule may return, or may be, in words. */
  readonly answer: string;
  /** What the rule decides, in one line. */
  readonly about: string;
}

/** Every rule that a patch may replace, by group. */
export const listRules = (): readonly ListedRule[] =>
  (Object.keys(RULES) as RuleGroup[]).flatMap((group) => {
    const answers: RuleAnswers = RULES[group];
    const descriptions: Readonly<Record<string, string>> = RULE_DESCRIPTIONS[group];
    return Object.entries(answers).map(([rule, { isFunction, expected }]): ListedRule => {
      const isOfDiscards = group === 'memory' && DISCARD_RULES.includes(rule);
      const file = isOfDiscards ? 'src/memory/discard-rules.ts' : DECLARED_IN[group];
      const about = descriptions[rule]!;
      return {
        name: `${group}.${rule}`,
        room: file.split('/')[1]!,
        file,
        isFunction,
        answer: expected,
        about,
      };
    });
  });
