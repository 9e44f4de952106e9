import type { Body, CostReport } from '../../shared/contract.ts';
import { planePath, toPath, type Call } from './call.ts';

export function bulkCalls(planeId: string) {
  const plane = planePath(planeId);
  const operationPath = (id: string): string => `${plane}/operations/${encodeURIComponent(id)}`;
  return {
    operations: (limit: number): Call<'listOperations'> => ({
      operation: 'listOperations',
      method: 'get',
      path: toPath(`${plane}/operations`, { limit }),
    }),
    begin: (body: Body<'createOperation'>): Call<'createOperation'> => ({
      operation: 'createOperation',
      method: 'post',
      path: `${plane}/operations`,
      body,
    }),
    operation: (id: string): Call<'getOperation'> => ({ operation: 'getOperation', method: 'get', path: operationPath(id) }),
    cancel: (id: string): Call<'cancelOperation'> => ({
      operation: 'cancelOperation',
      method: 'post',
      path: `${operationPath(id)}/cancel`,
    }),
    goOn: (id: string): Call<'resumeOperation'> => ({ operation: 'resumeOperation', method: 'post', path: `${operationPath(id)}/resume` }),
    download: (period: string, by: CostReport['by']): Call<'createDownload'> => ({
      operation: 'createDownload',
      method: 'post',
      path: `${plane}/downloads`,
      body: { report: 'cost', period, by },
    }),
    costs: (period: string, by: string): Call<'costReport'> => ({
      operation: 'costReport',
      method: 'get',
      path: toPath(`${plane}/cost-report`, { period, by }),
    }),
  };
}
