import type { Card } from '../../appsscript/card.ts';
import { agentCard, inheritOffCard, switchOffCard } from '../../appsscript/cards/agent.ts';
import { askVerbCard } from '../../appsscript/cards/agent-verbs.ts';
import { approvalsCard, flipsCard, requestCard } from '../../appsscript/cards/approvals.ts';
import { auditCard } from '../../appsscript/cards/audit.ts';
import { backupsCard, restoreCard } from '../../appsscript/cards/backups.ts';
import { bulkCard, confirmWorkCard } from '../../appsscript/cards/bulk.ts';
import { costsCard } from '../../appsscript/cards/costs.ts';
import { editFieldCard } from '../../appsscript/cards/edit-field.ts';
import { filterCard } from '../../appsscript/cards/filter.ts';
import { historyCard } from '../../appsscript/cards/history.ts';
import { firstRunCard, homeCard } from '../../appsscript/cards/home.ts';
import { messageCard } from '../../appsscript/cards/message.ts';
import { operationCard } from '../../appsscript/cards/operation.ts';
import { foundCard } from '../../appsscript/cards/people.ts';
import { askApplyCard, planCard } from '../../appsscript/cards/plan.ts';
import { policiesCard } from '../../appsscript/cards/policies.ts';
import { policyLayerCard } from '../../appsscript/cards/policy-layer.ts';
import { receiptCard } from '../../appsscript/cards/receipt.ts';
import { secretsCard } from '../../appsscript/cards/secrets.ts';
import { settingsCard } from '../../appsscript/cards/settings.ts';
import { toButton } from '../../appsscript/actions.ts';
import { bugInAddOn } from '../../appsscript/failures.ts';
import type { Reader } from '../../appsscript/reader.ts';
import { verbs } from '../../appsscript/verbs.ts';
import {
  agentOf,
  auditOf,
  backupsOf,
  checksOf,
  costsOf,
  explanationOf,
  meOf,
  operationOf,
  pageOf,
  planeOf,
  planOf,
  receiptOf,
  scopesOf,
  secretsOf,
  userOf,
  withoutAgent,
} from './company.ts';
import { definitionOf, flipsOf, manyLayers, modelsOf, requestOf, verificationOf } from './policy-company.ts';

/** As long as the Directory allows, and full of what HTML would trip over. */
const nasty = `<b>${'Ö&"'.repeat(20)}`;
const users = (count: number) =>
  Array.from({ length: Math.min(count, 20) }, (_, at) => ({
    ...{ id: String(5000 + at), email: `someone${at}@acme.test`, name: `Someone ${at}`, ouPath: '/', active: true, agentId: null },
  }));
const cancel = toButton('Back', 'showBulk', {});

const changes = (count: number) =>
  Array.from({ length: Math.min(count, 500) }, (_, at) => ({
    path: `spec.policies[${at}]`,
    from: null,
    to: { budgetCap: at, note: nasty },
  }));
const manyModels = (count: number) => Array.from({ length: Math.min(count, 500) }, () => modelsOf().models).flat();

/** Every card there is, on a plane with `count` agents, drawn for one reader. Each is drawn when it is asked for. */
export const everyCard = (count: number, reader: Reader): Readonly<Record<string, () => Card>> => {
  const waiting = { more: true, changes: 10, requests: 10 };
  const operations = [operationOf(), operationOf({ kind: 'upgrade' }), operationOf({ kind: 'rotateSecrets' })];
  const home = {
    plane: planeOf(count, 2, 3, 4),
    page: pageOf(count),
    filter: {},
    cursor: '',
    back: [],
    waiting,
    operations,
    standIn: true,
  };
  const backups = backupsOf(Math.min(count, 400));
  const [backup] = backupsOf(1).backups;
  if (!backup) throw new Error('no backup was made');
  const user = userOf(7);
  const agent = agentOf(7, {
    labels: { department: nasty, costCenter: '42' },
    paused: { by: 'admin@acme.test', at: '2026-11-22T11:00:00.000Z', reason: nasty },
    upgrade: { step: 'gate', from: '2026.9.5', to: '2026.11.2', startedAt: '2026-11-22T11:59:00.000Z', failure: null },
    reprovision: { step: 'failed', startedAt: '2026-11-22T11:50:00.000Z', failure: nasty },
  });
  const rings = Array.from({ length: 11 }, (_, at) => ({ name: `Ring ${at}`, total: 10, done: 1, failed: 1 }));
  const failures = Array.from({ length: 20 }, () => ({ agentId: agent.agentId, ownerEmail: 'x@acme.test', message: nasty }));
  const removing = (agents: number) => planOf(agents, { kind: 'policy', counts: { agents, creates: 0, removes: agents, changes: 0 } });
  const waitings = (many: number) => ({
    requests: Array.from({ length: many }, (_, at) => requestOf(at, { ownerEmail: nasty })),
    flips: Array.from({ length: many }, () => flipsOf(many)),
    plans: Array.from({ length: many }, () => planOf(many, { state: 'waiting' })),
    most: 10,
  });
  const faults = Array.from({ length: 40 }, (_, seq) => ({ chain: nasty, seq, fault: nasty }));
  const filter = { user: nasty, agent: 'person7@acme.test', agentId: agent.agentId, action: 'agent.', since: '2026-11-01T00:00:00.000Z' };
  return {
    home: () => homeCard(home, reader),
    'home, filtered, in the middle': () =>
      homeCard({ ...home, filter: { ou: '/Sales', phase: 'paused' }, cursor: '40', back: ['', '20'], notice: bugInAddOn }, reader),
    'first run': () => firstRunCard(planeOf(0), checksOf('Custom schema').checks, true, reader),
    'first run, unchecked': () => firstRunCard(planeOf(0), undefined, false, reader),
    'people found': () =>
      foundCard({ words: nasty, users: users(count), agents: pageOf(count).agents, removed: [agentOf(700, { phase: 'removed' })] }),
    filter: () => filterCard({ ou: '/Unit 0001' }, scopesOf(count)),
    agent: () => agentCard(user, reader, bugInAddOn),
    'agent with all there can be': () =>
      agentCard(
        userOf(7, {
          ...{ name: nasty, agent, active: false },
          problems: Array.from({ length: 300 }, (_, at) => `problem ${at}`),
          notes: [{ field: 'modelTier', kind: 'locked', message: nasty }],
        }),
        reader,
      ),
    'person without an agent': () => agentCard(withoutAgent(7), reader),
    'switching off': () => switchOffCard(userOf(7, { name: nasty })),
    'going back to policy': () => inheritOffCard(user),
    ...Object.fromEntries(
      (['restart', 'pause', 'resume', 'rotate', 'backUp', 'reprovision', 'upgrade'] as const).map((name) => [
        `question: ${verbs[name].title}`,
        () => askVerbCard(user, agentOf(7), name),
      ]),
    ),
    ...Object.fromEntries(
      (['modelTier', 'budgetCap', 'tools', 'channels'] as const).map((field) => [
        `editing ${field}`,
        () => editFieldCard(user, field, explanationOf(), reader),
      ]),
    ),
    backups: () => backupsCard(agent.agentId, backups, false, reader),
    restoring: () => restoreCard(agent.agentId, backup, reader),
    receipt: () => receiptCard(receiptOf(7), true, reader),
    'receipt, long': () => receiptCard(receiptOf(7, { reason: nasty, ownerEmail: nasty, backup: undefined }), false, reader),
    'removed agent': () => agentCard(userOf(7, { active: false, agent: agentOf(7, { phase: 'removed', detail: 'suspended' }) }), reader),
    secrets: () => secretsCard(secretsOf(Math.min(count, 400)), reader),
    history: () => historyCard({ agentId: agent.agentId, name: nasty, page: auditOf(count), cursor: '', back: [] }, reader),
    bulk: () => bulkCard({ scopes: scopesOf(count), operations }, reader),
    'question: bulk': () => confirmWorkCard('upgrade', 'ou:/Sales', operationOf({ total: count }), reader),
    operation: () => operationCard(operationOf({ total: count, rings, failures, failed: 20 }), reader),
    plan: () => planCard(planOf(count, { warnings: [nasty] }), reader, bugInAddOn),
    'plan that is refused': () => planCard(planOf(count, { kind: 'policy', refusals: [nasty], definition: changes(count) }), reader),
    'plan that waits': () => planCard(planOf(count, { state: 'waiting', createdBy: 'other@acme.test', kind: 'definition' }), reader),
    'plan that removes': () => planCard(removing(count), reader),
    'question: plan that removes': () => askApplyCard(removing(count + 1), reader),
    policies: () => policiesCard(definitionOf(), scopesOf(count), reader, bugInAddOn),
    'policies, many': () => policiesCard(definitionOf({}, manyLayers(Math.min(count, 500))), scopesOf(count), reader),
    'policies of a file': () => policiesCard(definitionOf({ managedBy: 'file' }), scopesOf(count), reader),
    'layer: organization': () => policyLayerCard(definitionOf(), 'all', reader, bugInAddOn),
    'layer: org unit': () => policyLayerCard(definitionOf(), 'ou:/Engineering/Web', reader),
    'layer: group': () => policyLayerCard(definitionOf(), 'group:interns@acme.test', reader),
    'layer of a file': () => policyLayerCard(definitionOf({ managedBy: 'file' }), 'ou:/Sales', reader),
    approvals: () => approvalsCard(waitings(Math.min(count, 10)), reader, bugInAddOn),
    request: () => requestCard(requestOf(1, { why: nasty.repeat(8), ownerEmail: nasty }), reader),
    flips: () => flipsCard(flipsOf(count), reader),
    audit: () => auditCard({ page: auditOf(count), filter: {}, cursor: '', back: [] }, reader),
    'audit, filtered and verified': () =>
      auditCard(
        { page: auditOf(count), filter, cursor: '1.20', back: [''], verification: verificationOf(...faults), notice: bugInAddOn },
        reader,
      ),
    'audit, whole': () => auditCard({ page: auditOf(count), filter: {}, cursor: '', back: [], verification: verificationOf() }, reader),
    settings: () => settingsCard({ planeId: 'acme', diagnosis: checksOf(), models: modelsOf().models, me: meOf('admin') }, reader),
    'settings where something is missing': () =>
      settingsCard(
        { planeId: 'acme', diagnosis: checksOf('Custom schema'), models: manyModels(count), me: meOf('viewer', [nasty]) },
        reader,
      ),
    costs: () => costsCard(costsOf(count), 'month', reader),
    message: () => messageCard(bugInAddOn, [cancel]),
  };
};
