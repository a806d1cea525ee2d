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

/** Counts the calls of a patch's rules during one run. */
export class RuleWatch {
  /** The rule that was called last: a run that never ends is most likely inside it. */
  lastCalled = '';
  #calls = 0;

  /** Starts the count for a new run. */
  start(): void {
    this.#calls = 0;
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
      const guarded = Object.entries(changed).map(([name, rule]) => [
        name,
        typeof rule === 'function'
          ? guardRule(`${group}.${name}`, rule as Rule, answers[name]!, watch)
          : rule,
      ]);
      return [group, { ...base, ...(Object.fromEntries(guarded) as object) }];
    }),
  );
}

function guardRule(
  name: string,
  rule: Rule,
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
      if (isHandledByModel(error)) throw error;
      throw new PatchFault(name, `throws ${whatWasThrown(error)}`, error);
    }
    if (fits(answer)) return answer;
    // The fault is reported below: an unhandled rejection would be reported a second time.
    if (answer instanceof Promise) answer.catch(() => undefined);
    throw new PatchFault(name, `returns ${show(answer)}; expected ${expected}`);
  };
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
