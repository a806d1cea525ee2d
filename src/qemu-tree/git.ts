import { join } from 'node:path';
import { TreeFailure } from './tree-error.ts';
import { runCommand, type CommandEnd } from './run-command.ts';

/** How long git may take, in milliseconds: a checkout of QEMU takes about 3 s. */
const DEADLINE_MS = 300_000;

/**
 * Settings with which git runs no program of the user, of the tree or of the patch: no hook, no filter, no file system
 * monitor, no other program for differences, no signature, no clean-up in the background.
 */
const SETTINGS = [
  ...['-c', 'core.hooksPath=/dev/null'],
  ...['-c', 'core.fsmonitor=false'],
  ...['-c', 'core.attributesFile=/dev/null'],
  ...['-c', 'core.autocrlf=false'],
  ...['-c', 'core.symlinks=true'],
  ...['-c', 'commit.gpgSign=false'],
  ...['-c', 'gc.auto=0'],
  ...['-c', 'maintenance.auto=false'],
  ...['-c', 'advice.detachedHead=false'],
  ...['-c', 'protocol.allow=never'],
  // Ten thousand files of a source need not be on the disk before the build begins.
  ...['-c', 'core.fsync=none'],
  ...['-c', 'safe.directory=*'],
];

/** No setting of the user and of the machine, no question, no lock in the user's tree. */
const environment = (): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_TERMINAL_PROMPT: '0',
  GIT_NO_LAZY_FETCH: '1',
  GIT_AUTHOR_NAME: 'barproof',
  GIT_AUTHOR_EMAIL: 'barproof',
  GIT_AUTHOR_DATE: '@0 +0000',
  GIT_COMMITTER_NAME: 'barproof',
  GIT_COMMITTER_EMAIL: 'barproof',
  GIT_COMMITTER_DATE: '@0 +0000',
});

/** What git is run with beside its words. */
export interface GitOptions {
  readonly input?: string;
  readonly more?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** git in a folder. */
export class Git {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Runs git. The caller looks at the status. @throws TreeFailure when git does not start or takes too long. */
  async try(words: readonly string[], { input, more, signal }: GitOptions = {}): Promise<CommandEnd> {
    const end = await runCommand('git', [...SETTINGS, ...words], {
      folder: this.folder,
      environment: { ...environment(), ...more },
      milliseconds: DEADLINE_MS,
      input,
      signal,
    });
    if (end.failure !== undefined) throw new TreeFailure('tree', `git ${words[0]}: ${end.failure}`);
    return end;
  }

  /** What git prints, without the line break at its end. @throws TreeFailure with git's words when git fails. */
  async run(words: readonly string[], options: GitOptions = {}): Promise<string> {
    const end = await this.try(words, options);
    if (end.status === 0) return end.out.replace(/\n$/, '');
    throw new TreeFailure('tree', `git ${words[0]} fails in ${this.folder}`, lastLines(end.all));
  }
}

/** The last lines of what a program printed. */
export const lastLines = (text: string, most = 10): readonly string[] =>
  text.trimEnd().split('\n').slice(-most);

/** Where a git keeps the objects of other gits that it reads. */
export const alternatesOf = (gitFolder: string): string => join(gitFolder, 'objects', 'info', 'alternates');
