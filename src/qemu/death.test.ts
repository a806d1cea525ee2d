import { describe, expect, it } from 'vitest';
import { explainDeath } from './death.ts';
import { QemuDied, QemuHangs } from './process/qemu-error.ts';

const same = (text: string): string => text;
const killedBy = (signal: string, ...lines: string[]): QemuDied =>
  new QemuDied({ code: undefined, signal }, lines);

describe('explainDeath', () => {
  it('names a place that the model knows as the model does', () => {
    const words = "hw/pci/pci.c:1515: pci_register_bar: Assertion `is_power_of_2(size)' failed.";
    expect(explainDeath(killedBy('SIGABRT', `qemu-system-x86_64: ${words}`, ''), same)).toEqual({
      error: words,
      site: 'bar-size-assertion',
    });
    const cast =
      './include/hw/vfio/vfio-container-legacy.h:15:VFIO_IOMMU_LEGACY: ' +
      'Object 0xPOINTER is not an instance of type vfio-iommu-legacy';
    expect(explainDeath(killedBy('SIGABRT', cast), same).site).toBe('eeh-container-cast');
  });

  it('calls any other assertion by its function, so that line numbers do not make it another', () => {
    const at = (line: number) =>
      `system/memory.c:${line}: memory_region_transaction_commit: Assertion \`depth' failed.`;
    const [first, second] = [at(1), at(99)].map((line) => explainDeath(killedBy('SIGABRT', line), same).site);
    expect(first).toBe('assertion-in-memory_region_transaction_commit');
    expect(second).toBe(first);
  });

  it('calls a signal by the innermost function of QEMU that the shim names', () => {
    const stack = 'barproof: signal in memory_region_add_subregion msix_init vfio_msix_setup';
    expect(explainDeath(killedBy('SIGSEGV', 'warning: x', stack), same)).toEqual({
      error: undefined,
      site: 'msix-init-segfault',
    });
    expect(explainDeath(killedBy('SIGSEGV', 'barproof: signal in memcpy do_something main'), same).site).toBe(
      'sigsegv-in-do_something',
    );
    expect(explainDeath(killedBy('SIGSEGV', 'barproof: signal in'), same).site).toBe('sigsegv');
    const thread = (name: string) => [`barproof: signal in thread ${name}`, 'barproof: signal in'];
    expect(explainDeath(killedBy('SIGSEGV', ...thread('call_rcu')), same)).toEqual({
      error: undefined,
      site: 'hotplug-refusal-segfault',
    });
    expect(explainDeath(killedBy('SIGSEGV', ...thread('main')), same).site).toBe('sigsegv');
    expect(explainDeath(killedBy('SIGBUS'), same)).toEqual({ error: undefined, site: 'sigbus' });
  });

  it('tells what the shim ended it for', () => {
    const words = 'a file is mapped over memory that was not reserved for it';
    expect(explainDeath(killedBy('SIGABRT', `barproof: ${words}`), same)).toEqual({
      error: words,
      site: 'maps-over-own-memory',
    });
  });

  it('knows hw_error, a hang, and an exit', () => {
    const words = 'qemu: hardware error: vfio: DMA mapping failed, unable to continue';
    expect(explainDeath(killedBy('SIGABRT', words), same)).toEqual({ error: words, site: 'hw-error' });
    expect(explainDeath(new QemuHangs('QMP query-status', 5), same).site).toBe('hang');
    const exit = new QemuDied({ code: 1, signal: undefined }, ['something is wrong']);
    expect(explainDeath(exit, same)).toEqual({ error: 'something is wrong', site: 'exit-1' });
  });
});
