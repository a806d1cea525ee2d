import { InvalidInput, nearestTo, printable, type Problem } from '../input/index.ts';
import type { Revision } from '../vfio/index.ts';
import { guardRooms, whatWasThrown, type RuleWatch } from './guard.ts';
import { RULES, type RuleGroup, type RuleAnswers } from './rules.ts';

/**
 * What a patch does to one group of rules: the rules that it replaces, or a function of the base's
 * rules that returns them. Rules that are not named stay as they are in the base.
 */
export type Change<Rules> = Partial<Rules> | ((base: Rules) => Partial<Rules>);

/**
 * A proposal for QEMU, written on top of one of its revisions. Every group of rules and every rule is
 * optional; what each rule is asked, and when, is said where its type is declared.
 */
export interface PatchDefinition {
  /** Short name in lower case, digits, `-` and `.`; `base+name` is what the patched revision is called. */
  readonly name: string;
  /** One line for people; the name when left out. */
  readonly title?: string;
  /** Id of the revision that the patch is for; the newest when left out. `--base` overrides it. */
  readonly base?: string;
  /** Where the proposal comes from: a mail, a commit, a bug report. */
  readonly source?: string;
  /** Which sections of memory are mapped for DMA, how much of them, and what a refusal leads to. */
  readonly listener?: Change<Revision['listener']>;
  /** How a device is set up: mmap areas, MSI-X table and PBA, opt-out, relocation. */
  readonly device?: Change<Revision['device']>;
  /** Which sections get a KVM memslot. */
  readonly memslots?: Change<Revision['memslots']>;
  /** What the machine shows to devices. */
  readonly machine?: Change<Revision['machine']>;
  /** How the memory core renders the region tree, and what it tells its listeners. */
  readonly memory?: Change<Revision['memory']>;
  /** How the PCI core decodes BARs. */
  readonly pci?: Change<Revision['pci']>;
  /** What the host's kernel offers and answers. */
  readonly host?: Change<Revision['host']>;
}

/** A proposal that can be put on top of a revision. Made by `definePatch`. */
export interface Patch {
  readonly definition: PatchDefinition;
  /**
   * The revision with the patch applied. Its rules are those of `base` where the patch says nothing.
   *
   * @param base the revision underneath.
   * @param watch counts what the patch's rules are asked, and stops one that never ends; without it
   *   their answers are still checked.
   */
  applyTo(base: Revision, watch?: RuleWatch): Revision;
}

/** What a patch may be called: its name is also that of a file, and part of a revision's id. */
export const PATCH_NAME = /^[a-z0-9][a-z0-9.-]{0,63}$/;
/** `PATCH_NAME` in words. */
export const PATCH_NAME_RULE = 'lower-case letters, digits, - and ., 64 at most';
const RULE_GROUPS = Object.keys(RULES) as readonly RuleGroup[];
const TEXTS = ['name', 'title', 'base', 'source'] as const;

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
 * @throws InvalidInput with every key and value in it that does not exist or does not fit.
 */
export function definePatch(definition: PatchDefinition): Patch {
  const problems = problemsOf(definition);
  if (problems.length > 0) throw new InvalidInput(problems);
  return new DefinedPatch(definition);
}

/** On every patch: also one that another copy of this package made is known by it. */
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

  applyTo(base: Revision, watch?: RuleWatch): Revision {
    const { name, title = name, source = `patch ${name}` } = this.definition;
    return {
      ...base,
      id: `${base.id}+${name}`,
      title,
      source,
      ...guardRooms(this.#changedRooms(base), watch),
    };
  }

  /** The rules of each room that the patch changes, those of the base underneath. */
  #changedRooms(base: Revision): Partial<Record<RuleGroup, { base: object; changed: object }>> {
    const rooms: Partial<Record<RuleGroup, { base: object; changed: object }>> = {};
    for (const room of RULE_GROUPS) {
      const change = this.definition[room] as Change<object> | undefined;
      if (change === undefined) continue;
      const changed =
        typeof change === 'function' ? ask(change as (base: object) => object, base[room], room) : change;
      const problems = problemsOfRoom(changed, room);
      if (problems.length > 0) throw new InvalidInput(problems);
      rooms[room] = { base: base[room], changed };
    }
    return rooms;
  }
}

/** @throws InvalidInput when the function throws; it cannot change what it is given. */
function ask(change: (base: object) => object, base: object, room: RuleGroup): object {
  try {
    return change(Object.freeze({ ...base }));
  } catch (error) {
    throw new InvalidInput([{ path: room, message: `throws ${whatWasThrown(error)}` }]);
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
      if (typeof value !== 'string' || value.length > 500 || value !== printable(value)) {
        problems.push({ path: key, message: 'expected one line of text' });
      }
    } else if (!(RULE_GROUPS as readonly string[]).includes(key)) {
      problems.push({ path: key, message: `a patch has no such part${suggestion(key, known)}` });
    } else if (typeof value !== 'function') {
      problems.push(...problemsOfRoom(value, key as RuleGroup));
    }
  }
  const { name } = definition as { name?: unknown };
  if (name === undefined) problems.push({ path: 'name', message: 'is missing' });
  else if (typeof name === 'string' && !PATCH_NAME.test(name)) {
    problems.push({ path: 'name', message: `expected ${PATCH_NAME_RULE}` });
  }
  return problems;
}

/** What is wrong with the rules of one room, before any of them is asked. */
function problemsOfRoom(rules: unknown, room: RuleGroup): Problem[] {
  if (typeof rules !== 'object' || rules === null || Array.isArray(rules)) {
    return [{ path: room, message: 'expected an object of rules, or a function that returns one' }];
  }
  const answers: RuleAnswers = RULES[room];
  return Object.entries(rules).flatMap(([name, rule]) => {
    const path = `${room}.${name}`;
    const answer = answers[name];
    if (answer === undefined) {
      return [{ path, message: `there is no such rule${suggestion(name, Object.keys(answers))}` }];
    }
    if (answer.asked) {
      return typeof rule === 'function' ? [] : [{ path, message: 'expected a function' }];
    }
    return answer.fits(rule) ? [] : [{ path, message: `expected ${answer.expected}` }];
  });
}

function suggestion(name: string, known: readonly string[]): string {
  const nearest = nearestTo(name, known);
  return nearest === undefined ? `; there are ${known.join(', ')}` : `; did you mean ${nearest}?`;
}
