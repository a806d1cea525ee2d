import { InvalidInput, spellingHint, printable, type Problem } from '../input/index.ts';
import type { CloudHypervisorRules } from '../cloud-hypervisor/index.ts';
import type { AnyRevision } from '../model/index.ts';
import type { Revision } from '../vfio/index.ts';
import { guardGroups, whatWasThrown, type RuleWatch } from './guard.ts';
import { RULES, type RuleGroup, type RuleAnswers } from './rules.ts';

/**
 * A patch's change to one group of rules: the replaced rules, or a function that gets the base's rules and
 * returns the replaced ones. All other rules stay those of the base.
 */
export type Change<Rules> = Partial<Rules> | ((base: Rules) => Partial<Rules>);

/**
 * A proposed change to QEMU or cloud-hypervisor, written on top of a revision. Every group of rules and every rule is optional;
 * the declaration of each rule's type says when the model calls it and with which arguments.
 */
export interface PatchDefinition {
  /** Short name of lower-case letters, digits, `-` and `.`; the patched revision has the id `BASE+NAME`. */
  readonly name: string;
  /** One line for the reader, at most 500 characters; the name when left out. */
  readonly title?: string;
  /** Id of the revision to put the patch on; the newest revision when left out. `--base` overrides it. */
  readonly base?: string;
  /** Where the change comes from: a mail, a commit, a bug report. */
  readonly source?: string;
  /** How VFIO containers are opened, shared, filled and closed; the windows of sPAPR. */
  readonly container?: Change<Revision['container']>;
  /** Which memory sections are mapped for DMA, which part of each, and what follows when the host refuses. */
  readonly listener?: Change<Revision['listener']>;
  /** How a device is set up: mmap areas, MSI-X table and PBA, opt-out, relocation. */
  readonly device?: Change<Revision['device']>;
  /** Which memory sections get a KVM memslot. */
  readonly memslots?: Change<Revision['memslots']>;
  /** How an access of the guest's CPU that exits to QEMU is cut, routed and answered. */
  readonly access?: Change<Revision['access']>;
  /** The machine: what is in its DMA address spaces, and what a reset needs. */
  readonly machine?: Change<Revision['machine']>;
  /** How the memory core renders the region tree, and how it calls its listeners. */
  readonly memory?: Change<Revision['memory']>;
  /** How the PCI core decodes BARs. */
  readonly pci?: Change<Revision['pci']>;
  /** What the host kernel offers, and how it answers. */
  readonly host?: Change<Revision['host']>;
  /** cloud-hypervisor: how it places, maps and moves BARs. A patch for it changes no other group. */
  readonly cloudHypervisor?: Change<CloudHypervisorRules>;
}

/** A patch that can be put on a revision. Made by `definePatch`. */
export interface Patch {
  readonly definition: PatchDefinition;
  /**
   * The revision with the patch applied.
   *
   * @param base the revision whose rules the patch replaces or keeps.
   * @param watch counts the calls of the patch's rules and stops a run that calls them without end; answers
   *   are checked with and without it.
   */
  applyTo<R extends AnyRevision>(base: R, watch?: RuleWatch): R;
}

/** The names that a patch may have: the name is also that of a file, and part of a revision's id. */
export const PATCH_NAME = /^[a-z0-9][a-z0-9.-]{0,63}$/;
/** `PATCH_NAME` in words. */
export const PATCH_NAME_RULE = 'lower-case letters, digits, - and ., at most 64 characters';
const RULE_GROUPS = Object.keys(RULES) as readonly RuleGroup[];
const TEXTS = ['name', 'title', 'base', 'source'] as const;
/** Length of a text in characters. */
const MAX_TEXT = 500;

/**
 * Declares a patch: the default export of a patch file.
 *
 * @example
 * export default definePatch({
 *   name: 'device-memory-is-optional',
 *   base: 'seed-v2',
 *   listener: { deviceMemoryFailure: 'reported' },
 * });
 *
 * @throws InvalidInput with every unknown key and every value that is not allowed.
 */
export function definePatch(definition: PatchDefinition): Patch {
  const problems = problemsOf(definition);
  if (problems.length > 0) throw new InvalidInput(problems);
  return new DefinedPatch(definition);
}

/** Marks every patch, so that a patch made by another copy of this package is recognised. */
const MARK = Symbol.for('barproof.patch');

/** Whether a value was made by `definePatch`. */
export const isPatch = (value: unknown): value is Patch =>
  typeof value === 'object' && value !== null && MARK in value;

class DefinedPatch implements Patch {
  readonly [MARK] = true;
  readonly definition: PatchDefinition;

  constructor(definition: PatchDefinition) {
    this.definition = definition;
  }

  applyTo<R extends AnyRevision>(base: R, watch?: RuleWatch): R {
    const { name, title = name, source = `patch ${name}` } = this.definition;
    const { cloudHypervisor, ...ofQemu } = guardGroups(this.#changedGroups(base), watch);
    return {
      ...base,
      id: `${base.id}+${name}`,
      title,
      source,
      ...ofQemu,
      ...(cloudHypervisor && { rules: cloudHypervisor }),
    };
  }

  /** The groups that the patch changes: its own rules, and those of the base. */
  #changedGroups(base: AnyRevision): Partial<Record<RuleGroup, { base: object; changed: object }>> {
    const groups: Partial<Record<RuleGroup, { base: object; changed: object }>> = {};
    for (const group of RULE_GROUPS) {
      const change = this.definition[group] as Change<object> | undefined;
      if (change === undefined) continue;
      const rules = rulesOf(base, group);
      if (rules === undefined) {
        const message = `${base.id} has no such rules; patches for cloud-hypervisor have only cloudHypervisor`;
        throw new InvalidInput([{ path: group, message }]);
      }
      const changed =
        typeof change === 'function' ? callChange(change as (base: object) => object, rules, group) : change;
      const problems = problemsOfGroup(changed, group);
      if (problems.length > 0) throw new InvalidInput(problems);
      groups[group] = { base: rules, changed };
    }
    return groups;
  }
}

/** The rules of a group on this base; `undefined` if its VMM has no such group. */
function rulesOf(base: AnyRevision, group: RuleGroup): object | undefined {
  if (base.vmm !== undefined) return group === 'cloudHypervisor' ? base.rules : undefined;
  return group === 'cloudHypervisor' ? undefined : base[group];
}

/** Calls a change with a frozen copy of the base's rules. @throws InvalidInput when the change throws. */
function callChange(change: (base: object) => object, base: object, group: RuleGroup): object {
  try {
    return change(Object.freeze({ ...base }));
  } catch (error) {
    throw new InvalidInput([{ path: group, message: `throws ${whatWasThrown(error)}` }]);
  }
}

function problemsOf(definition: unknown): Problem[] {
  if (typeof definition !== 'object' || definition === null || Array.isArray(definition)) {
    return [{ path: '', message: 'definePatch expects an object' }];
  }
  const problems: Problem[] = [];
  const known = [...TEXTS, ...RULE_GROUPS];
  for (const [key, value] of Object.entries(definition)) {
    if ((TEXTS as readonly string[]).includes(key)) {
      if (typeof value !== 'string' || value.length > MAX_TEXT || value !== printable(value)) {
        problems.push({ path: key, message: `expected one line of text, at most ${MAX_TEXT} characters` });
      }
    } else if (!(RULE_GROUPS as readonly string[]).includes(key)) {
      problems.push({ path: key, message: `unknown key${suggestion(key, known)}` });
    } else if (typeof value !== 'function') {
      problems.push(...problemsOfGroup(value, key as RuleGroup));
    }
  }
  const { name } = definition as { name?: unknown };
  if (name === undefined) problems.push({ path: 'name', message: 'is missing' });
  else if (typeof name === 'string' && !PATCH_NAME.test(name)) {
    problems.push({ path: 'name', message: `expected ${PATCH_NAME_RULE}` });
  }
  return problems;
}

/** What is wrong with the rules of one group, before any of them is called. */
function problemsOfGroup(rules: unknown, group: RuleGroup): Problem[] {
  if (typeof rules !== 'object' || rules === null || Array.isArray(rules)) {
    return [{ path: group, message: 'expected an object of rules, or a function that returns one' }];
  }
  const answers: RuleAnswers = RULES[group];
  return Object.entries(rules).flatMap(([name, rule]) => {
    const path = `${group}.${name}`;
    const answer = answers[name];
    if (answer === undefined) {
      return [{ path, message: `unknown rule${suggestion(name, Object.keys(answers))}` }];
    }
    if (answer.isFunction) {
      return typeof rule === 'function' ? [] : [{ path, message: 'expected a function' }];
    }
    return answer.fits(rule) ? [] : [{ path, message: `expected ${answer.expected}` }];
  });
}

const suggestion = (name: string, known: readonly string[]): string =>
  `; ${spellingHint(name, known, `allowed are ${known.join(', ')}`)}`;
