import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { answerDeadline, withinDeadline } from './answer-deadline.ts';
import { OutputTail } from './output-tail.ts';
import { undoAtExit } from './leave-nothing-behind.ts';
import { LineConnection } from './line-connection.ts';
import { PrivateDirectory } from './private-directory.ts';
import { endOf } from './process-end.ts';
import { currentWatch } from './qemu-watch.ts';
import { HostNeverAnswers, QemuDied, QemuUnusable, type Ending } from './qemu-error.ts';
import { QmpClient } from './qmp-client.ts';
import { QtestClient } from './qtest-client.ts';

/** How a QEMU is started. */
export interface QemuProcessOptions {
  readonly binary: string;
  /** The machine, its memory and its devices. `QemuProcess` adds sockets, accelerator and display. */
  readonly arguments: readonly string[];
  /** Environment variables beside those of this process; `undefined` leaves one out. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** Whether this QEMU has the option `-run-with exit-with-parent` (10.2). */
  readonly endsWithParent: boolean;
  /** QEMU's accelerator. The default is `qtest`, which runs no guest. */
  readonly accelerator?: string | undefined;
  /** How many milliseconds QEMU may take for its start, and for each answer; `answerDeadline()` when left out. */
  readonly deadlineMs?: number | undefined;
  /** Resolves with a request that the host leaves without an answer, for which QEMU then waits for ever. */
  readonly unanswered?: Promise<string> | undefined;
  /** The directory of the sockets. By default QEMU gets a directory of its own. */
  readonly directory?: PrivateDirectory | undefined;
}

/** How many lines of output an error holds: the shim prints a call stack of up to 48 functions. */
const LAST_LINES = 100;
/** How many milliseconds a QEMU that waits for the host may take to show that it goes on all the same. */
const UNANSWERED_MS = 1000;
/** How many milliseconds a killed process may take to end. */
const DEATH_DEADLINE_MS = 10_000;

/**
 * A running QEMU, driven over QMP and qtest. With the default accelerator it runs no guest. QEMU has a process group and
 * a directory of its own. `end` kills the group and removes the directory; otherwise the end of this process does.
 */
export class QemuProcess {
  readonly directory: PrivateDirectory;
  /** The arguments of this QEMU, without those that every QEMU gets. */
  readonly arguments: readonly string[];
  readonly qmp: QmpClient;
  readonly qtest: QtestClient;
  readonly output = new OutputTail();
  readonly #child: ChildProcess;
  readonly #connections: readonly LineConnection[];
  readonly #output: readonly Readable[];
  /** Resolves when QEMU has ended. */
  readonly ended: Promise<Ending>;
  readonly #cancelUndo: () => void;
  readonly #deadline: number;
  #ending: Ending | undefined;
  /** The variables by which a watch knows this QEMU. */
  readonly #watched = currentWatch()?.start() ?? {};

  private constructor(
    {
      binary,
      arguments: own,
      environment,
      endsWithParent,
      accelerator = 'qtest',
      deadlineMs = answerDeadline(),
      unanswered,
    }: QemuProcessOptions,
    directory: PrivateDirectory,
    connections: readonly [qmp: LineConnection, qtest: LineConnection],
  ) {
    this.directory = directory;
    this.arguments = own;
    this.#connections = connections;
    this.#deadline = deadlineMs;
    this.qmp = new QmpClient(connections[0], deadlineMs);
    this.qtest = new QtestClient(connections[1], deadlineMs);
    const all = [
      ...['-accel', accelerator, '-nodefaults', '-display', 'none'],
      // QEMU runs in the directory. In a path, QEMU would take a comma as the end of the path.
      ...['-qmp', 'unix:qmp', '-qtest', 'unix:qtest', '-qtest-log', 'none'],
      ...(endsWithParent ? ['-run-with', 'exit-with-parent=on'] : []),
      ...own,
    ];
    // `detached` makes a process group, which can be killed as a whole. A core file would hold all guest RAM.
    this.#child = spawn('/bin/sh', ['-c', 'ulimit -c 0; exec "$0" "$@"', binary, ...all], {
      cwd: directory.path,
      detached: true,
      env: { ...process.env, LC_ALL: 'C', ...this.#watched, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // A process that could not be started for want of descriptors has no pipes.
    this.#output = [this.#child.stdout, this.#child.stderr].filter((stream) => stream != null);
    for (const stream of this.#output) this.output.listenTo(stream);
    this.#cancelUndo = undoAtExit(() => this.#kill());
    this.ended = endOf(this.#child);
    void this.ended.then((ending) => this.#onEnd(ending));
    void unanswered?.then((request) => setTimeout(() => this.#hangs(request), UNANSWERED_MS).unref());
  }

  /**
   * Starts QEMU and waits until it takes commands.
   *
   * @throws QemuDied with QEMU's last lines when QEMU ends, for instance because it refuses an argument or a device.
   * @throws QemuUnusable when this machine cannot start a process; QemuHangs; QemuError.
   */
  static async start(options: QemuProcessOptions): Promise<QemuProcess> {
    const directory = options.directory ?? new PrivateDirectory();
    const connections: LineConnection[] = [];
    let qemu: QemuProcess | undefined;
    try {
      const qmp = await LineConnection.listen(directory.at('qmp'));
      connections.push(qmp);
      const qtest = await LineConnection.listen(directory.at('qtest'));
      connections.push(qtest);
      qemu = new QemuProcess(options, directory, [qmp, qtest]);
      await qemu.#spawned(options.binary);
      await qemu.whileAlive(Promise.all([qemu.qmp.negotiate(), qtest.connected()]));
      return qemu;
    } catch (error) {
      await qemu?.end().catch(() => undefined);
      for (const connection of connections) connection.close();
      directory.remove();
      throw error;
    }
  }

  /** The id of the process and of its group. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /**
   * The result of `promise`.
   *
   * @throws QemuDied when QEMU ends before; QemuHangs.
   */
  whileAlive<T>(promise: Promise<T>, what = 'the start of QEMU', milliseconds = this.#deadline): Promise<T> {
    const death = this.ended.then((ending): never => {
      throw this.#died(ending);
    });
    return withinDeadline(Promise.race([promise, death]), what, milliseconds);
  }

  /** Waits until QEMU ends by itself. @throws QemuHangs when QEMU still runs after `milliseconds`. */
  async death(milliseconds: number): Promise<QemuDied> {
    return this.#died(await withinDeadline(this.ended, 'the end of QEMU', milliseconds));
  }

  /** Sets whether QEMU and its connections keep this process alive: a QEMU that waits for work does not. */
  keepAlive(whether: boolean): void {
    if (whether) currentWatch()?.take(this.#watched);
    this.#refer(whether);
  }

  #refer(whether: boolean): void {
    for (const connection of this.#connections) connection.keepAlive(whether);
    const streams = this.#output as unknown as { ref(): void; unref(): void }[];
    for (const handle of [this.#child, ...streams]) {
      if (whether) handle.ref();
      else handle.unref();
    }
  }

  /**
   * Kills the process group, waits for the end of QEMU, closes the pipes and sockets, and removes the directory. May be
   * called again.
   *
   * @throws QemuHangs when the kernel does not end QEMU; pipes, sockets and directory are gone then, too.
   */
  async end(): Promise<void> {
    this.#refer(true);
    this.#kill();
    try {
      await withinDeadline(this.ended, 'the end of QEMU after SIGKILL', DEATH_DEADLINE_MS);
      this.#cancelUndo();
    } finally {
      for (const connection of this.#connections) connection.close();
      for (const stream of this.#output) stream.destroy();
      this.#child.unref();
      this.directory.remove();
    }
  }

  /** @throws QemuUnusable when the system cannot start a process. */
  async #spawned(binary: string): Promise<void> {
    try {
      await once(this.#child, 'spawn');
    } catch (error) {
      throw new QemuUnusable(binary, `this machine cannot start a process: ${(error as Error).message}`);
    }
  }

  #kill(): void {
    if (this.#child.pid === undefined || this.#ending !== undefined) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // The group has ended in the meantime.
    }
  }

  #onEnd(ending: Ending): void {
    // Processes that QEMU has started are in its group.
    this.#kill();
    this.#ending = ending;
    const error = this.#died(ending);
    this.qmp.fail(error);
    this.qtest.fail(error);
  }

  #hangs(request: string): void {
    const error = new HostNeverAnswers(request, UNANSWERED_MS);
    this.qmp.fail(error);
    this.qtest.fail(error);
  }

  #died(ending: Ending): QemuDied {
    return new QemuDied(ending, this.output.since(this.output.count - LAST_LINES));
  }
}
