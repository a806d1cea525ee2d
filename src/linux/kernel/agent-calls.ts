import type { AgentAnswer } from '../agent/agent-client.ts';
import { command } from '../agent/commands.ts';
import type { LinuxMachine } from '../boot/linux-machine.ts';
import { errnoName } from '../../host/index.ts';

/** The kernel refused a step that prepares a session, so the calls of the session cannot be made. */
export class PreparationFailed extends Error {
  override readonly name = 'PreparationFailed';
}

/** The result of a command that succeeded. */
export interface Returned {
  readonly result: number;
  readonly data: Uint8Array;
}

/** Makes the calls that prepare a session. */
export class AgentCalls {
  readonly #machine: LinuxMachine;

  constructor(machine: LinuxMachine) {
    this.#machine = machine;
  }

  /** The answer to one command, which may fail. */
  async ask(text: string): Promise<AgentAnswer> {
    const [answer] = await this.#machine.call([text]);
    return answer!;
  }

  /** The answers to several commands, in one round trip. */
  askAll(texts: readonly string[]): Promise<readonly AgentAnswer[]> {
    return this.#machine.call(texts);
  }

  /**
   * The result of a command that has to succeed.
   *
   * @param what the purpose of the command, for the message of an error
   * @throws PreparationFailed when the command fails
   */
  async need(text: string, what: string): Promise<Returned> {
    const [returned] = await this.needAll([[text, what]]);
    return returned!;
  }

  /**
   * The results of several commands that have to succeed, in one round trip.
   *
   * @param commands each with its purpose, for the message of an error
   * @throws PreparationFailed for the first command that failed; the agent has executed the later ones, too
   */
  async needAll(commands: readonly (readonly [text: string, what: string])[]): Promise<readonly Returned[]> {
    const answers = await this.#machine.call(commands.map(([text]) => text));
    return answers.map((answer, index) => {
      if (answer.kind === 'returned' && answer.result >= 0) return answer;
      const how = answer.kind === 'returned' ? errnoName(answer.errno) : answer.kind;
      throw new PreparationFailed(`${commands[index]![1]}: ${how}`);
    });
  }

  /** The contents of a file, such as one of sysfs, without white space at the end. @throws PreparationFailed */
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

  /** The last part of a symbolic link's target; `undefined` if there is no link. */
  async linkName(path: string): Promise<string | undefined> {
    const answer = await this.ask(command.readlink(path));
    if (answer.kind !== 'returned' || answer.result < 0) return undefined;
    return Buffer.from(answer.data).toString().split('/').at(-1);
  }
}
