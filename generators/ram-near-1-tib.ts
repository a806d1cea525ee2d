import { findNamedHost, type CpuSpec, type Scenario } from '../src/scenario/index.ts';
import type { Choose } from './choose.ts';

/** Bytes of RAM around the sizes at which QEMU 7.1 and later move RAM of AMD machines to 1 TiB (machine fact 11.7). */
const SIZES = {
  q35: [0xf480_0000_00n, 0xf480_0100_00n, 0xffb0_0000_00n],
  pc: [0xfc40_0000_00n, 0xfc40_0100_00n, 0xffb0_0000_00n],
} as const satisfies Record<string, readonly bigint[]>;

/** CPUs that reach RAM at 1 TiB, and one of 40 bits, which does not. */
const CPUS: readonly (readonly [weight: number, cpu: CpuSpec])[] = [
  [4, { vendor: 'amd', physBits: 48 }],
  [2, { vendor: 'amd', physBits: 40 }],
  [1, { vendor: 'intel', physBits: 46 }],
];

/**
 * Gives 5 % of the machines pc and q35 RAM near 1 TiB, most of them on a host of AMD, whose IOMMU leaves out
 * HyperTransport. Few machines have so much RAM, but QEMU has rules of its own for them.
 */
export function chooseRamNear1TiB(choose: Choose, scenario: Scenario): Scenario {
  const { machine, host } = scenario;
  const { type, apertures } = host.iommu;
  if (machine.type !== 'pc' && machine.type !== 'q35') return scenario;
  if ((type !== 'type1' && type !== 'iommufd') || !choose.chance(5)) return scenario;
  const ram = choose.among(SIZES[machine.type]);
  const cpu = choose.weighted(...CPUS);
  const ofAmd = findNamedHost('amd-server')!.iommu.apertures;
  const allowed = cpu.vendor === 'amd' ? ofAmd : apertures;
  return {
    ...scenario,
    machine: { ...machine, ram, cpu },
    host: { ...host, iommu: { ...host.iommu, ...(allowed && { apertures: allowed }) } },
  };
}
