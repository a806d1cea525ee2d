import { printable } from '../input/index.ts';
import { fitted, mapWidth, wrap } from './wrap.ts';

/** Something that barproof needs or can use on this machine. */
export interface DoctorCheck {
  readonly name: string;
  /** `optional`: missing, and everything else can be tested without it. */
  readonly state: 'present' | 'missing' | 'optional';
  /** What was found, or why it cannot be used. */
  readonly detail: string;
  /** What the user can do about it. */
  readonly remedy?: string;
}

/** What can be tested on this machine. */
export interface DoctorFindings {
  readonly checks: readonly DoctorCheck[];
  /** The machine types for which scenarios can run on a real QEMU. */
  readonly machines: readonly string[];
  /** Why scenarios cannot run on a real QEMU; undefined when they can. */
  readonly obstacle: string | undefined;
  /** The Linux kernels that can answer host calls; one that is `present` can be booted. */
  readonly kernels?: readonly DoctorCheck[];
}

const MARKS: Readonly<Record<DoctorCheck['state'], string>> = { present: '✔', missing: '✖', optional: '–' };

/** What `barproof doctor` prints: a line for each check, and which targets are ready. */
export function doctorText({ checks, machines, obstacle, kernels = [] }: DoctorFindings): string {
  const node: DoctorCheck = { name: 'node', state: 'present', detail: process.versions.node };
  const all = [node, ...checks, ...kernels];
  const width = Math.max(...all.map(({ name }) => name.length));
  const lines = all.flatMap(({ name, state, detail, remedy }) => {
    const advice = remedy === undefined ? '' : ` → ${remedy}`;
    return checkLines(`${MARKS[state]} ${name.padEnd(width)}  `, printable(`${detail}${advice}`));
  });
  const qemu =
    obstacle === undefined ? `ready for ${machines.join(', ')}` : `not available because ${obstacle}`;
  const bootable = kernels.filter(({ state }) => state === 'present').map(({ name }) => name);
  const linux =
    bootable.length > 0
      ? `ready for ${bootable.join(', ')} (a boot takes 11 to 30 s, and longer on a busy machine)`
      : 'not available because no kernel can be booted';
  const verdicts = ['Model target: ready', `QEMU target: ${qemu}`, `Linux target: ${linux}`].flatMap(
    (verdict) => wrap(verdict, mapWidth(), 2),
  );
  return `${[...lines, '', ...verdicts].join('\n')}\n`;
}

/** A check in lines that fit. Where a path has no room behind the name, the detail stands below the name. */
function checkLines(name: string, detail: string): readonly string[] {
  const room = mapWidth() - name.length;
  if (detail.split(' ').every((word) => word.length <= room)) return fitted(name + detail, name.length);
  return [name.trimEnd(), ...wrap(detail, mapWidth() - BELOW.length).map((line) => BELOW + line)];
}

const BELOW = '    ';

/** The same as plain data. */
export const doctorToJson = ({ checks, machines, obstacle, kernels = [] }: DoctorFindings): object => ({
  checks: [{ name: 'node', state: 'present', detail: process.versions.node }, ...checks],
  machines,
  obstacle: obstacle ?? null,
  kernels,
});
