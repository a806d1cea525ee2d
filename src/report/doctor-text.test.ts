import { describe, expect, it } from 'vitest';
import { doctorText } from './doctor-text.ts';

describe('doctorText', () => {
  it('prints a line for each check, the remedy for what is missing, and which targets are ready', () => {
    const report = doctorText({
      checks: [
        { name: 'qemu-system-x86_64', state: 'present', detail: '11.1.3 at /usr/bin/qemu-system-x86_64' },
        { name: 'memfd', state: 'missing', detail: 'not there', remedy: 'get Linux' },
        { name: 'page-size shim', state: 'optional', detail: 'no C compiler', remedy: 'install gcc' },
      ],
      machines: ['pc', 'q35'],
      obstacle: undefined,
      kernels: [
        { name: 'Linux amd64-6.12', state: 'present', detail: '6.12.1' },
        { name: 'Linux amd64-7', state: 'optional', detail: 'not installed', remedy: 'install it' },
      ],
    });
    expect(report.replace(process.versions.node, 'N')).toBe(`✔ node                N
✔ qemu-system-x86_64  11.1.3 at /usr/bin/qemu-system-x86_64
✖ memfd               not there → get Linux
– page-size shim      no C compiler → install gcc
✔ Linux amd64-6.12    6.12.1
– Linux amd64-7       not installed → install it

Model target: ready
QEMU target: ready for pc, q35
Linux target: ready for Linux amd64-6.12 (a boot takes 11 to 30 s, and longer on a busy machine)
`);
    const none = doctorText({ checks: [], machines: [], obstacle: 'no QEMU was found' });
    expect(none).toContain('\nQEMU target: not available because no QEMU was found\n');
  });
});
