import { printable } from '../input/index.ts';
import { DeviceRefused, VmmAbort } from '../vfio/index.ts';
import { RULES, type RuleGroup, type RuleAnswers } from './rules.ts';

/** How often one run may ask a patch: no scenario within the limits of the format comes near it. */
const MOST_QUESTIONS_A_RUN = 1_000_000;
const LONGEST_TEXT = 200;

/** A rule of a patch threw, answered what no rule may answer, or was asked without end. */
export class PatchFault extends Error {
  override readonly name = 'PatchFault';
  /** `listener.skip`; empty when it cannot be told which rule it was. */
  readonly rule: string;
  /** What it did, in one sentence without the rule's name. */
  readonly what: string;

  /** @param cause what the rule threw. */
  constructor(rule: string, what: string, cause?: unknown) {
    super(rule === '' ? what : `${rule} ${what}`, { cause });
    this.rule = rule;
    this.what = what;
  }
}

/** Counts what the rules of a patch are asked during one run. */
export class RuleWatch {
  /** The rule that was asked last: where a run that never ends is most likely to be. */
  lastAsked = '';
  #questions = 0;

  /** A new run begins. */
  start(): void {
    this.#questions = 0;
    this.lastAsked = '';
  }

  /** @throws PatchFault when the run has asked too often. */
  count(rule: string): void {
    this.lastAsked = rule;
    if (++this.#questions <= MOST_QUESTIONS_A_RUN) return;
    throw new PatchFault(rule, `is asked without end: ${MOST_QUESTIONS_A_RUN} questions in one run`);
  }
}

type Rule = (...questions: unknown[]) => unknown;
type Rooms = Partial<Record<RuleGroup, { readonly base: object; readonly changed: object }>>;

/** The rooms with what a patch changes put over the base's rules; whatever the patch answers is checked. */
export function guardRooms(rooms: Rooms, watch?: RuleWatch): Record<string, object> {
  return Object.fromEntries(
    Object.entries(rooms).map(([room, { base, changed }]) => {
      const answers: RuleAnswers = RULES[room as RuleGroup];
      const guarded = Object.entries(changed).map(([name, rule]) => [
        name,
        typeof rule === 'function' ? guardRule(`${room}.${name}`, rule as Rule, answers[name]!, watch) : rule,
      ]);
      return [room, { ...base, ...(Object.fromEntries(guarded) as object) }];
    }),
  );
}

function guardRule(
  name: string,
  rule: Rule,
  { fits, expected }: RuleAnswers[string],
  watch?: RuleWatch,
): Rule {
  return (...questions) => {
    watch?.count(name);
    let answer: unknown;
    try {
      answer = rule(...questions);
    } catch (error) {
      if (isForTheEngine(error)) throw error;
      throw new PatchFault(name, `throws ${whatWasThrown(error)}`, error);
    }
    if (fits(answer)) return answer;
    // Nobody waits for it; that it fails is no news any more.
    if (answer instanceof Promise) answer.catch(() => undefined);
    throw new PatchFault(name, `answers ${show(answer)}; expected ${expected}`);
  };
}

/** What a rule throws to refuse a device or to let the VMM die, and a fault of another rule that it asked. */
const isForTheEngine = (error: unknown): boolean =>
  error instanceof DeviceRefused || error instanceof VmmAbort || error instanceof PatchFault;

/** An error in a few words: its kind and message, without its stack. */
export const whatWasThrown = (error: unknown): string =>
  error instanceof Error ? shorten(printable(`${error.name}: ${error.message}`)) : show(error);

function show(answer: unknown): string {
  switch (typeof answer) {
    case 'bigint':
      return `${answer}n`;
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
    : shorten(printable(`an object with ${Object.keys(answer).join(', ') || 'nothing in it'}`));

const shorten = (text: string): string =>
  text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
