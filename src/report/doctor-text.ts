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
}

const MARKS: Readonly<Record<DoctorCheck['state'], string>> = { present: '✔', missing: '✖', optional: '–' };

/** What `barproof doctor` prints: a line for each check, and which targets are ready. */
export function doctorText({ checks, machines, obstacle }: DoctorFindings): string {
  const node: DoctorCheck = { name: 'node', state: 'present', detail: process.versions.node };
  const all = [node, ...checks];
  const width = Math.max(...all.map(({ name }) => name.length));
  const lines = all.map(({ name, state, detail, remedy }) => {
    const advice = remedy === undefined ? '' : ` → ${remedy}`;
    return printable(`${MARKS[state]} ${name.padEnd(width)}  ${detail}${advice}`);
  });
  const qemu =
    obstacle === undefined ? `ready for ${machines.join(', ')}` : `not available because ${obstacle}`;
  return `${[...lines, '', 'Model target: ready', `QEMU target: ${qemu}`].join('\n')}\n`;
}
