import { callWith, mintAs, type Attempt, type Told } from './scene.ts';
import { beat, completion } from './tokens.ts';

/** Once an agent is paused or gone: every token it had. */
export const overAttempts = (state: string, who: 'alice' | 'bob', paused: boolean): readonly Attempt[] => {
  const on = (target: string): Told => ({ chain: who, action: 'access.refused', target });
  const rows: Attempt[] = [
    {
      name: `call a model when ${state}`,
      tries: (scene) => callWith(scene.plane, scene[who].modelKey, completion('opus')),
      refused: /^401/,
      told: on('model'),
    },
    {
      name: `heartbeat when ${state}`,
      tries: (scene) => callWith(scene.plane, scene[who].session, beat),
      refused: /^401/,
      told: on('session'),
    },
    {
      name: `ask for more when ${state}`,
      tries: (scene) =>
        callWith(scene.plane, scene[who].session, { method: 'POST', path: '/agent/requests', body: '{"tools":["crm"],"why":"x"}' }),
      refused: /^401/,
      told: on('session'),
    },
    {
      name: `join when ${state}`,
      tries: (scene) =>
        callWith(scene.plane, undefined, { method: 'POST', path: '/agent/join', body: JSON.stringify({ token: scene[who].join }) }),
      refused: /^401/,
      told: on('join'),
    },
    {
      name: `join with the token that would come next when ${state}`,
      tries: (scene) =>
        callWith(scene.plane, undefined, {
          method: 'POST',
          path: '/agent/join',
          body: JSON.stringify({ token: mintAs(scene.plane, { kind: 'join', agentId: scene[who].id, incarnation: 1, extra: 50 }) }),
        }),
      refused: /^401/,
      told: on('join'),
    },
    {
      name: `reach the control API when ${state}`,
      tries: (scene) => callWith(scene.plane, scene[who].session, { path: '/v1/planes/acme' }),
      refused: /^401/,
      told: on('session'),
    },
    {
      name: `reach its gateway when ${state}`,
      tries: async (scene) =>
        callWith({ ...scene.plane, url: `http://127.0.0.1:${scene[who].gatewayPort}` }, scene[who].gatewayToken, completion('opus')).catch(
          () => 'nobody listens',
        ),
      refused: /^nobody listens$/,
      told: { nobody: 'nobody listens any more' },
    },
  ];
  if (paused) return rows;
  return [
    ...rows,
    {
      name: `open the owner's page when ${state}`,
      tries: (scene) => callWith(scene.plane, undefined, { path: `/me/${scene[who].linkToken}/` }),
      refused: /^401/,
      told: on('link'),
    },
    {
      name: `have a new link mailed when ${state}`,
      tries: async (scene) =>
        (await callWith(scene.plane, undefined, { method: 'POST', path: `/me/${scene[who].linkToken}/renew` })).slice(0, 3),
      refused: /^200$/,
      told: { nobody: 'the answer is the same for everybody; no mail is sent' },
    },
    {
      name: `write to it as its owner when ${state}`,
      tries: (scene) =>
        callWith(scene.plane, undefined, {
          method: 'POST',
          path: '/mail/messages',
          body: JSON.stringify({ from: scene[who].owner, to: `${scene[who].id}@agents.acme.test`, text: 'Hello' }),
        }),
      refused: /^403/,
      told: on('mail'),
    },
  ];
};
