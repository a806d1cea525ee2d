import { InvalidInput } from '../../input/index.ts';
import { TargetUnavailable } from '../../trace/index.ts';
import type { AnsweredSession, HostTarget } from '../host-target.ts';
import { untilAborted } from '../until-aborted.ts';
import { isAnswered } from '../session/host-call.ts';
import type { HostSession } from '../session/host-session.ts';

/** The caller has ended the campaign while the kernel had not answered. */
export class CampaignInterrupted extends Error {
  override readonly name = 'CampaignInterrupted';
}

const interrupted = (): Error => new CampaignInterrupted('the campaign was interrupted');

/** The kernel stops before it has answered a call: it does not boot, or does not begin a session. */
export class KernelDoesNotBegin extends TargetUnavailable {
  override readonly name = 'KernelDoesNotBegin';

  constructor(reason: string, console: readonly string[]) {
    const lines = console.slice(-LINES_TOLD).map((line) => `"${line.trim()}"`);
    super(`${reason}. Its console ends with ${lines.join(', ') || 'no line'}`);
  }
}

/** How many lines of the console the message has. */
const LINES_TOLD = 3;

/** A kernel that is asked one session after the other. */
export class AskedKernel {
  readonly #kernel: HostTarget;
  readonly #signal: AbortSignal | undefined;

  /** @param signal gives up an answer that is not there yet */
  constructor(kernel: HostTarget, signal: AbortSignal | undefined) {
    this.#kernel = kernel;
    this.#signal = signal;
  }

  /**
   * The answers to a session, or why the kernel cannot be asked.
   *
   * @throws CampaignInterrupted after the signal
   * @throws TargetUnavailable without a kernel or a QEMU, and when the kernel stops before the first call, twice
   */
  async ask(session: HostSession): Promise<AnsweredSession | InvalidInput> {
    let answered = await this.#answer(session);
    if (!hasBegun(answered)) answered = await this.#answer(session);
    if (hasBegun(answered)) return answered;
    const [answer] = (answered as AnsweredSession).answers;
    const reason = answer !== undefined && !isAnswered(answer) ? answer.unanswered : 'the kernel stopped';
    throw new KernelDoesNotBegin(reason, (answered as AnsweredSession).console ?? []);
  }

  async #answer(session: HostSession): Promise<AnsweredSession | InvalidInput> {
    try {
      return await untilAborted(() => this.#kernel.answer(session), this.#signal, interrupted);
    } catch (error) {
      if (error instanceof InvalidInput) return error;
      throw error;
    }
  }
}

/** Whether a kernel has begun a session, or could not be asked. */
const hasBegun = (answered: AnsweredSession | InvalidInput): boolean =>
  answered instanceof InvalidInput || answered.console === undefined || answered.stoppedAt !== undefined;
