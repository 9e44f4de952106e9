import { contract, type Operation } from '../../../shared/contract.ts';
import type { TestPlane } from '../embedded.ts';
import { callWith, mintAs, type Attempt, type Call, type Scene, type Told } from './scene.ts';

/** What somebody can do who holds every token of Alice's agent, and calls from where nobody asks for a uid. */

const onAlice = (target: string): Told => ({ chain: 'alice', action: 'access.refused', target });
const unproven = (target: string): Told => ({ chain: 'plane', action: 'access.refused', target, actor: 'unproven' });

const fill = (path: string, { bob }: Scene): string =>
  path
    .replace('{planeId}', 'acme')
    .replace('{agentId}', bob.id)
    .replace('{userKey}', bob.owner)
    .replaceAll(/\{\w+\}/g, 'x');

/** Every row of the contract that changes something, with the session token of Alice's agent. */
const mutating = (Object.keys(contract) as Operation[]).filter((operation) => contract[operation].method !== 'get');
export const contractAttempts: readonly Attempt[] = mutating.map((operation) => {
  const { method, path } = contract[operation];
  return {
    name: `${operation} as an agent`,
    tries: (scene) =>
      callWith(scene.plane, scene.alice.session, {
        method: method.toUpperCase(),
        path: fill(path, scene),
        ...(method === 'delete' ? {} : { body: '{}' }),
      }),
    refused: /^403 .*agents reach .agent. and .model. only/,
    told: ({ alice }): Told => ({
      chain: path.includes('{planeId}') ? 'plane' : 'alice',
      action: 'access.refused',
      target: operation,
      actor: alice.id,
    }),
  };
});

const session = (scene: Scene, extra: number, boot = 1, agentId = scene.alice.id): string =>
  mintAs(scene.plane, { kind: 'session', agentId, incarnation: 1, extra, boot });
export const beat: Call = { method: 'POST', path: '/agent/heartbeat', body: '{"version":"x","live":true,"ready":true}' };
export const completion = (model: string, more: object = {}): Call => ({
  ...{ method: 'POST', path: '/model/v1/chat/completions' },
  body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hello' }], ...more }),
});
const traded = (plane: TestPlane, agentId: string): string => mintAs(plane, { kind: 'join', agentId, incarnation: 1, extra: 1 });
const swap = (token: string, from: string, to: string): string => token.replace(from, to);
const spoil = (token: string): string => `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;

export const tokenAttempts: readonly Attempt[] = [
  {
    name: 'read who one is with the model key',
    tries: ({ plane, alice }) => callWith(plane, alice.modelKey, { path: '/v1/me' }),
    refused: /^403/,
    told: onAlice('me'),
  },
  {
    name: 'list agents with the gateway token',
    tries: ({ plane, alice }) => callWith(plane, alice.gatewayToken, { path: '/v1/planes/acme/agents' }),
    refused: /^40[13]/,
    told: ({ alice }) => ({ chain: 'plane', action: 'access.refused', target: 'listAgents', actor: alice.id }),
  },
  {
    name: "list secrets of another agent with one's session",
    tries: ({ plane, alice, bob }) => callWith(plane, alice.session, { path: `/v1/planes/acme/agents/${bob.id}/secrets` }),
    refused: /^403/,
    told: ({ alice }) => ({ chain: 'plane', action: 'access.refused', target: 'listSecrets', actor: alice.id }),
  },
  {
    name: "export the audit log with the owner's link",
    tries: ({ plane, alice }) => callWith(plane, alice.linkToken, { path: '/v1/planes/acme/audit/export' }),
    refused: /^403/,
    told: ({ alice }) => ({ chain: 'plane', action: 'access.refused', target: 'exportAudit', actor: alice.id }),
  },

  {
    name: 'replay a join token',
    tries: ({ plane, alice }) =>
      callWith(plane, undefined, { method: 'POST', path: '/agent/join', body: JSON.stringify({ token: traded(plane, alice.id) }) }),
    refused: /^401/,
    told: onAlice('join'),
  },
  {
    name: 'join with a token that another agent traded',
    tries: ({ plane, bob }) =>
      callWith(plane, undefined, { method: 'POST', path: '/agent/join', body: JSON.stringify({ token: traded(plane, bob.id) }) }),
    refused: /^401/,
    told: { chain: 'bob', action: 'access.refused', target: 'join' },
  },
  {
    name: "write another agent's name into one's join token",
    tries: ({ plane, alice, bob }) =>
      callWith(plane, undefined, {
        method: 'POST',
        path: '/agent/join',
        body: JSON.stringify({ token: swap(alice.join, alice.id, bob.id) }),
      }),
    refused: /^401/,
    told: unproven('join'),
  },
  {
    name: 'join with a session token',
    tries: ({ plane, alice }) =>
      callWith(plane, undefined, { method: 'POST', path: '/agent/join', body: JSON.stringify({ token: alice.session }) }),
    refused: /^401/,
    told: unproven('join'),
  },

  {
    name: 'heartbeat with a session that has expired',
    tries: (scene) => callWith(scene.plane, session(scene, Date.now() - 1_000), beat),
    refused: /^401/,
    told: onAlice('session'),
  },
  {
    name: 'with one of a boot that is over',
    tries: (scene) => callWith(scene.plane, session(scene, Date.now() + 600_000, 0), beat),
    refused: /^401/,
    told: onAlice('session'),
  },
  {
    name: 'with one whose end was put off',
    tries: ({ plane, alice }) => callWith(plane, swap(alice.session, alice.session.split('.')[4] ?? '', '9999999999999'), beat),
    refused: /^401/,
    told: unproven('session'),
  },
  {
    name: "with another agent's name in it",
    tries: ({ plane, alice, bob }) => callWith(plane, swap(alice.session, alice.id, bob.id), beat),
    refused: /^401/,
    told: unproven('session'),
  },
  {
    name: 'with one character changed',
    tries: ({ plane, alice }) => callWith(plane, spoil(alice.session), beat),
    refused: /^401/,
    told: unproven('session'),
  },
  {
    name: "fetch another agent's assignment by naming it",
    tries: async ({ plane, alice, bob }) =>
      (await callWith(plane, alice.session, { path: `/agent/assignment?agentId=${bob.id}` })).includes(bob.id) ? 'given' : 'its own',
    refused: /^its own$/,
    told: { nobody: 'the call names no agent: it answers for the one whose token it is' },
  },
  {
    name: "take another's backup",
    tries: ({ plane, alice }) => callWith(plane, alice.session, { path: '/agent/backups/b-of-bob' }),
    refused: /^404/,
    told: onAlice('backup b-of-bob'),
  },
  {
    name: 'write its budget into a heartbeat',
    tries: ({ plane, alice }) =>
      callWith(plane, alice.session, { ...beat, body: '{"version":"x","live":true,"ready":true,"spec":{"budgetCap":500}}' }),
    refused: /^400/,
    told: onAlice('heartbeat'),
  },
  {
    name: 'tell of usage below nothing',
    tries: ({ plane, alice }) =>
      callWith(plane, alice.session, {
        ...beat,
        body: '{"version":"x","live":true,"ready":true,"usage":{"days":1,"inputTokens":-5,"outputTokens":0,"totalTokens":0}}',
      }),
    refused: /^400/,
    told: onAlice('heartbeat'),
  },
  {
    name: 'grant itself what it asks for',
    tries: ({ plane, alice }) =>
      callWith(plane, alice.session, { method: 'POST', path: '/v1/planes/acme/requests/x', body: '{"decision":"approve"}' }),
    refused: /^403/,
    told: ({ alice }) => ({ chain: 'plane', action: 'access.refused', target: 'decideRequest', actor: alice.id }),
  },

  {
    name: "call a model with one's session",
    tries: ({ plane, alice }) => callWith(plane, alice.session, completion('opus')),
    refused: /^401/,
    told: unproven('model'),
  },
  {
    name: "with one's gateway token",
    tries: ({ plane, alice }) => callWith(plane, alice.gatewayToken, completion('opus')),
    refused: /^401/,
    told: unproven('model'),
  },
  {
    name: "with a key in another agent's name",
    tries: ({ plane, alice, bob }) => callWith(plane, swap(alice.modelKey, alice.id, bob.id), completion('opus')),
    refused: /^401/,
    told: unproven('model'),
  },
  {
    name: 'with a key of a version to come',
    tries: ({ plane, alice }) =>
      callWith(plane, mintAs(plane, { kind: 'model', agentId: alice.id, incarnation: 1, extra: 99 }), completion('opus')),
    refused: /^401/,
    told: onAlice('model'),
  },
  {
    name: 'ask for a dearer model than its tier (Bob is sonnet)',
    async tries({ plane, bob, maker }) {
      const from = maker.asked.length;
      await callWith(plane, bob.modelKey, completion('gpt-5.4'));
      return maker.asked.slice(from).join();
    },
    refused: /^gpt-5\.1$/,
    told: { chain: 'bob', action: 'model.call', target: 'gpt-5.1' },
  },
  {
    name: "have the maker's own tools run, which the price table does not know",
    tries: ({ plane, alice }) => callWith(plane, alice.modelKey, completion('opus', { web_search_options: {} })),
    refused: /^400/,
    told: { chain: 'alice', action: 'model.refuse', target: 'request' },
  },
  {
    name: "open another's page with one's own link",
    tries: ({ plane, alice, bob }) => callWith(plane, undefined, { path: `/me/${swap(alice.linkToken, alice.id, bob.id)}/` }),
    refused: /^401/,
    told: unproven('link'),
  },
  {
    name: 'write to an agent that is not one\u2019s own',
    tries: ({ plane, alice, bob }) =>
      callWith(plane, undefined, {
        method: 'POST',
        path: '/mail/messages',
        body: JSON.stringify({ from: bob.owner, to: `${alice.id}@agents.acme.test`, text: 'Hello' }),
      }),
    refused: /^403/,
    told: ({ bob }) => ({ chain: 'alice', action: 'access.refused', target: 'mail', actor: bob.owner }),
  },
  {
    name: 'call from a page elsewhere',
    tries: ({ plane }) => callWith(plane, plane.token(), { path: '/v1/planes/acme', headers: { origin: 'https://evil.test' } }),
    refused: /^403/,
    told: { chain: 'plane', action: 'access.refused', target: '/v1/planes/acme', actor: 'a page from elsewhere' },
  },
];
