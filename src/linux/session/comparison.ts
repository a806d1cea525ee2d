import { errnoName } from '../../host/index.ts';
import { isAnswered, type CallAnswer, type AnsweredCall } from './host-call.ts';
import type { HostSession } from './host-session.ts';
import { answerToJson } from './session-json.ts';

/** One call to which the target's answer differs from the recorded answer. */
export interface Disagreement {
  readonly session: HostSession;
  /** The number of the call in the session, from 0. */
  readonly index: number;
  readonly recorded: AnsweredCall;
  readonly answer: AnsweredCall;
  /** Where the session stands; `undefined` for one of standard input. */
  readonly place: SessionPlace | undefined;
}

/** The file of a session, and the line in which it begins, from 1. */
export interface SessionPlace {
  readonly file: string;
  readonly line: number;
}

/** The disagreements of one kind. */
export interface DisagreementClass {
  /** Such as `map: EOVERFLOW recorded, EINVAL answered`. */
  readonly name: string;
  /** The kernels of the recordings, each once. */
  readonly kernels: readonly string[];
  readonly count: number;
  /** The first disagreement that is the first of its session, or else the first of all. */
  readonly example: Disagreement;
}

/** How the answers to one kind of call compare. */
export interface Agreement {
  readonly container: string;
  readonly call: string;
  readonly agree: number;
  readonly differ: number;
  readonly unanswered: number;
}

/** How the answers on one host compare. */
export interface HostAgreement {
  readonly kernel: string;
  readonly iommu: string;
  readonly agree: number;
  readonly differ: number;
  readonly unanswered: number;
}

interface Counts {
  agree: number;
  differ: number;
  unanswered: number;
}

/** Compares the answers of a target with the recorded answers of sessions, and counts. */
export class SessionComparison {
  readonly #byKind = new Map<string, Counts>();
  readonly #byHost = new Map<string, Counts>();
  readonly #classes = new Map<
    string,
    { kernels: Set<string>; count: number; example: Disagreement; early: boolean }
  >();
  readonly #reasons = new Map<string, number>();
  #sessions = 0;
  #notRecorded = 0;

  /** @param answers to each call of the session, in order */
  add(session: HostSession, answers: readonly CallAnswer[], place?: SessionPlace): void {
    this.#sessions++;
    let disagreed = false;
    for (const [index, { call, recorded }] of session.steps.entries()) {
      if (recorded === undefined) {
        this.#notRecorded++;
        continue;
      }
      const answer = answers[index]!;
      const counts = [
        countsOf(this.#byKind, `${session.container} ${call.call}`),
        countsOf(this.#byHost, `${session.kernel} ${session.iommu}`),
      ];
      if (!isAnswered(answer)) {
        for (const one of counts) one.unanswered++;
        this.#reasons.set(answer.unanswered, (this.#reasons.get(answer.unanswered) ?? 0) + 1);
      } else if (agrees(recorded, answer)) for (const one of counts) one.agree++;
      else {
        for (const one of counts) one.differ++;
        this.#classify({ session, index, recorded, answer, place }, !disagreed);
        disagreed = true;
      }
    }
  }

  /** How many sessions were compared. */
  get sessions(): number {
    return this.#sessions;
  }

  /** How many calls had no recorded answer. */
  get notRecorded(): number {
    return this.#notRecorded;
  }

  /** The agreement by container and call. */
  get agreements(): readonly Agreement[] {
    return [...this.#byKind].toSorted(byName).map(([name, counts]) => {
      const [container, call] = name.split(' ') as [string, string];
      return { container, call, ...counts };
    });
  }

  /** The agreement by kernel and IOMMU. */
  get hosts(): readonly HostAgreement[] {
    return [...this.#byHost].toSorted(byName).map(([name, counts]) => {
      const [kernel, iommu] = name.split(' ') as [string, string];
      return { kernel, iommu, ...counts };
    });
  }

  /** The classes of disagreement, the commonest first. */
  get classes(): readonly DisagreementClass[] {
    return [...this.#classes]
      .toSorted((a, b) => b[1].count - a[1].count || byName(a, b))
      .map(([name, { kernels, count, example }]) => ({
        name,
        count,
        example,
        kernels: [...kernels].toSorted(),
      }));
  }

  /** Why calls had no answer, the commonest first. */
  get reasons(): readonly (readonly [reason: string, count: number])[] {
    return [...this.#reasons].toSorted((a, b) => b[1] - a[1] || byName(a, b));
  }

  #classify(disagreement: Disagreement, first: boolean): void {
    const { session, index, recorded, answer } = disagreement;
    const name = `${session.container} ${session.steps[index]!.call.call}: ${differenceText(recorded, answer)}`;
    const known = this.#classes.get(name) ?? {
      kernels: new Set(),
      count: 0,
      example: disagreement,
      early: first,
    };
    // A later disagreement of a session may be a consequence of an earlier one, so it is the worse example.
    if (first && !known.early) [known.example, known.early] = [disagreement, true];
    known.kernels.add(session.kernel);
    known.count++;
    this.#classes.set(name, known);
  }
}

function countsOf(map: Map<string, Counts>, name: string): Counts {
  const counts = map.get(name) ?? { agree: 0, differ: 0, unanswered: 0 };
  map.set(name, counts);
  return counts;
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

/** Whether return value, errno, and the fields that both answers have are equal. */
export function agrees(recorded: AnsweredCall, answer: AnsweredCall): boolean {
  if (recorded.ret !== answer.ret || recorded.errno !== answer.errno) return false;
  return differingFields(recorded, answer).length === 0;
}

/** The fields that both answers have with different values. */
export function differingFields(recorded: AnsweredCall, answer: AnsweredCall): string[] {
  const [a, b] = [answerToJson(recorded), answerToJson(answer)];
  return Object.keys(recorded.returned).filter(
    (name) => b[name] !== undefined && JSON.stringify(a[name]) !== JSON.stringify(b[name]),
  );
}

/** How a call came out, in one word or two: `ok`, `EINVAL`, `returns 1`. */
export const outcome = ({ ret, errno }: AnsweredCall): string =>
  ret === -1 ? errnoName(errno) : ret === 0 ? 'ok' : `returns ${ret}`;

function differenceText(recorded: AnsweredCall, answer: AnsweredCall): string {
  const [was, is] = [outcome(recorded), outcome(answer)];
  if (was !== is) return `${was} recorded, ${is} answered`;
  return `another ${differingFields(recorded, answer).join(', ')}`;
}
