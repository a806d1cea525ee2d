import { describe, expect, it } from 'vitest';
import { explainDeath } from './death.ts';
import { QemuDied, QemuHangs } from './process/qemu-error.ts';

const same = (text: string): string => text;
const killedBy = (signal: string, ...lines: string[]): QemuDied =>
  new QemuDied({ code: undefined, signal }, lines);

/** The report of the shim about a signal. */
const report = (thread: string, ...functions: string[]): string[] => [
  `barproof: signal in thread ${thread}`,
  'barproof: call stack, innermost function first',
  '/lib/x86_64-linux-gnu/libc.so.6(+0x3c050)[0x7f3c1a2b]',
  ...functions.map((name) => `/usr/bin/qemu-system-x86_64(${name}+0x1f)[0x55d2c3]`),
  '[0x0]',
];

describe('explainDeath', () => {
  it('gives an assertion that the model knows the name of the model', () => {
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

  it.each([
    ['qemu: hardware error: vfio: DMA mapping failed, unable to continue', 'dma-map-ram'],
    ['kvm_set_phys_mem: error registering slot: Invalid argument', 'memslot'],
  ])('gives "%s" the name of the model', (words, site) => {
    expect(explainDeath(killedBy('SIGABRT', `qemu-system-x86_64: ${words}`), same)).toEqual({
      error: words,
      site,
    });
  });

  it('names any other assertion by its function, so that line numbers make no difference', () => {
    const at = (line: number) =>
      `system/memory.c:${line}: memory_region_transaction_commit: Assertion \`depth' failed.`;
    const [first, second] = [at(1), at(99)].map((line) => explainDeath(killedBy('SIGABRT', line), same).site);
    expect(first).toBe('assertion-in-memory_region_transaction_commit');
    expect(second).toBe(first);
  });

  it.each([
    ['main', ['memory_region_add_subregion', 'msix_init', 'vfio_msix_setup'], 'msix-init-segfault'],
    ['call_rcu', ['object_unref'], 'hotplug-refusal-segfault'],
    ['main', ['memcpy', 'do_something', 'main'], 'sigsegv-in-do_something'],
    ['main', ['object_unref', 'main'], 'sigsegv-in-object_unref'],
    ['main', ['memcpy'], 'sigsegv-in-unknown'],
    ['call_rcu', [], 'hotplug-refusal-segfault'],
    ['main', ['object_unparent', 'object_unref', 'main'], 'bars-finalize-segfault'],
    ['main', ['type_check', 'vfio_bars_finalize', 'main'], 'bars-finalize-segfault'],
    ['main', ['memcpy', 'object_unparent'], 'sigsegv-in-object_unparent'],
    ['main', [], 'sigsegv'],
  ])('names a SIGSEGV in thread %s with call stack %j: %s', (thread, functions, site) => {
    const death = explainDeath(killedBy('SIGSEGV', 'warning: x', ...report(thread, ...functions)), same);
    expect(death).toEqual({ error: undefined, site });
  });

  it('names a signal without a report of the shim by the signal', () => {
    expect(explainDeath(killedBy('SIGBUS'), same)).toEqual({ error: undefined, site: 'sigbus' });
    const lost = killedBy('SIGSEGV', 'barproof: signal in thread main');
    expect(explainDeath(lost, same).site).toBe('sigsegv');
  });

  it('repeats the reason for which the shim ended QEMU', () => {
    const words = 'a file is mapped over memory that was not reserved for it';
    expect(explainDeath(killedBy('SIGABRT', `barproof: ${words}`), same)).toEqual({
      error: words,
      site: 'maps-over-own-memory',
    });
  });

  it('names hw_error, a hang and an exit', () => {
    const words = 'qemu: hardware error: vfio_region_write: no such region';
    expect(explainDeath(killedBy('SIGABRT', words), same)).toEqual({ error: words, site: 'hw-error' });
    expect(explainDeath(new QemuHangs('QMP query-status', 5), same).site).toBe('hang');
    const exit = new QemuDied({ code: 1, signal: undefined }, ['something is wrong']);
    expect(explainDeath(exit, same)).toEqual({ error: 'something is wrong', site: 'exit-1' });
  });
});
