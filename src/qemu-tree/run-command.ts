import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { undoAtExit } from '../qemu/process/index.ts';

/** How a program is run. */
export interface CommandOptions {
  readonly folder: string;
  /** The whole environment of the program. */
  readonly environment: NodeJS.ProcessEnv;
  readonly milliseconds: number;
  /** Text for its standard input. */
  readonly input?: string | undefined;
  /** Called with each line of either output. */
  readonly onLine?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** A file that the program, and what it starts, hold open until their end: that of a lock. */
  readonly held?: number | undefined;
}

/** What a program printed, and how it ended. */
export interface CommandEnd {
  /** The exit status; undefined for a program that was ended by a signal or did not start. */
  readonly status: number | undefined;
  /** The last 4 MiB of standard output. */
  readonly out: string;
  /** The last 4 MiB of both outputs, as they came. */
  readonly all: string;
  /** Why the program has no status. */
  readonly failure: string | undefined;
}

/** How many characters of the output are kept: the end tells why a program failed. */
const KEPT = 4 << 20;
/** How many milliseconds a program that is ended may take to clean up. */
const GRACE_MS = 3000;

/**
 * Runs a program to its end, in a process group of its own. The end of this process, the deadline and the signal of the
 * caller end the group.
 */
export async function runCommand(
  program: string,
  words: readonly string[],
  { folder, environment, milliseconds, input, onLine, signal, held }: CommandOptions,
): Promise<CommandEnd> {
  const out = new Tail();
  const all = new Tail();
  let failure: string | undefined;
  const child = spawn(program, words, {
    cwd: folder,
    env: environment,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', ...(held === undefined ? [] : [held])],
  }) as ChildProcessWithoutNullStreams;
  let lastResort: NodeJS.Timeout | undefined;
  const end = (why: string): void => {
    failure ??= why;
    // ninja and gcc remove what they have not finished, so that no object is taken for a whole one.
    killGroup(child, 'SIGTERM');
    lastResort ??= setTimeout(() => killGroup(child, 'SIGKILL'), GRACE_MS);
  };
  const cancelUndo = undoAtExit(() => killGroup(child, 'SIGTERM'));
  const timer = setTimeout(() => end(`not done within ${Math.round(milliseconds / 1000)} s`), milliseconds);
  const onAbort = (): void => end('interrupted');
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted) onAbort();
  child.stdin.on('error', () => undefined).end(input ?? '');
  for (const stream of [child.stdout, child.stderr]) {
    const lines = new Lines(onLine);
    stream.setEncoding('utf8').on('data', (text: string) => {
      if (stream === child.stdout) out.add(text);
      all.add(text);
      lines.add(text);
    });
  }
  const status = await new Promise<number | undefined>((resolve) => {
    child.once('error', ({ message }) => {
      failure ??= message;
      resolve(undefined);
    });
    // A process that left the group may hold the pipes open.
    child.once('exit', (code, name) => {
      if (name !== null) failure ??= `ended by ${name}`;
      const grace = setTimeout(() => resolve(code ?? undefined), GRACE_MS);
      child.once('close', () => {
        clearTimeout(grace);
        resolve(code ?? undefined);
      });
    });
  });
  clearTimeout(timer);
  signal?.removeEventListener('abort', onAbort);
  clearTimeout(lastResort);
  cancelUndo();
  killGroup(child, 'SIGKILL');
  for (const stream of [child.stdout, child.stderr]) stream.destroy();
  return { status: failure === undefined ? status : undefined, out: out.text, all: all.text, failure };
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has ended.
  }
}

/** The end of a text that grows. */
class Tail {
  text = '';

  add(piece: string): void {
    this.text += piece;
    if (this.text.length > 2 * KEPT) this.text = this.text.slice(-KEPT);
  }
}

/** Cuts what a program prints into lines. */
class Lines {
  readonly #onLine: ((line: string) => void) | undefined;
  #rest = '';

  constructor(onLine: ((line: string) => void) | undefined) {
    this.#onLine = onLine;
  }

  add(text: string): void {
    if (this.#onLine === undefined) return;
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!.slice(-KEPT);
    for (const line of lines) this.#onLine(line);
  }
}
