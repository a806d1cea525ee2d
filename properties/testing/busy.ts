import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Clock ticks of /proc in a second, on every Linux that Node runs on. */
const TICKS = 100;
/** Fields of /proc/PID/stat behind the name of the program, which may have spaces: user and system time. */
const [USER_TIME, SYSTEM_TIME] = [11, 12];

/** Seconds of processor time that a process has used. */
function processorTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME])) / TICKS;
}

/**
 * Waits until a process has worked for some seconds: on a busy machine a program is that far only after a longer time.
 *
 * @param seconds of processor time.
 * @throws Error when the process ends before.
 */
export async function untilBusyFor(pid: number, seconds: number): Promise<void> {
  while (processorTime(pid) < seconds) await delay(20);
}

/** How long a process that waits for something uses no processor time, in milliseconds. */
const IDLE_MS = 500;

/**
 * Waits until a process has started, and then does nothing for half a second.
 *
 * @throws Error when the process ends before.
 */
export async function untilIdle(pid: number): Promise<void> {
  await untilBusyFor(pid, 0.03);
  for (let [before, now] = [-1, processorTime(pid)]; before !== now;) {
    await delay(IDLE_MS);
    [before, now] = [now, processorTime(pid)];
  }
}
