import { join } from 'node:path';
import { contract } from '../../shared/contract.ts';
import type { Json } from '../../functions/core/surroundings.ts';
import { readPlaneFile } from '../../scripts/local/plane-file.ts';
import { admin, changes, openScene, type Mutation } from './every-change.ts';

const sample = readPlaneFile(join(__dirname, '../../manifests/acme.planes.yaml'));

/** These look ahead or hand out a link, and change nothing that anybody has. */
const changesNothing: readonly Mutation[] = ['createPlan', 'createDownload'];

const isRecord = (value: unknown): value is Readonly<Record<string, Json>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Each told change that names what it is about, and is one. */
function told(detail: Json): readonly unknown[] {
  const listed = isRecord(detail) ? detail['changes'] : undefined;
  const all = Array.isArray(listed) ? (listed as readonly Json[]) : [];
  return all.filter(
    (each) =>
      isRecord(each) &&
      (typeof each['field'] === 'string' || typeof each['path'] === 'string') &&
      each['from'] !== undefined &&
      each['to'] !== undefined &&
      JSON.stringify(each['from']) !== JSON.stringify(each['to']),
  );
}

describe('the audit log of what somebody changed', () => {
  it.each(changes.map((change) => [`${change.operation} ${change.name}`.trim(), change] as const))(
    'says who, and from what to what, in each row of %s (REQ-WSEC-08)',
    async (_name, change) => {
      const { world, toRequest } = await openScene(change, sample);
      try {
        const before = new Set([...world.store.entries('audit')].map(([id]) => id));
        const answer = await world.app.fetch(toRequest({}));
        expect({ status: answer.status, text: await answer.text() }).toMatchObject({ status: contract[change.operation].status });
        const rows = [...world.store.entries('audit')].filter(([id, { actor }]) => !before.has(id) && actor.id === admin);
        const silent = rows.filter(([, { detail }]) => told(detail).length === 0).map(([, { action, detail }]) => ({ action, detail }));
        if (changesNothing.includes(change.operation)) return;
        expect(silent).toEqual([]);
        expect(rows.length).toBeGreaterThan(0);
      } finally {
        await world.close();
      }
    },
    30_000,
  );
});
