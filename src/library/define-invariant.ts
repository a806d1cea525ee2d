import { InvalidInput, printable, type Problem } from '../input/index.ts';
import {
  INVARIANT_IDS,
  INVARIANT_ID_FORM,
  addOwnInvariant,
  type Examination,
  type Invariant,
  type Judge,
} from '../invariants/index.ts';
import type { Trace } from '../trace/index.ts';

/** An invariant that a user writes. */
export interface InvariantDefinition {
  /** Lower-case letters, digits and `-`, at most 60 characters; not the id of an invariant of barproof. */
  readonly id: string;
  /** The rule in one sentence, at most 500 characters. */
  readonly clause: string;
  /** `error` when left out. */
  readonly severity?: Invariant['severity'];
  /** The files and functions of the VMM that have to obey the rule. */
  readonly site?: string;
  /**
   * Begins to judge a trace.
   *
   * @param examination receives the violations; add one to `exercised` for each thing that the rule checks.
   * @returns `undefined` where the rule says nothing about this trace.
   */
  start(trace: Trace, examination: Examination): Judge | undefined;
}

/** Marks the invariants of users, so that one made by another copy of this package is recognised. */
const MARK = Symbol.for('barproof.invariant');

/** Whether a value was made by `defineInvariant`. */
export const isOwnInvariant = (value: unknown): value is Invariant =>
  typeof value === 'object' && value !== null && MARK in value;

const LONGEST_ID = 60;
const LONGEST_TEXT = 500;

/**
 * Declares an invariant and adds it to those that `expectHolds` judges: the default export of a plugin, or a part of a
 * test.
 *
 * @throws InvalidInput with everything that is wrong with the definition.
 */
export function defineInvariant(definition: InvariantDefinition): Invariant {
  const problems = problemsOf(definition);
  if (problems.length > 0) throw new InvalidInput(problems);
  const { id, clause, severity = 'error', site = 'no place is named' } = definition;
  const invariant: Invariant & { readonly [MARK]: true } = {
    [MARK]: true,
    id,
    clause,
    severity,
    site,
    start: (trace, examination) => {
      const judge = guard(id, () => definition.start(trace, examination));
      return judge && guardedJudge(id, judge);
    },
  };
  addOwnInvariant(invariant);
  return invariant;
}

function problemsOf(definition: unknown): Problem[] {
  if (typeof definition !== 'object' || definition === null)
    return [{ path: '', message: 'defineInvariant expects an object' }];
  const { id, clause, severity, site, start } = definition as Record<string, unknown>;
  const isText = (text: unknown): boolean =>
    typeof text === 'string' && text !== '' && text.length <= LONGEST_TEXT && printable(text) === text;
  const text = `expected one line of text, at most ${LONGEST_TEXT} characters`;
  const isId = typeof id === 'string' && id.length <= LONGEST_ID && INVARIANT_ID_FORM.test(id);
  const form = `expected lower-case letters, digits and -, at most ${LONGEST_ID} characters`;
  return [
    ...(isId ? [] : [{ path: 'id', message: form }]),
    ...((INVARIANT_IDS as readonly unknown[]).includes(id)
      ? [{ path: 'id', message: 'barproof has an invariant with this id' }]
      : []),
    ...(isText(clause) ? [] : [{ path: 'clause', message: text }]),
    ...(site === undefined || isText(site) ? [] : [{ path: 'site', message: text }]),
    ...(severity === undefined || severity === 'error' || severity === 'warning'
      ? []
      : [{ path: 'severity', message: 'expected error or warning' }]),
    ...(typeof start === 'function' ? [] : [{ path: 'start', message: 'expected a function' }]),
  ];
}

/** @throws InvalidInput in place of what `act` throws: the fault is the user's, not barproof's. */
function guard<T>(id: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof InvalidInput) throw error;
    throw new InvalidInput([{ path: '', message: `the invariant ${id} throws ${printable(String(error))}` }]);
  }
}

const guardedJudge = (id: string, judge: Judge): Judge => ({
  event: (event) => guard(id, () => judge.event?.(event)),
  step: (change, state) => guard(id, () => judge.step?.(change, state)),
  end: () => guard(id, () => judge.end?.()),
  ...(judge.judgesUnsettled !== undefined && { judgesUnsettled: judge.judgesUnsettled }),
});
