import { InvalidInput } from '../../input/index.ts';
import { QmpRefusal } from '../../qemu/process/index.ts';
import { command } from '../agent/commands.ts';
import { LinuxStopped } from '../boot/linux-error.ts';
import type { LinuxMachine } from '../boot/linux-machine.ts';
import type { AnsweredSession, HostTarget } from '../host-target.ts';
import { subPagePlacement } from '../session/sub-page-bars.ts';
import type { HostSession } from '../session/host-session.ts';
import { PreparationFailed } from './agent-calls.ts';
import {
  carryOutOneByOne,
  carryOutTogether,
  isLate,
  type KernelStop,
  type PlannedCall,
} from './carry-out.ts';
import { encodeCall } from './encode-call.ts';
import { whyNotSent } from './harmful-calls.ts';
import { MachineKeeper, type LinuxHostOptions } from './machine-keeper.ts';
import { prepareSession, withOwnMemory, type PreparedSession } from './prepare-session.ts';

export type { LinuxHostOptions } from './machine-keeper.ts';

/** A real kernel as a target. Each session gets a container of its own. */
export class LinuxHost implements HostTarget {
  readonly name = 'the kernel';
  readonly #keeper: MachineKeeper;
  readonly #sendsHarmful: boolean;
  /** How many sessions were prepared, on all machines: each has a number, and memory of its own (`withOwnMemory`). */
  #sessions = 0;

  constructor(options: LinuxHostOptions = {}) {
    this.#keeper = new MachineKeeper(options);
    this.#sendsHarmful = options.harmful ?? false;
  }

  /** How often a kernel was booted. */
  get boots(): number {
    return this.#keeper.boots;
  }

  /**
   * Makes the calls of a session. If the kernel stops or hangs, barproof boots it again and repeats the session one call
   * at a time. The answers then name the call that stops the kernel, and the result has the lines of the console.
   *
   * @throws InvalidInput when no installed kernel or known IOMMU fits the session, or the kernel refuses to prepare it
   * @throws TargetUnavailable without a kernel, QEMU or a compiler
   */
  async answer(session: HostSession): Promise<AnsweredSession> {
    try {
      const together = await this.#answerTogether(session);
      if (together !== undefined) return together;
      await this.#keeper.end();
      return await this.#answerOneByOne(session);
    } catch (error) {
      if (error instanceof PreparationFailed)
        throw refusal(`the kernel cannot prepare the session: ${error.message}`);
      if (error instanceof QmpRefusal) throw refusal(`QEMU refuses the device: ${error.message}`);
      if (!(error instanceof LinuxStopped)) throw error;
      await this.#keeper.end();
      const unanswered = `the kernel stopped before the first call: ${error.message}`;
      return { session, answers: session.steps.map(() => ({ unanswered })), console: error.console };
    }
  }

  /** Ends the machine, also one that is being booted. */
  close(): Promise<void> {
    return this.#keeper.close();
  }

  /** @returns `undefined` if the kernel stopped or hangs */
  async #answerTogether(session: HostSession): Promise<AnsweredSession | undefined> {
    try {
      const { machine, prepared, calls } = await this.#prepare(session);
      const answers = await carryOutTogether(machine, calls);
      const hangs = answers.some(isLate) || !(await endCase(machine));
      return hangs ? undefined : { session: prepared.session, answers };
    } catch (error) {
      if (error instanceof LinuxStopped) return undefined;
      throw error;
    }
  }

  async #answerOneByOne(session: HostSession): Promise<AnsweredSession> {
    const { machine, prepared, calls } = await this.#prepare(session);
    const { answers, stop } = await carryOutOneByOne(machine, calls);
    const last = stop ?? (await stopAtEnd(machine, calls.length));
    if (last === undefined) return { session: prepared.session, answers };
    await this.#keeper.end();
    return { session: prepared.session, answers, console: last.console, stoppedAt: last.call };
  }

  async #prepare(given: HostSession): Promise<{
    readonly machine: LinuxMachine;
    readonly prepared: PreparedSession;
    readonly calls: readonly PlannedCall[];
  }> {
    const session = withOwnMemory(given, this.#sessions++);
    const { machine, bound } = await this.#keeper.machineFor(session);
    const prepared = await prepareSession(machine, session, bound);
    const placement = subPagePlacement(session, prepared.session);
    const whyNot = this.#sendsHarmful ? () => undefined : whyNotSent(prepared.session);
    const calls = session.steps.map(({ call }, index): PlannedCall => ({
      opens: call.call === 'export-dma-buf',
      prepare: () => {
        const reason = whyNot(call, index);
        return reason === undefined
          ? (placement(call) ?? encodeCall(call, prepared.context))
          : `not sent: ${reason}`;
      },
    }));
    return { machine, prepared, calls };
  }
}

/** Closes what a session opened. @returns whether the kernel did so in time */
async function endCase(machine: LinuxMachine): Promise<boolean> {
  const [answer] = await machine.call([command.endCase()]);
  return answer?.kind === 'returned';
}

/** How the kernel stopped when it closed what a session opened; `undefined` if it goes on. */
async function stopAtEnd(machine: LinuxMachine, calls: number): Promise<KernelStop | undefined> {
  try {
    return (await endCase(machine)) ? undefined : { call: calls, console: machine.console };
  } catch (error) {
    if (!(error instanceof LinuxStopped)) throw error;
    return { call: calls, console: error.console };
  }
}

const refusal = (message: string): InvalidInput => new InvalidInput([{ path: '', message }]);
