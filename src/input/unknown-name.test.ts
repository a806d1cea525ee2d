import { describe, expect, it } from 'vitest';
import { unknownName } from './unknown-name.ts';

const problemOf = (name: string) =>
  unknownName({
    path: '--host',
    kind: 'host',
    name,
    known: ['server-46', 'laptop-39'],
    otherwise: 'barproof knows server-46, laptop-39',
  }).problems;

describe('unknownName', () => {
  it('proposes the name that is nearest', () => {
    expect(problemOf('server-64')).toEqual([
      { path: '--host', message: 'there is no host server-64; did you mean server-46?' },
    ]);
  });

  it.each([
    ['server-46-big', 'server-46'],
    ['laptop', 'laptop-39'],
    ['LAPTOP', 'laptop-39'],
  ])('proposes for %s the name that begins with the same words: %s', (name, near) => {
    expect(problemOf(name)[0]!.message).toBe(`there is no host ${name}; did you mean ${near}?`);
  });

  it.each(['server-4711', 'la', 's'])('proposes nothing for %s, which has no word in common', (name) => {
    expect(problemOf(name)[0]!.message).toContain('barproof knows');
  });

  it('says what is allowed if no name is near', () => {
    expect(problemOf('toaster')[0]!.message).toBe(
      'there is no host toaster; barproof knows server-46, laptop-39',
    );
  });

  it('shows no control characters, and at most 200 characters of a long name', () => {
    expect(problemOf('\u001b[2J')[0]!.message).not.toContain('\u001b');
    expect(problemOf('x'.repeat(5000))[0]!.message).toContain(` ${'x'.repeat(200)};`);
  });
});
