import { setTerminalWidth } from '../../report/index.ts';

const own = {
  isTTY: Object.getOwnPropertyDescriptor(process.stdout, 'isTTY'),
  columns: Object.getOwnPropertyDescriptor(process.stdout, 'columns'),
};

/** Makes standard output a terminal, until `noTerminal` is called. @param columns its width, in characters. */
export function asTerminal(columns: number): void {
  Object.defineProperty(process.stdout, 'isTTY', { value: true, configurable: true });
  Object.defineProperty(process.stdout, 'columns', { value: columns, configurable: true });
}

/** Undoes `asTerminal`. */
export function noTerminal(): void {
  setTerminalWidth(undefined);
  for (const [name, descriptor] of Object.entries(own)) {
    if (descriptor === undefined) Reflect.deleteProperty(process.stdout, name);
    else Object.defineProperty(process.stdout, name, descriptor);
  }
}
