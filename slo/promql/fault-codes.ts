// The gRPC codes that are the service's fault, as the definitions say it.
import type { Model } from '../model/model.ts';
import { alternatives } from './selector.ts';

/** Every code that some SLI counts as bad. OutOfRange, NotFound, Canceled and the like are the caller's fault. */
export function faultCodes({ slis }: Model): string[] {
  const codes = slis.flatMap((sli) => (sli.kind === 'ratio' ? alternatives(sli.bad, 'grpc_code') : []));
  return [...new Set(codes)];
}
