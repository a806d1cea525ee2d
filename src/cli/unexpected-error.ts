import { join } from 'node:path';
import { FOLDER_IS_GONE, InvalidInput, type Problem } from '../input/index.ts';
import { problemsText } from '../report/index.ts';
import { TargetUnavailable } from '../trace/index.ts';
import { watchedPlugins } from './last-net.ts';
import { PACKAGE_FOLDER, VERSION } from './package.ts';

/** The lines on standard error about an error that ended a command. */
export const unexpectedErrorText = (error: unknown): string => problemsText(problemsOf(error));

/** What the user is told about an error that ended a command: one problem, or those of the user's input. */
export function problemsOf(error: unknown): readonly Problem[] {
  for (const cause of causesOf(error)) {
    if (cause instanceof InvalidInput) return cause.problems;
    if (cause instanceof TargetUnavailable) return [{ path: '', message: cause.message }];
    const reason = systemReason(cause);
    if (reason !== undefined) return [{ path: '', message: reason }];
  }
  const where = `barproof ${VERSION}, Node ${process.versions.node}, ${process.platform} ${process.arch}`;
  const message = `internal error, please report this line and your command (${where}): ${textOf(error)}${placeOf(error)}${suspects()}`;
  return [{ path: '', message }];
}

/** Plugins run in the same thread, and may throw at any time. */
function suspects(): string {
  const plugins = watchedPlugins();
  return plugins.length === 0 ? '' : `; the cause may be in ${plugins.join(', ')}`;
}

/** An error, the error that led to it, and so on. */
function causesOf(error: unknown): readonly unknown[] {
  const causes: unknown[] = [];
  for (let cause = error; cause !== undefined && !causes.includes(cause);) {
    causes.push(cause);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}

/** What the user can do about an error of the system, by the error's name. */
const REMEDIES: Readonly<Record<string, string>> = {
  EMFILE: 'this process may open no more files; raise the limit with ulimit -n',
  ENFILE: 'this machine may open no more files',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'the permission is missing',
  EPERM: 'the permission is missing',
  ENOMEM: 'this machine has no memory left',
  EAGAIN: 'this user may start no more processes',
};

/** The cause of a failed system call in one sentence; nothing for another error. */
export function systemReason(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (/\buv_cwd\b/.test(error.message)) return FOLDER_IS_GONE;
  // The server of vfio-user names the error in the text alone.
  const { code = /^\w+: (E[A-Z]+) \(/.exec(error.message)?.[1], syscall } = error as NodeJS.ErrnoException;
  const remedy = code === undefined ? undefined : REMEDIES[code];
  if (remedy === undefined || (syscall === undefined && !/^\w+: E/.test(error.message))) return undefined;
  return `${remedy} (${error.message})`;
}

const MAX_TEXT = 1000;

/** An error with its causes, in at most 1000 characters. */
function textOf(error: unknown): string {
  const text = causesOf(error).map(String).join(', because of ');
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

/** `, at src/cli/main.ts:7`: the innermost frame in barproof's own code of the first cause. */
function placeOf(error: unknown): string {
  const first = causesOf(error).at(-1);
  const stack = first instanceof Error ? (first.stack ?? '') : '';
  const root = join(PACKAGE_FOLDER, '/');
  for (const frame of stack.split('\n')) {
    const path = /(?:file:\/\/|\(|at )(\/[^()]*:\d+):\d+\)?$/.exec(frame)?.[1];
    if (path?.startsWith(root) && !path.includes('node_modules')) return `, at ${path.slice(root.length)}`;
  }
  return '';
}
