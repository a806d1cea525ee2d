import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import * as abi from '../../host/abi/index.ts';
import { Errno } from '../../host/index.ts';
import { decodeScenario } from '../../scenario/index.ts';
import { AnsweringKernel } from '../answering-kernel.ts';
import { HostState } from '../host-state.ts';
import { FakeProcess } from '../testing/fake-process.ts';
import { RUN_BYTES } from './vcpu-file.ts';

const root = mkdtempSync(join(tmpdir(), 'kvm-file-'));
afterAll(() => rmSync(root, { recursive: true }));

const { KVM_NUMBERS, KVM_CAPABILITIES } = abi;
const E2BIG = 7;
const EINTR = 4;
/** A request of KVM: its type is in the second byte. */
const kvm = (number: number): number => 0xae00 | number;

function open(kernel = '6.12', hostPageSize = '0x1000') {
  const scenario = decodeScenario({
    version: 1,
    machine: { type: 'q35', ram: '0x10000000', hostPageSize, cpu: { vendor: 'intel', physBits: 39 } },
    host: { kernel, iommu: { type: 'type1' } },
    devices: [],
    operations: [],
  });
  const folder = mkdtempSync(join(root, 'one-'));
  const state = new HostState(scenario, { folder, ramName: 'pc.ram' });
  const process = new FakeProcess(new AnsweringKernel(state));
  const system = process.open('/dev/kvm');
  const machine = process.openBy(system, kvm(KVM_NUMBERS.CREATE_VM), 0);
  return { state, process, system, machine };
}

describe('/dev/kvm', () => {
  it('has the version of the interface, and the slots of the kernel', () => {
    const slots = (kernel: string) => {
      const { process, system } = open(kernel);
      expect(process.ioctl(system, kvm(KVM_NUMBERS.GET_API_VERSION)).result).toBe(12n);
      const { NR_MEMSLOTS } = KVM_CAPABILITIES;
      return process.ioctl(system, kvm(KVM_NUMBERS.CHECK_EXTENSION), BigInt(NR_MEMSLOTS)).result;
    };
    expect([slots('5.4'), slots('6.12')]).toEqual([509n, 32764n]);
  });

  it('asks for a longer list where the entries do not fit', () => {
    const { process, system } = open();
    const ask = (nent: number) =>
      process.ask(system, kvm(KVM_NUMBERS.GET_SUPPORTED_CPUID), abi.CPUID_LIST, { nent });
    expect(ask(1).errno).toBe(E2BIG);
    const { errno, after } = ask(100);
    expect([errno, after.nent > 1, after.nent < 100]).toEqual([0, true, true]);
  });

  it('names a request that it does not know', () => {
    const { process, state, machine } = open();
    expect(process.ioctl(machine, kvm(0xff)).errno).toBe(Errno.ENOTTY);
    expect(state.events.unknownRequests).toEqual(['ioctl 0xaeff on a file of the kind KVM machine']);
  });

  it('refuses a request of a later kernel, which is no unknown one', () => {
    const { process, state, system } = open();
    expect(process.ioctl(system, kvm(0xce)).errno).toBe(Errno.ENOTTY);
    expect(state.events.unknownRequests).toEqual([]);
  });
});

describe('a machine of KVM', () => {
  const region = (values: object) => ({
    ...{ slot: 0, flags: 0, guest_phys_addr: 0n, memory_size: 0x1_0000n, userspace_addr: 0x7f00_0000_0000n },
    ...values,
  });
  const set = ({ process, machine }: ReturnType<typeof open>, values: object = {}) =>
    process.ask(machine, kvm(KVM_NUMBERS.SET_USER_MEMORY_REGION), abi.MEMORY_REGION, region(values)).errno;

  it('sets slots as the host model does, and notes each request with its answer', () => {
    const opened = open('6.12', '0x10000');
    expect(set(opened)).toBe(0);
    expect(set(opened, { slot: 1, guest_phys_addr: 0x1000n })).toBe(Errno.EINVAL);
    expect(set(opened, { slot: 1 })).toBe(Errno.EEXIST);
    expect(set(opened, { slot: 1, guest_phys_addr: 0x1_0000n, flags: 2 })).toBe(0);
    expect(opened.state.memslots.map(({ gpa, readonly }) => [gpa, readonly])).toEqual([
      [0n, false],
      [0x1_0000n, true],
    ]);
    const events = opened.state.events.take([], []);
    expect(events.map((event) => 'errno' in event && event.errno)).toEqual([
      ...[0, Errno.EINVAL, Errno.EEXIST, 0],
    ]);
  });

  it('shows no slot of system management mode, and refuses unknown flags', () => {
    const opened = open();
    expect(set(opened, { slot: 0x1_0000 })).toBe(0);
    expect(set(opened, { flags: 4 })).toBe(Errno.EINVAL);
    expect(opened.state.events.take([], [])).toEqual([]);
    expect(opened.state.memslots).toEqual([]);
  });

  it('has CPUs that share memory with QEMU and never run', () => {
    const { process, system, machine } = open();
    expect(process.ioctl(system, kvm(KVM_NUMBERS.GET_VCPU_MMAP_SIZE)).result).toBe(BigInt(RUN_BYTES));
    const cpu = process.openBy(machine, kvm(KVM_NUMBERS.CREATE_VCPU), 0);
    const shared = process.call('mmap', { file: cpu, second: BigInt(RUN_BYTES) });
    expect(statSync(Buffer.from(shared.data)).size).toBeGreaterThanOrEqual(RUN_BYTES);
    expect(process.ioctl(cpu, kvm(0x80)).errno).toBe(EINTR);
    const msrs = process.call('ioctl', {
      file: cpu,
      first: BigInt(kvm(KVM_NUMBERS.SET_MSRS)),
      second: 0x1000n,
      data: abi.LIST_LENGTH.encode({ count: 5 }),
    });
    expect(msrs.result).toBe(5n);
  });

  it('makes the device of VFIO and no other', () => {
    const { process, machine } = open();
    const create = (type: number) =>
      process.call('ioctl', {
        file: machine,
        spare: 55,
        first: BigInt(kvm(KVM_NUMBERS.CREATE_DEVICE)),
        second: 0x1000n,
        data: abi.CREATE_DEVICE.encode({ type }),
      });
    expect(create(1).errno).toBe(Errno.ENODEV);
    const { opens, writes } = create(abi.KVM_DEVICE_TYPES.VFIO);
    expect([opens?.kind, abi.CREATE_DEVICE.decode(writes[0]!.bytes).fd]).toEqual(['KVM device', 55]);
  });
});
