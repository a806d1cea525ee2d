import type { AgentAnswer } from '../agent/agent-client.ts';
import { command } from '../agent/commands.ts';
import type { LinuxMachine } from '../boot/linux-machine.ts';
import { errnoName } from '../../host/index.ts';

/** A step of a session's preparation that a kernel refused: it cannot be asked for such a session. */
export class PreparationFailed extends Error {
  override readonly name = 'PreparationFailed';
}

/** What a command returned that succeeded. */
export interface Returned {
  readonly result: number;
  readonly data: Uint8Array;
}

/** Makes the calls that prepare a session, each of which has to succeed. */
export class AgentCalls {
  readonly #machine: LinuxMachine;

  constructor(machine: LinuxMachine) {
    this.#machine = machine;
  }

  /** The answer to one command, whether it succeeded or not. */
  async ask(text: string): Promise<AgentAnswer> {
    const [answer] = await this.#machine.call([text]);
    return answer!;
  }

  /** The answers to several commands, in one round trip. */
  askAll(texts: readonly string[]): Promise<readonly AgentAnswer[]> {
    return this.#machine.call(texts);
  }

  /**
   * What a command returned.
   *
   * @param what it is for, for the message
   * @throws PreparationFailed when it did not succeed
   */
  async need(text: string, what: string): Promise<Returned> {
    const [returned] = await this.needAll([[text, what]]);
    return returned!;
  }

  /**
   * What several commands returned, which take one round trip together.
   *
   * @throws PreparationFailed with the first that did not succeed
   */
  async needAll(commands: readonly (readonly [text: string, what: string])[]): Promise<readonly Returned[]> {
    const answers = await this.#machine.call(commands.map(([text]) => text));
    return answers.map((answer, index) => {
      if (answer.kind === 'returned' && answer.result >= 0) return answer;
      const how = answer.kind === 'returned' ? errnoName(answer.errno) : answer.kind;
      throw new PreparationFailed(`${commands[index]![1]}: ${how}`);
    });
  }

  /** The contents of a file, such as one of sysfs, without white space at the end. */
  async readFile(path: string): Promise<string> {
    const { data } = await this.need(command.readFile(path), path);
    return Buffer.from(data).toString().trimEnd();
  }

  /** Whether a path exists. */
  async exists(path: string): Promise<boolean> {
    const answer = await this.ask(command.open(path, 0));
    if (answer.kind !== 'returned' || answer.result < 0) return false;
    await this.ask(command.close(answer.result));
    return true;
  }

  /** The last part of what a link leads to; `undefined` where there is no link. */
  async linkName(path: string): Promise<string | undefined> {
    const answer = await this.ask(command.readlink(path));
    if (answer.kind !== 'returned' || answer.result < 0) return undefined;
    return Buffer.from(answer.data).toString().split('/').at(-1);
  }
}
