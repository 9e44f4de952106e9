import { planePath, toPath, type Call } from './call.ts';

export interface AuditQuery {
  readonly agentId?: string;
  readonly user?: string;
  readonly action?: string;
  readonly since?: string;
}

/** What the plane keeps a record of, and what it is made of. */
export function recordCalls(planeId: string) {
  const plane = planePath(planeId);
  return {
    audit: (query: AuditQuery, limit: number, cursor: string): Call<'listAudit'> => ({
      operation: 'listAudit',
      method: 'get',
      path: toPath(`${plane}/audit`, { limit, cursor, ...query }),
    }),
    verifyAudit: (): Call<'verifyAudit'> => ({ operation: 'verifyAudit', method: 'get', path: `${plane}/audit/verify` }),
    models: (): Call<'listModels'> => ({ operation: 'listModels', method: 'get', path: `${plane}/models` }),
  };
}
