import { InvalidArgumentError } from 'commander';
import { expect, it } from 'vitest';
import { targetList } from './target-list-option.ts';

it.each([
  ['ppc64', ['ppc64']],
  ['x86_64,aarch64', ['x86_64', 'aarch64']],
  ['aarch64-softmmu,ppc64-softmmu', ['aarch64', 'ppc64']],
])('targetList reads %s as configure does', (text, targets) => expect(targetList(text)).toEqual(targets));

it.each(['virt', 'x86_64,', '', 'x86_64 ppc64', 's390x-softmmu', 'ppc64-linux-user'])(
  'targetList refuses "%s"',
  (text) => expect(() => targetList(text)).toThrow(InvalidArgumentError),
);
