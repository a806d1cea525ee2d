import * as fc from 'fast-check';
import { InvalidInput } from '../../input/index.ts';
import { TargetUnavailable } from '../../trace/index.ts';
import type { HostTarget } from '../host-target.ts';
import { SessionComparison } from '../session/comparison.ts';
import { isAnswered } from '../session/host-call.ts';
import type { HostSession } from '../session/host-session.ts';
import { AskedKernel, CampaignInterrupted } from './asked-kernel.ts';
import { observationName, type HostFinding, type HostObservation } from './host-finding.ts';
import { observe } from './observe.ts';
import { shrinkSession } from './shrink-session.ts';

/** A stored session that is asked before the generated ones, and the file that holds it. */
export interface StoredSession {
  readonly file: string;
  readonly session: HostSession;
}

/** What a campaign asks a kernel, and how much. */
export interface HostCampaignOptions {
  /** The caller closes it. */
  readonly kernel: HostTarget;
  readonly sessions: fc.Arbitrary<HostSession>;
  /** Sessions of earlier findings. */
  readonly stored?: readonly StoredSession[];
  /** The integer seed of fast-check. */
  readonly seed: number;
  /** The number of generated sessions. */
  readonly runs: number;
  /** Stores the session of a finding. @returns the file; `undefined` where nothing is stored */
  readonly save?: ((finding: HostObservation) => string | undefined) | undefined;
  readonly listener?: (event: HostCampaignEvent) => void;
  /** Ends the campaign at once: an answer that is not there yet is given up. */
  readonly signal?: AbortSignal | undefined;
}

/** What a campaign tells while it runs. */
export type HostCampaignEvent =
  | { readonly type: 'progress'; readonly sessions: number; readonly runs: number; readonly findings: number }
  /** The first session that shows something, before it is shrunk. `session` is its number, from 1, if it was generated. */
  | {
      readonly type: 'sighted';
      readonly observation: HostObservation;
      readonly session: number | undefined;
    }
  | { readonly type: 'shrinking'; readonly observation: HostObservation; readonly tried: number }
  | { readonly type: 'finding'; readonly finding: HostFinding; readonly number: number };

/** The result of a campaign. */
export interface HostCampaignResult {
  /** The number of generated sessions that were asked: all, unless the campaign was interrupted or has failed. */
  readonly sessions: number;
  readonly findings: readonly HostFinding[];
  /** How the model's answers to all sessions agree with the kernel's. */
  readonly comparison: SessionComparison;
  /** The number of calls that the kernel did not answer, by the reason: most were not sent. */
  readonly unanswered: ReadonlyMap<string, number>;
  /** The number of sessions that the kernel could not be asked, by the reason. */
  readonly notRun: ReadonlyMap<string, number>;
  /** What ended the campaign early; `undefined` also after an interrupt. */
  readonly failure: TargetUnavailable | undefined;
}

/** How many smaller sessions are tried for a difference: each takes a third of a second. */
const MOST_TRIED = 200;
/** The same for a session that stops the kernel: each takes two boots. */
const MOST_STOPS = 10;

interface Sighting {
  readonly observation: HostObservation;
  /** The session as it was generated or stored. */
  readonly asked: HostSession;
  readonly first: number | undefined;
  readonly file: string | undefined;
  sessions: number;
}

/**
 * Asks a kernel and the model the same sessions, and shrinks on the kernel what they answer differently, and what stops
 * the kernel.
 *
 * @throws TargetUnavailable without a kernel or a QEMU, and when the kernel does not even begin the first session
 */
export const compareWithModel = (options: HostCampaignOptions): Promise<HostCampaignResult> =>
  new HostCampaign(options).run();

/** Thrown to stop fast-check, which stops only at a session that fails. */
const ENDED = new Error('the campaign was ended');

class HostCampaign {
  readonly #options: HostCampaignOptions;
  readonly #kernel: AskedKernel;
  readonly #sightings = new Map<string, Sighting>();
  readonly #comparison = new SessionComparison();
  readonly #unanswered = new Map<string, number>();
  readonly #notRun = new Map<string, number>();
  #sessions = 0;
  #failure: TargetUnavailable | undefined;

  constructor(options: HostCampaignOptions) {
    this.#options = options;
    this.#kernel = new AskedKernel(options.kernel, options.signal);
  }

  async run(): Promise<HostCampaignResult> {
    try {
      for (const { file, session } of this.#options.stored ?? []) await this.#look(session, undefined, file);
      await this.#search();
    } catch (error) {
      const hasResult = this.#comparison.sessions > 0;
      if (hasResult && error instanceof TargetUnavailable) this.#failure = error;
      else if (!(error instanceof CampaignInterrupted)) throw error;
    }
    // Differences first: a session that stops the kernel takes minutes to shrink.
    const sightings = [...this.#sightings.values()].toSorted(
      (a, b) => Number(isStop(a.observation)) - Number(isStop(b.observation)),
    );
    const findings: HostFinding[] = [];
    for (const sighting of sightings) {
      const finding = await this.#findingOf(sighting);
      findings.push(finding);
      this.#tell({ type: 'finding', finding, number: findings.length });
    }
    return {
      ...{ sessions: this.#sessions, findings, comparison: this.#comparison },
      ...{ unanswered: this.#unanswered, notRun: this.#notRun, failure: this.#failure },
    };
  }

  async #search(): Promise<void> {
    const { sessions, seed, runs } = this.#options;
    const judge = async (session: HostSession): Promise<void> => {
      if (this.#sessions >= runs) throw ENDED;
      await this.#look(session, this.#sessions + 1);
      this.#sessions++;
      const findings = this.#sightings.size;
      this.#tell({ type: 'progress', sessions: this.#sessions, runs, findings });
    };
    try {
      await fc.assert(fc.asyncProperty(sessions, judge), { seed, numRuns: runs, endOnFailure: true });
    } catch (error) {
      const { cause } = error as Error;
      if (cause !== ENDED) throw cause ?? error;
    }
  }

  /** Asks one session, and notes what it shows. @param number of a generated session, from 1 */
  async #look(asked: HostSession, number: number | undefined, file?: string): Promise<void> {
    const answered = await this.#kernel.ask(asked);
    if (answered instanceof InvalidInput) {
      increment(this.#notRun, answered.message);
      return;
    }
    const { session, model, observation } = observe(answered);
    this.#comparison.add(session, model);
    for (const answer of answered.answers) {
      if (!isAnswered(answer)) increment(this.#unanswered, answer.unanswered);
    }
    if (observation === undefined) return;
    const name = observationName(observation);
    const sessions = number === undefined ? 0 : 1;
    const before = this.#sightings.get(name);
    if (before !== undefined) {
      before.sessions += sessions;
      return;
    }
    this.#sightings.set(name, { observation, asked, first: number, file, sessions });
    this.#tell({ type: 'sighted', observation, session: number });
  }

  /** The smallest session that shows what was seen. That of a file is small already. */
  async #findingOf({ observation, asked, first, file, sessions }: Sighting): Promise<HostFinding> {
    const { save, signal } = this.#options;
    if (file !== undefined) return { ...observation, sessions, first, tried: 0, isStable: true, file };
    const name = observationName(observation);
    let trying = 0;
    const shows = async (session: HostSession): Promise<HostObservation | undefined> => {
      this.#tell({ type: 'shrinking', observation, tried: trying++ });
      const shown = await this.#observation(session);
      return shown !== undefined && observationName(shown) === name ? shown : undefined;
    };
    const start = { ...asked, steps: asked.steps.slice(0, observation.index + 1) };
    const most = isStop(observation) ? MOST_STOPS : MOST_TRIED;
    const { shown, tried } = await shrinkSession(start, shows, { most, signal });
    const isOver = this.#failure !== undefined || signal?.aborted === true;
    const smallest = shown ?? observation;
    return {
      ...smallest,
      ...{ sessions, first, tried, isStable: shown !== undefined || isOver, file: save?.(smallest) },
    };
  }

  /** What a session shows; `undefined` also where it cannot be asked any more. */
  async #observation(session: HostSession): Promise<HostObservation | undefined> {
    if (this.#failure !== undefined) return undefined;
    try {
      const answered = await this.#kernel.ask(session);
      return answered instanceof InvalidInput ? undefined : observe(answered).observation;
    } catch (error) {
      if (error instanceof TargetUnavailable) this.#failure = error;
      else if (!(error instanceof CampaignInterrupted)) throw error;
      return undefined;
    }
  }

  #tell(event: HostCampaignEvent): void {
    this.#options.listener?.(event);
  }
}

const isStop = ({ rule }: HostObservation): boolean => rule === 'kernel-survives';

const increment = (map: Map<string, number>, key: string): void => void map.set(key, (map.get(key) ?? 0) + 1);
