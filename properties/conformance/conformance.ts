import { mtreeFormOf } from '../../src/memory/index.ts';
import type { Architecture } from '../../src/qemu/process/architecture.ts';
import { probeQemu } from '../../src/qemu/process/probe-qemu.ts';
import { compareMachine } from './compare-machine.ts';
import { dumpMachine } from './machine-dump.ts';
import type { ConformanceRun, MachineResult } from './results.ts';

/**
 * Compares machine types of one QEMU program, one after the other.
 *
 * @param wanted whether to compare a machine type, given all machine types of the program; by default all.
 * @throws QemuUnusable if the program is not QEMU.
 * @throws QemuHangs if a machine does not answer.
 */
export async function runConformance(
  architecture: Architecture,
  binary: string,
  wanted: (machine: string, machines: readonly string[]) => boolean = () => true,
): Promise<ConformanceRun> {
  const { version, machines } = await probeQemu(binary);
  const form = mtreeFormOf(version);
  const results: MachineResult[] = [];
  for (const machine of machines.filter((name) => wanted(name, machines))) {
    const dump = await dumpMachine(binary, version, machine);
    results.push(
      'refused' in dump
        ? dump
        : { all: compareMachine(dump, form), enabled: compareMachine(dump, form, false) },
    );
  }
  return { architecture, version, machines: results };
}
