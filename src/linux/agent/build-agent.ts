import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder, userCacheFolder } from '../../input/index.ts';
import { TargetUnavailable } from '../../trace/index.ts';
import type { HostArchitecture } from '../session/host-session.ts';

const COMPILER_DEADLINE = 120_000;

/** Node's names of the host architectures. */
const NODE_ARCHITECTURES: Readonly<Record<HostArchitecture, string>> = {
  x86_64: 'x64',
  aarch64: 'arm64',
  ppc64le: 'ppc64',
};

/** Debian's cross compilers and their packages. */
const CROSS_COMPILERS: Readonly<Record<HostArchitecture, readonly [program: string, packageName: string]>> = {
  x86_64: ['x86_64-linux-gnu-gcc', 'gcc-x86-64-linux-gnu'],
  aarch64: ['aarch64-linux-gnu-gcc', 'gcc-aarch64-linux-gnu'],
  ppc64le: ['powerpc64le-linux-gnu-gcc', 'gcc-powerpc64le-linux-gnu'],
};

const FLAGS = ['-static', '-O2', '-Wall', '-Wextra', '-Werror', '-pthread'];

const compilersFor = (architecture: HostArchitecture, environment: NodeJS.ProcessEnv): readonly string[] => {
  const own = environment['CC'] ? [environment['CC']] : ['cc', 'gcc', 'clang'];
  const cross = CROSS_COMPILERS[architecture][0];
  return process.arch === NODE_ARCHITECTURES[architecture] ? [...own, cross] : [cross];
};

/**
 * The path of the agent for an architecture. barproof compiles the agent at first use and after each change of
 * its source, and keeps it in the user's cache folder.
 *
 * @param environment for `XDG_CACHE_HOME` and `CC`
 * @throws TargetUnavailable when no compiler for the architecture works; the message names the package to install
 */
export function buildAgent(
  architecture: HostArchitecture,
  environment: NodeJS.ProcessEnv = process.env,
): string {
  const sources = sourcesOfAgent();
  const folder = userCacheFolder(environment);
  const path = join(folder, `linux-agent-${architecture}-${hashOf(sources)}`);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const result = join(folder, `${process.pid}-linux-agent`);
  const complaints: string[] = [];
  try {
    for (const compiler of compilersFor(architecture, environment)) {
      const complaint = compile(compiler, sources, result);
      if (complaint === undefined) {
        // A process that compiles the agent at the same time writes an equal file.
        renameSync(result, path);
        return path;
      }
      complaints.push(complaint);
    }
  } finally {
    rmSync(result, { force: true });
  }
  throw new TargetUnavailable(
    `the agent for ${architecture} cannot be compiled: ${complaints.join('; ')}. ` +
      `On Debian, install ${CROSS_COMPILERS[architecture][1]} and its C library.`,
  );
}

/** The paths of the agent's C files and header, in order. */
function sourcesOfAgent(): readonly string[] {
  const folder = join(packageFolder(), 'src', 'linux', 'agent');
  return readdirSync(folder)
    .filter((name) => /\.[ch]$/.test(name))
    .toSorted()
    .map((name) => join(folder, name));
}

function hashOf(sources: readonly string[]): string {
  const hash = createHash('sha256').update(FLAGS.join());
  for (const path of sources) hash.update(readFileSync(path));
  return hash.digest('hex').slice(0, 16);
}

/** @returns why the compilation failed, or `undefined` after success */
function compile(compiler: string, sources: readonly string[], result: string): string | undefined {
  const files = sources.filter((path) => path.endsWith('.c'));
  try {
    execFileSync(compiler, [...FLAGS, '-o', result, ...files], {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: COMPILER_DEADLINE,
    });
    return undefined;
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: Buffer };
    if (code === 'ENOENT') return `there is no ${compiler}`;
    const lines = (stderr?.toString() ?? '').split('\n');
    return `${compiler}: ${lines.find((line) => line.includes('error')) ?? lines[0]}`;
  }
}
