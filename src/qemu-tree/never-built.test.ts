import { expect, it } from 'vitest';
import { isNeverBuilt } from './never-built.ts';

it.each(['README.rst', 'docs/devel/vfio.rst', 'tests/functional/test.py', 'MAINTAINERS', '.gitlab-ci.yml'])(
  '%s is never built',
  (path) => expect(isNeverBuilt(path)).toBe(true),
);

it.each(['hw/vfio/pci.c', 'hw/vfio/meson.build', 'hw/vfio/trace-events', 'include/docs.h', 'qapi/pci.json'])(
  '%s may be built',
  (path) => expect(isNeverBuilt(path)).toBe(false),
);
