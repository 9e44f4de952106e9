import { Hono, type Context } from 'hono';
import { z } from 'zod';
import { DirectoryError, toResponse } from './answers.ts';
import type { Callers } from './callers.ts';
import type { Calls } from './calls.ts';
import { actionSchema, type ConsoleAction } from './console-actions.ts';
import { faultsSchema, type Faults } from './faults.ts';
import { sinkSchema, type Sink } from './sink.ts';

export interface DoorsDeps {
  readonly faults: Faults;
  readonly sink: Sink;
  readonly calls: Calls;
  readonly callers: Callers;
  readonly act: (body: ConsoleAction) => void;
}

/** What Google does not have: the emulator's own doors, for tests, demonstrations and the console, below `/google/emulator`. */
export function createDoors({ faults, sink, calls, callers, act }: DoorsDeps): Hono {
  const app = new Hono();
  app.onError((error) => {
    if (error instanceof DirectoryError) return toResponse(error);
    if (error instanceof z.ZodError) return toResponse({ reason: 'invalid', message: z.prettifyError(error) });
    throw error;
  });

  app.get('/faults', (c) => c.json(faults.inForce()));
  app.post('/faults', async (c) => c.json(faults.set(await readBody(c, faultsSchema))));
  app.delete('/faults', (c) => c.json(faults.clear()));

  app.post('/console', async (c) => {
    const body = await readBody(c, actionSchema);
    callers.during(c.req.header('authorization'), () => act(body));
    return c.body(null, 204);
  });

  app.get('/sink', (c) => c.json(sink.target() ?? {}));
  app.post('/sink', async (c) => {
    sink.set(await readBody(c, sinkSchema));
    return c.json(sink.target());
  });
  app.delete('/sink', (c) => {
    sink.set(undefined);
    return c.body(null, 204);
  });

  app.get('/calls', (c) => c.json(calls.read()));
  app.delete('/calls', (c) => {
    calls.reset();
    return c.body(null, 204);
  });
  return app;
}

/** Checked here, handed on as it came: each part fills in its own defaults. */
async function readBody<T extends z.ZodType>(c: Context, schema: T): Promise<z.input<T>> {
  const text = await c.req.text();
  try {
    const body: unknown = JSON.parse(text);
    schema.parse(body);
    return body as z.input<T>;
  } catch (error) {
    if (error instanceof SyntaxError) throw new DirectoryError('parseError', 'Parse Error', { cause: error });
    throw error;
  }
}
