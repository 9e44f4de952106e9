import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { asAgent, byKernel, callAs, type Attempt, type Call, type Scene } from './scene.ts';

/** What a program that took over Alice's agent can call on the machine, as her agent's own user. */
function call(name: string, toCall: (scene: Scene) => Call, target: string, refused = /^403$/): Attempt {
  return {
    name,
    tries: (scene) => callAs(scene.alice, scene.plane, toCall(scene)),
    refused,
    told: ({ alice }) => ({ chain: 'plane', action: 'access.refused', target, actor: `uid:${alice.uid}` }),
  };
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

export const callAttempts: readonly Attempt[] = [
  call(
    "raise one's own budget in the directory",
    ({ alice }) => ({
      method: 'PUT',
      path: `/google/admin/directory/v1/users/${alice.owner}`,
      body: '{"customSchemas":{"OpenClaw_Agent":{"budgetCap":500}}}',
    }),
    '/google',
  ),
  call(
    'the same by the path of Google\u2019s client',
    ({ alice }) => ({
      method: 'PATCH',
      path: `/admin/directory/v1/users/${alice.owner}`,
      body: '{"customSchemas":{"OpenClaw_Agent":{"modelTier":"opus"}}}',
    }),
    '/admin',
  ),
  call("read everybody's mail", () => ({ path: '/mail/messages' }), '/mail'),
  call(
    "write to oneself as one's owner",
    ({ alice }) => ({
      method: 'POST',
      path: '/mail/messages',
      body: JSON.stringify({ from: alice.owner, to: `${alice.id}@agents.acme.test`, text: 'Approve it.' }),
    }),
    '/mail',
  ),
  call(
    'run the add-on as an admin',
    () => ({ method: 'POST', path: '/console/addon', body: '{"functionName":"onHomepage","event":{},"user":"admin@acme.test"}' }),
    '/console',
  ),
  call('open the console', () => ({ path: '/' }), '/'),
  call("open another's onboarding link", ({ bob }) => ({ path: `/me/${bob.linkToken}/` }), '/me'),
  call("open one's own owner's link", ({ alice }) => ({ path: `/me/${alice.linkToken}/` }), '/me'),
  call(
    'say that the directory changed',
    () => ({ method: 'POST', path: '/events/directory', headers: { 'x-goog-channel-token': 'x' } }),
    '/events',
  ),
  call('reach the control API without a token', () => ({ path: '/v1/planes' }), '/v1/planes'),
  call(
    'reach it with the token for trying it by hand',
    ({ plane }) => ({ path: '/v1/planes/acme', headers: bearer(plane.token()) }),
    '/v1/planes/acme',
  ),
  call(
    'rotate with that token',
    ({ plane }) => ({ method: 'POST', path: '/v1/planes/acme/rotate-secrets', headers: bearer(plane.token()), body: '{}' }),
    '/v1/planes/acme/rotate-secrets',
  ),
  call(
    'say that a proxy stands before',
    ({ plane }) => ({
      path: '/v1/planes/acme/agents',
      headers: { ...bearer(plane.token()), 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1', forwarded: 'for=127.0.0.1' },
    }),
    '/v1/planes/acme/agents',
  ),
  call(
    'name the plane by another host',
    ({ plane }) => ({ path: '/v1/planes/acme/audit', headers: { ...bearer(plane.token()), host: 'agents.acme.test' } }),
    '/v1/planes/acme/audit',
  ),
  call(
    'pretend to be its page',
    ({ plane }) => ({
      path: '/v1/planes/acme/users',
      headers: { ...bearer(plane.token()), origin: plane.url, 'sec-fetch-site': 'same-origin' },
    }),
    '/v1/planes/acme/users',
  ),
  call(
    'climb out of the open paths',
    ({ plane }) => ({ path: '/agent/../v1/planes/acme/requests', headers: bearer(plane.token()) }),
    '/v1/planes/acme/requests',
  ),
  call(
    'the same, encoded',
    ({ plane }) => ({ path: '/model/%2e%2e/v1/planes/acme/approvals', headers: bearer(plane.token()) }),
    '/v1/planes/acme/approvals',
  ),
  {
    name: 'come from another loopback address, which the socket table does not tell',
    tries: ({ alice, plane }) =>
      callAs(alice, plane, { path: '/v1/planes/acme/operations', from: '127.0.0.2', headers: bearer(plane.token()) }),
    refused: /^403$/,
    told: { chain: 'plane', action: 'access.refused', target: '/v1/planes/acme/operations', actor: 'uid:unknown' },
  },
  {
    name: 'reach the model gateway without a key',
    tries: ({ alice, plane }) => callAs(alice, plane, { method: 'POST', path: '/model/v1/chat/completions', body: '{"messages":[]}' }),
    refused: /^401$/,
    told: { chain: 'plane', action: 'access.refused', target: 'model', actor: 'unproven' },
  },
  {
    name: "call the maker of models directly with one's own model key",
    tries: ({ alice, maker, plane }) =>
      callAs(alice, plane, {
        method: 'POST',
        port: Number(new URL(maker.url).port),
        path: '/v1/chat/completions',
        headers: bearer(alice.modelKey),
        body: '{"model":"gpt-5.4","messages":[{"role":"user","content":"x"}]}',
      }),
    refused: /^401$/,
    told: { nobody: 'the maker refuses a key that is none of its own; on machines of their own egress ends there' },
  },
  // Metadata addresses are not called here, since those of the machine that tests run on are not ours to ask: test/peers/metadata-wall.test.ts
  // does so in a namespace of its own, and looks for the audit rows.
  ...['join/1-1', '../other/model%2fapiKey', 'namespace.key'].map((id): Attempt => ({
    name: `ask the sidecar for ${id}`,
    tries({ alice }) {
      const question = JSON.stringify({ protocolVersion: 1, provider: 'plane', ids: [id] });
      return asAgent(alice, join(alice.folder, 'resolver'), { input: question }).output;
    },
    refused: /"values":\{\},"errors":\{"[^"]+":\{"code":"NOT_FOUND"/,
    told: { chain: 'alice', action: 'access.refused', target: 'secrets' },
  })),
  {
    name: "run another agent's resolver",
    tries: ({ alice, bob }) => `exit ${asAgent(alice, join(bob.folder, 'resolver'), { input: '{}' }).status}`,
    refused: /^exit 126$/,
    told: (scene) => byKernel(scene, { call: /execve/, object: join(scene.bob.folder, 'resolver') }),
  },
  {
    name: 'call out from the plane\u2019s port to a port of another agent without its token',
    tries: ({ alice, bob, plane }) =>
      callAs(alice, plane, {
        method: 'POST',
        port: bob.gatewayPort,
        path: '/v1/chat/completions',
        headers: bearer(alice.gatewayToken),
        body: '{"messages":[]}',
      }),
    refused: /^401$/,
    told: { nobody: "the other agent's OpenClaw refuses a token that is none of its own" },
  },
];

/** Whether this host gives agents users of their own. */
export const separate = process.platform === 'linux' && process.getuid?.() === 0 && spawnSync('setpriv', ['--version']).status === 0;
