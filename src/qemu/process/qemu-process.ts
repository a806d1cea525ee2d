import { spawn, type ChildProcess } from 'node:child_process';
import { withinDeadline } from './answer-deadline.ts';
import { LastWords } from './last-words.ts';
import { undoAtExit } from './leave-nothing-behind.ts';
import { LineConnection } from './line-connection.ts';
import { PrivateDirectory } from './private-directory.ts';
import { QemuDied, type Ending } from './qemu-error.ts';
import { QmpClient } from './qmp-client.ts';
import { QtestClient } from './qtest-client.ts';

/** What a process is started with. */
export interface QemuProcessOptions {
  readonly binary: string;
  /** The machine, its memory and its devices; sockets, accelerator and displays are seen to. */
  readonly arguments: readonly string[];
  /** Environment variables beside our own, and those that are to be left out. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** Whether this QEMU can be told to end with its parent (`-run-with exit-with-parent`, 10.2). */
  readonly endsWithParent: boolean;
  /** Where sockets and everything else goes; the process's own, unless it is given. */
  readonly directory?: PrivateDirectory | undefined;
}

/** How many lines of output an error holds: the shim prints a call stack of up to 48 functions. */
const LAST_LINES = 100;
/** A process that was killed is gone after this many milliseconds, or it is the kernel's. */
const DEATH_DEADLINE = 10_000;

/**
 * A running QEMU without a guest: `-accel qtest`, driven over QMP and qtest, in a process group and a
 * directory of its own. Whatever happens, `end` leaves nothing of it; if it is not called, the end of
 * this process does.
 */
export class QemuProcess {
  readonly directory: PrivateDirectory;
  /** What it was started with, beside what every QEMU is started with. */
  readonly arguments: readonly string[];
  readonly qmp: QmpClient;
  readonly qtest: QtestClient;
  readonly output = new LastWords();
  readonly #child: ChildProcess;
  readonly #connections: readonly LineConnection[];
  readonly #ended: Promise<Ending>;
  readonly #forget: () => void;
  #ending: Ending | undefined;

  private constructor(
    { binary, arguments: given, environment, endsWithParent }: QemuProcessOptions,
    directory: PrivateDirectory,
    connections: readonly [qmp: LineConnection, qtest: LineConnection],
  ) {
    this.directory = directory;
    this.arguments = given;
    this.#connections = connections;
    this.qmp = new QmpClient(connections[0]);
    this.qtest = new QtestClient(connections[1]);
    const all = [
      ...['-accel', 'qtest', '-nodefaults', '-display', 'none'],
      ...['-qmp', `unix:${directory.at('qmp')}`],
      ...['-qtest', `unix:${directory.at('qtest')}`, '-qtest-log', 'none'],
      ...(endsWithParent ? ['-run-with', 'exit-with-parent=on'] : []),
      ...given,
    ];
    // A process group of its own can be killed whole, and a core file of guest RAM helps nobody.
    this.#child = spawn('/bin/sh', ['-c', 'ulimit -c 0; exec "$0" "$@"', binary, ...all], {
      cwd: directory.path,
      detached: true,
      env: { ...process.env, LC_ALL: 'C', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.output.listenTo(this.#child.stdout!);
    this.output.listenTo(this.#child.stderr!);
    this.#forget = undoAtExit(() => this.#kill());
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', ({ message }) => resolve({ code: undefined, signal: message }));
      // All that it printed has been read by then.
      this.#child.once('close', (code, signal) =>
        resolve({ code: code ?? undefined, signal: signal ?? undefined }),
      );
    });
    void this.#ended.then((ending) => this.#bury(ending));
  }

  /**
   * Starts QEMU and waits until it takes commands.
   *
   * @throws QemuDied with its last words, where it ends at once: an argument or a device was refused.
   */
  static async start(options: QemuProcessOptions): Promise<QemuProcess> {
    const directory = options.directory ?? new PrivateDirectory();
    try {
      const qmp = new LineConnection(directory.at('qmp'));
      const qtest = new LineConnection(directory.at('qtest'));
      await Promise.all([qmp.listening(), qtest.listening()]);
      const qemu = new QemuProcess(options, directory, [qmp, qtest]);
      try {
        await qemu.alive(Promise.all([qemu.qmp.negotiate(), qtest.connected()]));
        return qemu;
      } catch (error) {
        await qemu.end();
        throw error;
      }
    } catch (error) {
      directory.remove();
      throw error;
    }
  }

  /** Its process id, which is also its process group's. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** How it ended, if it did. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  /**
   * What `promise` comes to, as long as QEMU lives to see it.
   *
   * @throws QemuDied when it does not.
   */
  alive<T>(promise: Promise<T>, what = 'the start of QEMU'): Promise<T> {
    const death = this.#ended.then((ending): never => {
      throw this.#died(ending);
    });
    return withinDeadline(Promise.race([promise, death]), what);
  }

  /** Its end as an error. Only once it has ended. */
  death(): QemuDied {
    return this.#died(this.#ending!);
  }

  /** Resolves when the process is gone by itself; @throws QemuHangs when it stays. */
  async gone(milliseconds = DEATH_DEADLINE): Promise<Ending> {
    return withinDeadline(this.#ended, 'its end', milliseconds);
  }

  /** Whether the process, idle as it may be, keeps this one alive. */
  keepAlive(whether: boolean): void {
    for (const connection of this.#connections) connection.keepAlive(whether);
    const streams = [this.#child.stdout, this.#child.stderr] as unknown as { ref(): void; unref(): void }[];
    for (const handle of [this.#child, ...streams]) {
      if (whether) handle.ref();
      else handle.unref();
    }
  }

  /** Kills the process group, waits for it, and removes the directory. May be called twice. */
  async end(): Promise<void> {
    this.keepAlive(true);
    this.#kill();
    await withinDeadline(this.#ended, 'its end after SIGKILL', DEATH_DEADLINE);
    this.#forget();
    for (const connection of this.#connections) connection.close();
    this.directory.remove();
  }

  #kill(): void {
    if (this.#child.pid === undefined || this.#ending !== undefined) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // It was faster.
    }
  }

  #bury(ending: Ending): void {
    // What it started is in its group.
    this.#kill();
    this.#ending = ending;
    const error = this.#died(ending);
    this.qmp.fail(error);
    this.qtest.fail(error);
  }

  #died(ending: Ending): QemuDied {
    return new QemuDied(ending, this.output.since(this.output.count - LAST_LINES));
  }
}
