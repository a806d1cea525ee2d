import { printable } from '../input/index.ts';
import { DeviceRefused, VmmAbort } from '../vfio/index.ts';
import { RULES, type RuleGroup, type RuleAnswers } from './rules.ts';

/** How often one run may call rules of a patch: far more often than any valid scenario does. */
const MAX_CALLS_A_RUN = 1_000_000;
/** How many calls of a run are made twice. */
const CALLS_ASKED_AGAIN = 200;
/** Length of a thrown or returned value in a message, in characters. */
const MAX_TEXT = 200;

/** A rule of a patch threw, returned a value that is not allowed, or was called without end. */
export class PatchFault extends Error {
  override readonly name = 'PatchFault';
  /** Such as `listener.skip`; empty when the rule is not known. */
  readonly rule: string;
  /** What the rule did, in one sentence without the rule's name. */
  readonly what: string;

  /** @param cause the value that the rule threw. */
  constructor(rule: string, what: string, cause?: unknown) {
    super(rule === '' ? what : `${rule} ${what}`, { cause });
    this.rule = rule;
    this.what = what;
  }
}

/** How many different answers of a rule are counted. */
export const MOST_ANSWERS = 10;

/** How the runs so far have used a rule of a patch. */
export interface RuleUse {
  /** Such as `listener.skip`. */
  readonly rule: string;
  /** How often runs have called the rule, or read it if it is a value; counted until it differs. */
  readonly asked: number;
  /** How many different answers it gave, `MOST_ANSWERS` at most; counted until it differs. */
  readonly answers: number;
  /** Whether the rule has answered otherwise than that of the base. */
  readonly differed: boolean;
}

/** Counts the calls of a patch's rules during one run, and remembers which rules all runs have used. */
export class RuleWatch {
  /** The rule that was called last: a run that never ends is most likely inside it. */
  lastCalled = '';
  #calls = 0;
  #isRunning = false;
  readonly #uses = new Map<string, { asked: number; differed: boolean; readonly answers: unknown[] }>();

  /** The rules that the patch changes. */
  get uses(): readonly RuleUse[] {
    return [...this.#uses].map(([rule, use]) => ({ rule, ...use, answers: use.answers.length }));
  }

  /** Adds a rule that no run has used yet. */
  expect(rule: string): void {
    this.#uses.set(rule, { asked: 0, differed: false, answers: [] });
  }

  /**
   * Notes that the rule is asked.
   *
   * @param differs whether it answers otherwise than the base; no longer called once it did.
   * @param answer what the rule answers; left out where it throws.
   */
  noteUse(rule: string, differs: () => boolean, answer?: unknown): void {
    const use = this.#uses.get(rule);
    if (use === undefined || use.differed || !this.#isRunning) return;
    use.asked++;
    use.differed = differs();
    if (use.answers.length < MOST_ANSWERS && !use.answers.some((known) => isSameAnswer(known, answer)))
      use.answers.push(answer);
  }

  /** Starts the count for a new run. */
  start(): void {
    this.#calls = 0;
    this.#isRunning = true;
    this.lastCalled = '';
  }

  /** Whether the present call is made twice, to see that the rule keeps no state: the first of each run are. */
  asksAgain(): boolean {
    return this.#calls <= CALLS_ASKED_AGAIN;
  }

  /** @throws PatchFault when the run has called rules too often. */
  count(rule: string): void {
    this.lastCalled = rule;
    if (++this.#calls <= MAX_CALLS_A_RUN) return;
    throw new PatchFault(rule, `is called without end: ${MAX_CALLS_A_RUN} calls of rules in one run`);
  }
}

type Rule = (...args: unknown[]) => unknown;
type ChangedGroups = Partial<Record<RuleGroup, { readonly base: object; readonly changed: object }>>;

/** The complete groups of rules that a patch changes: the patch's rules, with checked answers, over the base's. */
export function guardGroups(groups: ChangedGroups, watch?: RuleWatch): Record<string, object> {
  return Object.fromEntries(
    Object.entries(groups).map(([group, { base, changed }]) => {
      const answers: RuleAnswers = RULES[group as RuleGroup];
      const guarded: Record<string, unknown> = { ...base };
      for (const [name, rule] of Object.entries(changed)) {
        const id = `${group}.${name}`;
        const before = (base as Record<string, unknown>)[name];
        if (typeof rule !== 'function') watchValue(guarded, name, { id, value: rule, before }, watch);
        else {
          // A rule that `...base` takes over is no change.
          if (rule !== before) watch?.expect(id);
          guarded[name] = guardRule(
            { id, rule: rule as Rule, before: before as Rule },
            answers[name]!,
            watch,
          );
        }
      }
      return [group, guarded];
    }),
  );
}

/** Puts a value in place of that of the base, and notes when a run reads it. */
function watchValue(
  group: Record<string, unknown>,
  name: string,
  { id, value, before }: { readonly id: string; readonly value: unknown; readonly before: unknown },
  watch?: RuleWatch,
): void {
  if (watch === undefined || isSameAnswer(value, before)) {
    group[name] = value;
    return;
  }
  watch.expect(id);
  const get = (): unknown => {
    watch.noteUse(id, () => true, value);
    return value;
  };
  Object.defineProperty(group, name, { get, enumerable: true, configurable: true });
}

/** A rule of a patch, and that of the base in its place. */
interface ChangedRule {
  /** Such as `listener.skip`. */
  readonly id: string;
  readonly rule: Rule;
  readonly before: Rule;
}

function guardRule(
  { id: name, rule, before }: ChangedRule,
  { fits, expected }: RuleAnswers[string],
  watch?: RuleWatch,
): Rule {
  return (...args) => {
    watch?.count(name);
    let answer: unknown;
    try {
      answer = rule(...args);
      const again = watch?.asksAgain() === true ? rule(...args) : answer;
      if (!isSameAnswer(answer, again)) {
        const answers = `${show(answer)}, then ${show(again)}`;
        throw new PatchFault(
          name,
          `answers the same question with ${answers}; a rule keeps no state of its own`,
        );
      }
    } catch (error) {
      watch?.noteUse(name, () => true);
      if (isHandledByModel(error)) throw error;
      throw new PatchFault(name, `throws ${whatWasThrown(error)}`, error);
    }
    watch?.noteUse(name, () => !answersAs(before, args, answer), answer);
    if (fits(answer)) return answer;
    // The fault is reported below: an unhandled rejection would be reported a second time.
    if (answer instanceof Promise) answer.catch(() => undefined);
    throw new PatchFault(name, `returns ${show(answer)}; expected ${expected}`);
  };
}

/** Whether a rule of the base gives this answer. An answer of a class, such as a region, must be the same object. */
function answersAs(before: Rule, args: unknown[], answer: unknown): boolean {
  try {
    const own = before(...args);
    return (
      Object.is(own, answer) ||
      (isSameAnswer(own, answer) && typeof answer === 'object' && isPlain(answer as object))
    );
  } catch {
    return false;
  }
}

/** Whether the model handles the exception: a rule refuses a device, lets the VMM die, or called a rule with a fault. */
const isHandledByModel = (error: unknown): boolean =>
  error instanceof DeviceRefused || error instanceof VmmAbort || error instanceof PatchFault;

/** A thrown value in a few words: name and message of an error, without its stack. */
export const whatWasThrown = (error: unknown): string =>
  error instanceof Error ? shorten(printable(`${error.name}: ${error.message}`)) : show(error);

function show(answer: unknown): string {
  switch (typeof answer) {
    case 'bigint':
      return shorten(`${answer}n`);
    case 'string':
      return shorten(printable(JSON.stringify(answer)));
    case 'object':
      return answer === null ? 'null' : Array.isArray(answer) ? 'an array' : describeObject(answer);
    case 'function':
      return 'a function';
    default:
      return String(answer);
  }
}

const describeObject = (answer: object): string =>
  answer instanceof Promise
    ? 'a promise'
    : shorten(printable(`an object with ${Object.keys(answer).join(', ') || 'no keys'}`));

const shorten = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);

/** Whether two answers say the same. Of objects of a class, such as flat ranges, only the class is compared. */
function isSameAnswer(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (!isPlain(a) || !isPlain(b)) return Object.getPrototypeOf(a) === Object.getPrototypeOf(b);
  const [left, right] = [Object.entries(a), Object.entries(b)];
  return (
    left.length === right.length &&
    left.every(([key, value]) => key in b && isSameAnswer(value, (b as Record<string, unknown>)[key]))
  );
}

const isPlain = (answer: object): boolean =>
  Array.isArray(answer) || Object.getPrototypeOf(answer) === Object.prototype;
