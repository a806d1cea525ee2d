import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, closeSync, constants, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { hostname, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Slurm as Debian's package slurm-wlm has it: its daemons lie where only root looks. */
const PROGRAMS = ['slurmctld', 'slurmd', 'sbatch', 'sinfo'];
const PATH = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'].filter((folder) => folder !== '');

/** Why there is no Slurm here, or nothing. */
export function whyNoSlurm(): string | undefined {
  const missing = PROGRAMS.find((program) => !PATH.some((folder) => isProgram(join(folder, program))));
  return missing && `no ${missing}; Debian has it in slurm-wlm`;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A Slurm of one node with two processors. The caller stops it. */
export interface Slurm {
  /** The environment for its commands. */
  readonly environment: NodeJS.ProcessEnv;
  stop(): Promise<void>;
}

/**
 * Starts a Slurm of the current user that has all its files in a folder.
 *
 * @throws Error with the log when the node is not ready in half a minute.
 */
export async function startSlurm(folder: string): Promise<Slurm> {
  mkdirSync(join(folder, 'state'), { recursive: true });
  mkdirSync(join(folder, 'spool'));
  const file = join(folder, 'slurm.conf');
  writeFileSync(file, configuration(folder, await freePorts(2)));
  const environment = { ...process.env, PATH: PATH.join(delimiter), SLURM_CONF: file };
  const log = join(folder, 'daemons.log');
  const output = openSync(log, 'a');
  const daemons = ['slurmctld', 'slurmd'].map((program) =>
    spawn(program, ['-D', '-f', file], { env: environment, stdio: ['ignore', output, output] }),
  );
  closeSync(output);
  const stop = async (): Promise<void> => void (await Promise.all(daemons.map(end)));
  for (let tries = 0; tries < 150; tries++) {
    if ((await stateOfNode(environment)) === 'idle') return { environment, stop };
    await delay(200);
  }
  await stop();
  throw new Error(`the node of Slurm is not ready:\n${readFileSync(log, 'utf8')}`);
}

/** Nobody else uses this Slurm, so that its messages need no signature and no daemon that signs them. */
function configuration(folder: string, [controller, node]: readonly number[]): string {
  const [name] = hostname().split('.');
  const user = userInfo().username;
  return `${[
    'ClusterName=barproof',
    `SlurmctldHost=${name}(127.0.0.1)`,
    'AuthType=auth/none',
    'CredType=cred/none',
    `SlurmUser=${user}`,
    `SlurmdUser=${user}`,
    `SlurmctldPort=${controller}`,
    `SlurmdPort=${node}`,
    `StateSaveLocation=${folder}/state`,
    `SlurmdSpoolDir=${folder}/spool`,
    `SlurmctldPidFile=${folder}/slurmctld.pid`,
    `SlurmdPidFile=${folder}/slurmd.pid`,
    'ProctrackType=proctrack/linuxproc',
    'TaskPlugin=task/none',
    'SelectType=select/cons_tres',
    'SelectTypeParameters=CR_CPU',
    'MpiDefault=none',
    'SlurmdParameters=config_overrides',
    `NodeName=${name} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN`,
    'PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP',
  ].join('\n')}\n`;
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) server.close();
  return ports;
}

async function stateOfNode(environment: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn('sinfo', ['--noheader', '--format=%t'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let out = '';
  child.stdout.on('data', (part: Buffer) => (out += part.toString()));
  await once(child, 'close');
  return out.trim();
}

async function end(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  const ended = once(daemon, 'exit');
  daemon.kill('SIGTERM');
  const timer = setTimeout(() => daemon.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(timer);
}
