/**
 * The calls of a session and their fields: those that the caller passes, and those that the kernel returns.
 * Decoder, encoders and comparison follow this table. The room's `README.md` explains each call.
 */
export const CALL_FORMS = {
  map: { passed: { iova: 'number', size: 'number', vaddr: 'place', flags: 'integer' }, returned: {} },
  unmap: { passed: { iova: 'number', size: 'number', flags: 'integer' }, returned: { unmapped: 'number' } },
  'unmap-all': {
    passed: { iova: 'number', size: 'number', flags: 'integer' },
    returned: { unmapped: 'number' },
  },
  info: { passed: {}, returned: { avail: 'integer' } },
  decode: { passed: { on: 'boolean' }, returned: {} },
  memslot: {
    passed: { slot: 'integer', flags: 'integer', gpa: 'number', size: 'number', uaddr: 'place' },
    returned: {},
  },
  'region-info': {
    passed: { index: 'integer' },
    returned: {
      argszOut: 'integer',
      infoFlags: 'integer',
      size: 'number',
      offset: 'number',
      capOffset: 'integer',
      caps: 'capabilities',
    },
  },
  mmap: {
    passed: { bar: 'integer', offset: 'number', size: 'number', prot: 'integer', shared: 'boolean' },
    returned: {},
  },
  register: { passed: { vaddr: 'place', size: 'number', flags: 'integer' }, returned: {} },
  unregister: { passed: { vaddr: 'place', size: 'number', flags: 'integer' }, returned: {} },
  'create-window': {
    passed: { pageShift: 'integer', size: 'number', levels: 'integer', flags: 'integer' },
    returned: { start: 'number' },
  },
  'remove-window': { passed: { start: 'number', flags: 'integer' }, returned: {} },
  'ioas-map': {
    passed: { iova: 'number', size: 'number', vaddr: 'place', flags: 'integer' },
    returned: { mapped: 'number' },
  },
  'ioas-unmap': { passed: { iova: 'number', size: 'number' }, returned: { unmapped: 'number' } },
  'ioas-iova-ranges': {
    passed: { count: 'integer' },
    returned: { needed: 'integer', alignment: 'number', ranges: 'ranges' },
  },
  'export-dma-buf': {
    passed: { name: 'name', bar: 'integer', ranges: 'ranges', flags: 'integer' },
    returned: {},
  },
  'ioas-map-file': {
    passed: { name: 'name', start: 'number', size: 'number', iova: 'number', flags: 'integer' },
    returned: { mapped: 'number' },
  },
  attach: { passed: {}, returned: {} },
  detach: { passed: {}, returned: {} },
} as const satisfies Record<string, CallForm>;

/** The form of a field. `number` is a hex string or a safe integer; `place` names memory of the calling process. */
export type FieldKind = 'number' | 'integer' | 'boolean' | 'place' | 'name' | 'ranges' | 'capabilities';

interface CallForm {
  readonly passed: Readonly<Record<string, FieldKind>>;
  readonly returned: Readonly<Record<string, FieldKind>>;
}

/** The name of a call. */
export type CallName = keyof typeof CALL_FORMS;

/** The names of all calls. */
export const CALL_NAMES = Object.keys(CALL_FORMS) as readonly CallName[];

/** The kinds of objects on which a session makes its calls: containers, virtual machines, devices, address spaces. */
export const CONTAINERS = ['type1v2', 'type1', 'kvm', 'spapr-tce-v2', 'region', 'iommufd'] as const;
export type ContainerKind = (typeof CONTAINERS)[number];

const TYPE1_CALLS = ['map', 'unmap', 'unmap-all', 'info', 'decode'] as const;

/** The calls that can be made on each container. */
export const CALLS_OF: Readonly<Record<ContainerKind, readonly CallName[]>> = {
  type1v2: TYPE1_CALLS,
  type1: TYPE1_CALLS,
  kvm: ['memslot', 'decode'],
  'spapr-tce-v2': ['map', 'unmap', 'register', 'unregister', 'create-window', 'remove-window'],
  region: ['region-info', 'mmap', 'decode'],
  iommufd: [
    'ioas-map',
    'ioas-unmap',
    'ioas-iova-ranges',
    'export-dma-buf',
    'ioas-map-file',
    'attach',
    'detach',
    'decode',
  ],
};
