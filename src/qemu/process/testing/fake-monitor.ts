import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A program that a test starts instead of QEMU. */
export interface FakeMonitor {
  readonly binary: string;
  remove(): void;
}

/**
 * Writes a program that connects to the sockets as QEMU does. The program answers every QMP command by `{}` and every
 * line of qtest by `OK`.
 *
 * @param behaviour JavaScript that runs first. It may replace `onCommand(name, reply)` and `onLine(line, reply)`, or end
 *   the program.
 */
export function makeFakeQemu(behaviour: string): FakeMonitor {
  const folder = mkdtempSync(join(tmpdir(), 'fake-qemu-'));
  const binary = join(folder, 'qemu-system-x86_64');
  writeFileSync(
    binary,
    `#!${process.execPath}
const net = require('node:net');
const pathAfter = (option) => process.argv[process.argv.indexOf(option) + 1].replace('unix:', '');
let onCommand = (name, reply) => reply({ return: {} });
let onLine = (line, reply) => reply('OK');
${behaviour}
const lines = (socket, take) => {
  let rest = '';
  socket.on('data', (text) => {
    const list = (rest + text).split('\\n');
    rest = list.pop();
    list.forEach(take);
  });
  socket.on('close', () => process.exit(0));
};
const qmp = net.connect(pathAfter('-qmp'), () => qmp.write('{"QMP": {}}\\n'));
lines(qmp, (line) => {
  const { execute } = JSON.parse(line);
  const reply = (message) => qmp.write(JSON.stringify(message) + '\\n');
  if (execute === 'qmp_capabilities') reply({ return: {} });
  else onCommand(execute, reply);
});
const qtest = net.connect(pathAfter('-qtest'));
lines(qtest, (line) => onLine(line, (text) => qtest.write(text + '\\n')));
`,
  );
  chmodSync(binary, 0o755);
  return { binary, remove: () => rmSync(folder, { recursive: true }) };
}
