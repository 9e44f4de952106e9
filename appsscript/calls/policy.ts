import type { Body } from '../../shared/contract.ts';
import { planePath, toPath, type Call } from './call.ts';

type Decision = Body<'decidePlan'>;

/** How many requests are looked through for one of them: no call gives one alone. */
const mostSearched = 100;

export function policyCalls(planeId: string) {
  const plane = planePath(planeId);
  const planPath = (id: string): string => `${plane}/plans/${encodeURIComponent(id)}`;
  return {
    definition: (): Call<'getPlane'> => ({ operation: 'getPlane', method: 'get', path: plane }),
    plan: (change: Body<'createPlan'>['change']): Call<'createPlan'> => ({
      operation: 'createPlan',
      method: 'post',
      path: `${plane}/plans`,
      body: { change },
    }),
    planOf: (id: string): Call<'getPlan'> => ({ operation: 'getPlan', method: 'get', path: planPath(id) }),
    /** `removals`: how many agents may go, as the reader was told; the plane\u2019s own bound without it. */
    applyPlan: (id: string, removals?: number): Call<'applyPlan'> => ({
      operation: 'applyPlan',
      method: 'post',
      path: `${planPath(id)}/apply`,
      body: removals === undefined ? {} : { maxRemovals: removals },
    }),
    decidePlan: (id: string, body: Decision): Call<'decidePlan'> => ({
      operation: 'decidePlan',
      method: 'post',
      path: `${planPath(id)}/decision`,
      body,
    }),
    requestsWaiting: (): Call<'listRequests'> => ({
      operation: 'listRequests',
      method: 'get',
      path: toPath(`${plane}/requests`, { state: 'waiting', limit: mostSearched }),
    }),
    decideRequest: (id: string, body: Decision): Call<'decideRequest'> => ({
      operation: 'decideRequest',
      method: 'post',
      path: `${plane}/requests/${encodeURIComponent(id)}`,
      body,
    }),
    flipsWaiting: (): Call<'listApprovals'> => ({
      operation: 'listApprovals',
      method: 'get',
      path: toPath(`${plane}/approvals`, { state: 'waiting', limit: mostSearched }),
    }),
    decideFlips: (id: string, body: Decision): Call<'decideApproval'> => ({
      operation: 'decideApproval',
      method: 'post',
      path: `${plane}/approvals/${encodeURIComponent(id)}`,
      body,
    }),
  };
}
