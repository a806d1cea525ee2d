import { Command } from 'commander';
import { probeCapabilities, type Capabilities, type Capability } from '../qemu/capabilities.ts';
import { ExitCode, type Conclude } from './exit-code.ts';

interface DoctorOptions {
  readonly qemu?: string;
}

/** `barproof doctor`: what can be tested on this machine and what is missing. */
export const doctorCommand = (conclude: Conclude): Command =>
  new Command('doctor')
    .description('say what can be tested on this machine, and what is missing')
    .option('--qemu <path>', 'a QEMU program, or a folder that holds qemu-system-*')
    .action(async ({ qemu }: DoctorOptions) => {
      process.stdout.write(doctorReport(await probeCapabilities({ path: qemu })));
      // The model asks for nothing but this process.
      conclude(ExitCode.HOLDS);
    });

const MARKS: Readonly<Record<Capability['state'], string>> = { present: '✔', missing: '✖', optional: '–' };

/** What `barproof doctor` prints. */
export function doctorReport({ checks, machines, obstacle }: Capabilities): string {
  const node: Capability = { name: 'node', state: 'present', detail: process.versions.node };
  const all = [node, ...checks];
  const width = Math.max(...all.map(({ name }) => name.length));
  const lines = all.map(({ name, state, detail, remedy }) => {
    const advice = remedy === undefined ? '' : ` → ${remedy}`;
    return `${MARKS[state]} ${name.padEnd(width)}  ${detail}${advice}`;
  });
  const qemu =
    obstacle === undefined ? `ready for ${machines.join(', ')}` : `not available because ${obstacle}`;
  return `${[...lines, '', 'Model target: ready', `QEMU target: ${qemu}`].join('\n')}\n`;
}
