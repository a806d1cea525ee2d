import { REGISTER_MEMORY, TCE_CREATE, TCE_REMOVE, vfioRequest } from '../../host/abi/index.ts';
import { command } from '../agent/commands.ts';
import type { CallNamed } from '../session/host-call.ts';
import { returned, simple, type CallContext, type EncodedCall } from './encoded-call.ts';

type SpaprCall = CallNamed<'register' | 'unregister' | 'create-window' | 'remove-window'>;

/** Encodes a call that only a container of sPAPR TCE version 2 has. */
export function encodeSpaprCall(call: SpaprCall, { container, memory, ioctls }: CallContext): EncodedCall {
  switch (call.call) {
    case 'register':
    case 'unregister': {
      const { size, flags, argsz = REGISTER_MEMORY.bytes } = call;
      const name = call.call === 'register' ? 'IOMMU_SPAPR_REGISTER_MEMORY' : 'IOMMU_SPAPR_UNREGISTER_MEMORY';
      const bytes = REGISTER_MEMORY.encode({ argsz, flags, vaddr: memory.address(call.vaddr), size });
      return simple(command.ioctl(container, vfioRequest(name, ioctls), bytes));
    }
    case 'create-window': {
      const { pageShift, size, levels, flags, argsz = TCE_CREATE.bytes } = call;
      const bytes = TCE_CREATE.encode({ argsz, flags, page_shift: pageShift, window_size: size, levels });
      return {
        commands: [command.ioctl(container, vfioRequest('IOMMU_SPAPR_TCE_CREATE', ioctls), bytes)],
        decode: (answer) =>
          answer.result === 0
            ? returned(answer, (data) => ({ start: TCE_CREATE.decode(data).start_addr }))
            : returned(answer),
      };
    }
    case 'remove-window': {
      const { start, flags, argsz = TCE_REMOVE.bytes } = call;
      const bytes = TCE_REMOVE.encode({ argsz, flags, start_addr: start });
      return simple(command.ioctl(container, vfioRequest('IOMMU_SPAPR_TCE_REMOVE', ioctls), bytes));
    }
  }
}
