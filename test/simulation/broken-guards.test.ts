import { loadSimulation, type Break } from './load.ts';

interface Mistake {
  /** With the requirement that the check stands for. */
  readonly what: string;
  /** What the first violation must be about. */
  readonly caught: RegExp;
  readonly breaks: readonly Break[];
}

const mistakes: readonly Mistake[] = [
  {
    what: 'a budget that lets a call go before what others have set aside is counted',
    caught: /^5: /,
    breaks: [{ file: 'budget/account.ts', find: 'choose(offers, unspent - openSum)', replace: 'choose(offers, unspent)' }],
  },
  {
    what: 'a budget that forgets at a restart what was set aside',
    caught: /^5: /,
    breaks: [
      {
        file: 'budget/budget.ts',
        find: "const applied = applyOperations(await tx.get('budgets', id), operations, now);",
        replace:
          "const held = await tx.get('budgets', id); for (const { id: call } of operations as { id: string }[]) mine.add(call);" +
          'const applied = applyOperations(held && { ...held, open: Object.fromEntries(Object.entries(held.open).filter(([call]) => mine.has(call))) }, operations, now);',
      },
      {
        file: 'budget/budget.ts',
        find: 'const submit = createLanes',
        replace: 'const mine = new Set<string>(); const submit = createLanes',
      },
    ],
  },
  {
    what: 'a budget that reads what is left before its transaction begins',
    caught: /^5: /,
    breaks: [
      {
        file: 'budget/budget.ts',
        find: 'await store.transact((tx) => work(tx, id, operations, now));',
        replace:
          "await store.get('budgets', id).then((held) => store.transact((tx) => work({ ...tx, get: (where, key) => (where === 'budgets' ? Promise.resolve(held) : tx.get(where, key)) }, id, operations, now)));",
      },
    ],
  },
  {
    what: 'a budget that gives back what a process that died had set aside',
    caught: /^5: /,
    breaks: [
      {
        file: 'budget/account.ts',
        find: 'if (until <= now && !named.has(id)) charge(id, undefined);',
        replace: 'if (until <= now && !named.has(id)) close(id);',
      },
    ],
  },
  {
    what: 'a budget that takes nothing for an answer that was cut',
    caught: /^5: /,
    breaks: [
      { file: 'budget/account.ts', find: 'const micros = used?.micros ?? found.micros;', replace: 'const micros = used?.micros ?? 0;' },
    ],
  },
  {
    what: 'a budget that keeps a cap which was lowered',
    caught: /^5: /,
    breaks: [{ file: 'budget/account.ts', find: 'alerted: 0, ...record, ...about };', replace: 'alerted: 0, ...about, ...record };' }],
  },
  {
    what: 'a budget that charges the month of the answer instead of that of the call',
    caught: /^5: /,
    breaks: [
      {
        file: 'budget/budget.ts',
        find: "await submit(budget, { kind: 'settle', id, ...(used ? { used } : {}) });",
        replace:
          "const now = toBudgetId(budget.split('/')[0] ?? '', toBudgetDate(clock.now(), 'UTC').month); await submit(now, { kind: 'settle', id, ...(used ? { used } : {}) }); if (now !== budget) await submit(budget, { kind: 'release', id });",
      },
    ],
  },
  {
    what: 'a pass that never takes the grant of secrets back (REQ-SEC-01)',
    caught: /^(4|6): /,
    breaks: [
      {
        file: 'parts.ts',
        find: 'revoke: (ctx) => secrets.revokeGrant(agentId, ctx),',
        replace: 'revoke: async (ctx) => void (await secrets.namespace(agentId, ctx)),',
      },
      { file: 'parts.ts', find: 'revoked: found.grantedTo === undefined, fields };', replace: 'revoked: true, fields };' },
    ],
  },
  {
    what: 'a pass that grants secrets to whoever is there (REQ-SEC-01)',
    caught: /^6: .* reads the secrets of /,
    breaks: [
      {
        file: 'parts.ts',
        find: 'if (reader) await secrets.grant(agentId, reader.id, ctx);',
        replace: 'for (const other of reader ? await infra.listPrincipals(ctx) : []) await secrets.grant(agentId, other.id, ctx);',
      },
    ],
  },
  {
    what: 'a pass that puts the model key of one agent among the secrets of another (REQ-SEC-01)',
    caught: /^6: .* lies among the secrets of /,
    breaks: [
      {
        file: 'parts.ts',
        find: "credentials.mint({ kind: 'model', agentId, incarnation,",
        replace: "credentials.mint({ kind: 'model', agentId: (await infra.listPrincipals(ctx))[0]?.agentId ?? agentId, incarnation,",
      },
    ],
  },
  {
    what: 'an API that answers with values where it is asked for names (REQ-WSEC-06)',
    caught: /^6: listSecrets shows an admin /,
    breaks: [
      {
        file: 'http/care.ts',
        find: 'return { secrets: lasting.map((name) => ({ name, ...ages })) };',
        replace:
          'const all = deps.secretsOf(agent.planeId) as unknown as { get: (name: string, id: string, ctx: object) => Promise<string> }; return { secrets: await Promise.all(lasting.map(async (name) => ({ name, value: await all.get(name, agent.agentId, ctx), ...ages }))) };',
      },
    ],
  },
  {
    what: 'an API that takes an agent for an admin (REQ-WSEC-04)',
    caught: /^7: /,
    breaks: [
      {
        file: 'http/callers.ts',
        find: "throw new PlaneError('forbidden', `cannot serve agent ${agent.agentId} here",
        replace: "if (kind !== 'session') throw new PlaneError('forbidden', `cannot serve agent ${agent.agentId} here",
      },
      {
        file: 'http/callers.ts',
        find: 'return await authenticate(token, ctx);',
        replace:
          "return token.startsWith('oc1.session.') ? { actor: { kind: 'agent', id: token }, roles: [{ role: 'admin' }] } : await authenticate(token, ctx);",
      },
    ],
  },
  {
    what: 'an agents\u2019 door whose heartbeat raises the cap (REQ-WSEC-04)',
    caught: /^7: POST .agent.heartbeat/,
    breaks: [
      {
        file: 'http/agent-door.ts',
        find: 'if (head) append(tx, head, entries, hashing);',
        replace:
          "tx.set('agents', agentId, { ...agent, spec: { ...agent.spec, budgetCap: 200 } }); if (head) append(tx, head, entries, hashing);",
      },
    ],
  },
  {
    what: 'an agents\u2019 door that grants what is asked for (REQ-WSEC-04)',
    caught: /^7: POST .agent.requests/,
    breaks: [
      {
        file: 'http/agent-requests.ts',
        find: "state: 'waiting', askedAt: now });",
        replace:
          "state: 'approved', askedAt: now }); tx.set('grants', id, { id, planeId, ownerId, tools, channels, grantedBy: agentId, grantedAt: now });",
      },
    ],
  },
];

test.each(mistakes)(
  'catches $what',
  async ({ what, caught, breaks }) => {
    const { findViolation, range } = await loadSimulation(breaks);
    const found = await findViolation(range(1, 100), 200);
    process.stdout.write(
      `${what}: ${found ? `caught by history ${found.histories}: ${found.violation}` : 'not caught in 100 histories'}\n`,
    );
    expect(found?.violation).toMatch(caught);
  },
  120_000,
);
