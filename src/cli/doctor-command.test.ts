import { describe, expect, it, vi } from 'vitest';
import { doctorCommand, doctorReport } from './doctor-command.ts';
import { ExitCode } from './exit-code.ts';

describe('barproof doctor', () => {
  it('prints a line a thing, what to do about what is missing, and the verdict', () => {
    const report = doctorReport({
      checks: [
        { name: 'qemu-system-x86_64', state: 'present', detail: '11.1.3 at /usr/bin/qemu-system-x86_64' },
        { name: 'memfd', state: 'missing', detail: 'not there', remedy: 'get Linux' },
        { name: 'page-size shim', state: 'optional', detail: 'no C compiler', remedy: 'install gcc' },
      ],
      machines: ['pc', 'q35'],
      obstacle: undefined,
    });
    expect(report.replace(process.versions.node, 'N')).toBe(`✔ node                N
✔ qemu-system-x86_64  11.1.3 at /usr/bin/qemu-system-x86_64
✖ memfd               not there → get Linux
– page-size shim      no C compiler → install gcc

Model target: ready
QEMU target: ready for pc, q35
`);
    const none = doctorReport({ checks: [], machines: [], obstacle: 'no QEMU was found' });
    expect(none).toContain('\nQEMU target: not available because no QEMU was found\n');
  });

  it('exits with 0 where there is no QEMU: the model runs', async () => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      const codes: ExitCode[] = [];
      await doctorCommand((code) => codes.push(code)).parseAsync(['--qemu', '/nowhere'], { from: 'user' });
      expect(codes).toEqual([ExitCode.HOLDS]);
      expect(write.mock.calls.flat().join('')).toContain('QEMU target: not available because');
    } finally {
      write.mockRestore();
    }
  });
});
