import type { LineConnection } from '../../qemu/process/index.ts';

/** How the agent answered a command. */
export type AgentAnswer =
  | {
      readonly kind: 'returned';
      /** What the system call returned; -1 after an error. */
      readonly result: number;
      readonly errno: number;
      /** The bytes that the agent returned; empty if it returned none. */
      readonly data: Uint8Array;
    }
  /** A signal ended a load, a store or a copy: 7 is SIGBUS, 11 is SIGSEGV. */
  | { readonly kind: 'trap'; readonly signal: number }
  /** The call took longer than the agent's limit and may still run. */
  | { readonly kind: 'late' };

interface Pending {
  readonly command: string;
  readonly resolve: (answer: AgentAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** The agent does not understand a command: a fault of barproof. */
export class AgentMisunderstands extends Error {
  override readonly name = 'AgentMisunderstands';
}

/** Sends commands to the agent in a kernel. `commands.ts` writes the commands, and the agent executes them. */
export class AgentClient {
  readonly #connection: LineConnection;
  readonly #pending: Pending[] = [];
  readonly #ready: Promise<number>;
  #announce!: (pageSize: number) => void;
  #end: Error | undefined;

  constructor(connection: LineConnection) {
    this.#connection = connection;
    this.#ready = new Promise((resolve) => {
      this.#announce = resolve;
    });
    connection.onLine(
      (line) => this.#receive(line),
      (error) => this.fail(error),
    );
  }

  /** Resolves with the kernel's page size in bytes once the agent runs. */
  ready(): Promise<number> {
    return this.#ready;
  }

  /**
   * Sends commands in one write. The agent executes them in order.
   *
   * @returns a promise for each command; after `fail` all of them reject
   */
  send(commands: readonly string[]): Promise<AgentAnswer>[] {
    const end = this.#end;
    if (end !== undefined) return commands.map(() => Promise.reject(end));
    const answers = commands.map(
      (command) =>
        new Promise<AgentAnswer>((resolve, reject) => {
          this.#pending.push({ command, resolve, reject });
        }),
    );
    this.#connection.send(commands.map((command) => `${command}\n`).join(''));
    return answers;
  }

  /** Rejects all pending and later commands with `error`. */
  fail(error: Error): void {
    this.#end ??= error;
    for (const { reject } of this.#pending.splice(0)) reject(error);
  }

  #receive(line: string): void {
    const [word, number = '', data = ''] = line.trimEnd().split(' ');
    if (word === 'ready') {
      this.#announce(Number(number));
      return;
    }
    const pending = this.#pending.shift();
    if (pending === undefined) return;
    const { resolve, reject, command } = pending;
    const bytes = (): Uint8Array => new Uint8Array(Buffer.from(data, 'hex'));
    if (word === 'ok') resolve({ kind: 'returned', result: Number(number), errno: 0, data: bytes() });
    else if (word === 'error')
      resolve({ kind: 'returned', result: -1, errno: Number(number), data: bytes() });
    else if (word === 'trap') resolve({ kind: 'trap', signal: Number(number) });
    else if (word === 'late') resolve({ kind: 'late' });
    else
      reject(
        new AgentMisunderstands(`the agent answers "${line.slice(0, 80)}" to "${command.slice(0, 80)}"`),
      );
  }
}
