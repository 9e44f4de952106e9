import type { Body, Operation } from '../../shared/contract.ts';
import type { Json } from '../core/surroundings.ts';

interface Example {
  readonly body?: Json;
  readonly answer?: Json;
}

/** One body, held against the row's own schema by a test. */
const examplesOf = <O extends Operation>(body: Body<O>): Example => ({ body: JSON.parse(JSON.stringify(body)) as Json });

/** What main rows are sent and answer, for readers of the OpenAPI document. */
export const examples: Partial<Record<Operation, Example>> = {
  me: { answer: { email: 'admin@acme.test', roles: ['admin', 'viewer'], ous: null } },
  createAgent: examplesOf<'createAgent'>({ name: 'nova', ownerEmail: 'alice@acme.test', modelTier: 'sonnet', budgetCap: 50 }),
  updateAgent: examplesOf<'updateAgent'>({ modelTier: 'opus', tools: ['email', 'calendar'], budgetCap: null }),
  updateUser: examplesOf<'updateUser'>({ agentEnabled: true, budgetCap: 100 }),
  pauseAgent: examplesOf<'pauseAgent'>({ reason: 'on leave' }),
  decideRequest: examplesOf<'decideRequest'>({ decision: 'approve', reason: 'needed for the launch' }),
  createOperation: examplesOf<'createOperation'>({ work: { kind: 'restart' }, select: { ou: '/Sales' }, concurrency: 5 }),
  createPlan: examplesOf<'createPlan'>({
    change: { kind: 'tier', match: { ou: '/Engineering' }, from: 'sonnet', to: 'opus' },
  }),
};
