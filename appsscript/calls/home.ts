import { planePath, toPath, type Call } from './call.ts';
import type { Filter } from '../filter.ts';

/** How many of what waits are fetched: the card counts them, the areas show them. */
export const mostWaiting = 10;

export function homeCalls(planeId: string) {
  const plane = planePath(planeId);
  return {
    me: (): Call<'me'> => ({ operation: 'me', method: 'get', path: '/v1/me' }),
    planes: (): Call<'listPlanes'> => ({ operation: 'listPlanes', method: 'get', path: '/v1/planes' }),
    agents: (filter: Filter & { readonly q?: string }, limit: number, cursor = ''): Call<'listAgents'> => ({
      operation: 'listAgents',
      method: 'get',
      path: toPath(`${plane}/agents`, { limit, cursor, ...filter }),
    }),
    users: (q: string, limit: number): Call<'listUsers'> => ({
      operation: 'listUsers',
      method: 'get',
      path: toPath(`${plane}/users`, { q, limit }),
    }),
    scopes: (): Call<'listScopes'> => ({ operation: 'listScopes', method: 'get', path: `${plane}/scopes` }),
    diagnosis: (): Call<'diagnose'> => ({ operation: 'diagnose', method: 'get', path: `${plane}/diagnosis` }),
    waitingApprovals: (): Call<'listApprovals'> => ({
      operation: 'listApprovals',
      method: 'get',
      path: toPath(`${plane}/approvals`, { state: 'waiting', limit: mostWaiting }),
    }),
    waitingRequests: (): Call<'listRequests'> => ({
      operation: 'listRequests',
      method: 'get',
      path: toPath(`${plane}/requests`, { state: 'waiting', limit: mostWaiting }),
    }),
    waitingPlans: (): Call<'listPlans'> => ({
      operation: 'listPlans',
      method: 'get',
      path: toPath(`${plane}/plans`, { state: 'waiting', limit: mostWaiting }),
    }),
    runningOperations: (): Call<'listOperations'> => ({
      operation: 'listOperations',
      method: 'get',
      path: toPath(`${plane}/operations`, { state: 'running', limit: 3 }),
    }),
  };
}
