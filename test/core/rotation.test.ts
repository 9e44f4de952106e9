import { rotateOld } from '../../functions/core/rotation.ts';
import { pauseAgent } from '../../functions/core/verbs.ts';
import { openCompany, toPlane } from '../directory/company.ts';

const dayMs = 24 * 3_600_000;
const signal = new AbortController().signal;
const ctx = { signal, log: { info: () => undefined, warn: () => undefined } };

it('rotates what the plane makes itself when it is ninety days old, and not before (REQ-MAINT-04)', async () => {
  const company = openCompany(toPlane([]));
  for (const id of [1, 2]) company.hire(id, '/', { agentEnabled: true });
  await company.begin();
  const versionOf = async (id: string) => (await company.store.get('agents', company.agentIdOf(id)))?.secretsVersion;
  const deps = { ...company.deps, planeId: 'acme' };
  await company.pass(89 * dayMs);
  expect(await rotateOld(90 * dayMs, deps, ctx)).toBe(0);
  const paused = await company.store.get('agents', company.agentIdOf('1002'));
  if (paused) await pauseAgent(paused, { kind: 'user', id: 'admin' }, 'holiday', deps);
  await company.pass(2 * dayMs);
  expect(await rotateOld(90 * dayMs, deps, ctx)).toBe(1);
  expect(await rotateOld(90 * dayMs, deps, ctx)).toBe(0);
  expect([await versionOf('1001'), await versionOf('1002')]).toEqual([2, 1]);
});
