import { printable } from '../input/index.ts';

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
  const lines = all.map(({ name, state, detail, remedy }) => {
    const advice = remedy === undefined ? '' : ` → ${remedy}`;
    return printable(`${MARKS[state]} ${name.padEnd(width)}  ${detail}${advice}`);
  });
  const qemu =
    obstacle === undefined ? `ready for ${machines.join(', ')}` : `not available because ${obstacle}`;
  const bootable = kernels.filter(({ state }) => state === 'present').map(({ name }) => name);
  const linux =
    bootable.length > 0
      ? `ready for ${bootable.join(', ')}`
      : 'not available because no kernel can be booted';
  const verdicts = ['Model target: ready', `QEMU target: ${qemu}`, `Linux target: ${linux}`];
  return `${[...lines, '', ...verdicts].join('\n')}\n`;
}

/** The same as plain data. */
export const doctorToJson = ({ checks, machines, obstacle, kernels = [] }: DoctorFindings): object => ({
  checks: [{ name: 'node', state: 'present', detail: process.versions.node }, ...checks],
  machines,
  obstacle: obstacle ?? null,
  kernels,
});
