import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import type { z } from 'zod';
import { contract, type Answer, type Contract, type ContractRow, type Operation } from '../../shared/contract.ts';
import { errorTable, PlaneError } from '../../functions/core/errors.ts';

type Input<O extends Operation> = {
  readonly params: z.infer<Contract[O]['params']>;
  readonly query: z.infer<Contract[O]['query']>;
  readonly body: Contract[O] extends { body: infer B extends z.ZodType } ? z.infer<B> : undefined;
};
export type LoopbackRows = { readonly [O in Operation]?: (input: Input<O>) => Answer<O> | Promise<Answer<O>> };

export interface Heard {
  readonly operation: Operation;
  readonly key: string | undefined;
  readonly body: unknown;
}

/** A plane by the contract alone: what comes in and what goes out is held against its schemas. */
export async function openLoopback(rows: LoopbackRows, port = 0) {
  const app = new Hono();
  const heard: Heard[] = [];
  const known = Object.keys(contract) as Operation[];
  for (const operation of known) {
    const row: ContractRow = contract[operation];
    app.on(row.method.toUpperCase(), row.path.replaceAll(/\{(\w+)\}/g, ':$1'), async (c) => {
      try {
        const handle = rows[operation] as ((input: unknown) => unknown) | undefined;
        if (!handle) throw new PlaneError('internal', `the loopback plane has no ${operation}`);
        const body: unknown = row.body ? JSON.parse((await c.req.text()) || '{}') : undefined;
        heard.push({ operation, key: c.req.header('idempotency-key'), body });
        const input = { params: row.params.parse(c.req.param()), query: row.query.parse(c.req.query()), body: row.body?.parse(body) };
        const answer = row.answer.parse(await handle(input));
        if (row.produces !== undefined) return c.body(String(answer), 200, { 'content-type': row.produces });
        return c.json(answer as object, row.status);
      } catch (error) {
        const code = error instanceof PlaneError ? error.code : 'internal';
        const { status } = errorTable[code];
        const detail = error instanceof Error ? error.message : String(error);
        return c.json({ type: 'about:blank', title: code, status, code, detail, requestId: 'r' }, status);
      }
    });
  }
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server;
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('no address');
  return {
    url: `http://127.0.0.1:${address.port}`,
    heard,
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}
