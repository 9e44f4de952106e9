import { z } from 'zod';
import { accessToken, listen, type HandClock } from './loopback.ts';

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;
const hourMs = 3_600_000;
const horizonMs = 30 * 24 * hourMs;

const taskSchema = z.strictObject({
  name: z.string(),
  scheduleTime: z.string().regex(rfc3339),
  dispatchDeadline: z
    .string()
    .regex(/^\d+(\.\d{1,9})?s$/)
    .refine((text) => Number.parseFloat(text) >= 15 && Number.parseFloat(text) <= 1800),
  httpRequest: z.strictObject({
    httpMethod: z.literal('POST'),
    url: z.url({ protocol: /^https?$/ }).max(2083),
    headers: z.record(z.string(), z.string()),
    body: z.base64(),
    oidcToken: z.strictObject({ serviceAccountEmail: z.email(), audience: z.string().min(1) }),
  }),
});
type Task = z.infer<typeof taskSchema>;

export interface CloudTasksOptions {
  readonly queue: string;
  readonly clock: HandClock;
  readonly token: (claims: Readonly<Record<string, unknown>>) => string;
  /** How often a task is tried before it is given up. */
  readonly mostAttempts?: number;
  /** How long a name stays refused after its task is gone. */
  readonly nameMs?: number;
}

const refuse = (code: number, status: string, message: string): Response =>
  Response.json({ error: { code, status, message } }, { status: code });

/** Stands where Google Cloud Tasks is: refuses whatever its published contract refuses, and delivers at least once when told to. */
export async function createCloudTasks({ queue, clock, token, mostAttempts = 3, nameMs = hourMs }: CloudTasksOptions) {
  const waiting = new Map<string, { readonly task: Task; at: number; attempts: number }>();
  const gone = new Map<string, number>();
  const created: Task[] = [];
  const folded: string[] = [];
  const deliveries: { readonly body: string; readonly at: number; readonly status: number }[] = [];
  const faults: number[] = [];
  const doubled = { on: false };

  function create(task: Task): Response {
    const at = Date.parse(task.scheduleTime);
    const prefix = `${queue}/tasks/`;
    if (!task.name.startsWith(prefix) || !/^[\w-]{1,500}$/.test(task.name.slice(prefix.length)))
      return refuse(400, 'INVALID_ARGUMENT', `name ${task.name}`);
    if (at > clock.now() + horizonMs) return refuse(400, 'INVALID_ARGUMENT', 'scheduleTime is too far in the future');
    if (waiting.has(task.name) || (gone.get(task.name) ?? -Infinity) + nameMs > clock.now()) {
      folded.push(task.name);
      return refuse(409, 'ALREADY_EXISTS', 'The task cannot be created because a task with this name existed too recently.');
    }
    created.push(task);
    waiting.set(task.name, { task, at: Math.max(at, clock.now()), attempts: 0 });
    return Response.json({ ...task, createTime: new Date(clock.now()).toISOString(), view: 'BASIC' });
  }

  const origin = await listen(async (request) => {
    const authorization = request.headers.get('authorization');
    const fault = faults.shift();
    if (fault !== undefined) return refuse(fault, 'UNAVAILABLE', `not now, ${authorization}`);
    if (authorization !== `Bearer ${accessToken}`) return refuse(401, 'UNAUTHENTICATED', 'no token');
    if (request.method !== 'POST' || new URL(request.url).pathname !== `/v2/${queue}/tasks`) return refuse(404, 'NOT_FOUND', request.url);
    const parsed = z.strictObject({ task: taskSchema }).safeParse(await request.json());
    return parsed.success ? create(parsed.data.task) : refuse(400, 'INVALID_ARGUMENT', parsed.error.message);
  });

  async function dispatch({ name, httpRequest }: Task, attempts: number): Promise<boolean> {
    const { serviceAccountEmail: email, audience } = httpRequest.oidcToken;
    const body = Buffer.from(httpRequest.body, 'base64').toString();
    const response = await fetch(httpRequest.url, {
      method: 'POST',
      body,
      headers: {
        ...httpRequest.headers,
        'user-agent': 'Google-Cloud-Tasks',
        'x-cloudtasks-taskname': name.split('/').at(-1) ?? '',
        'x-cloudtasks-taskretrycount': String(attempts),
        authorization: `Bearer ${token({ aud: audience, email })}`,
      },
    });
    deliveries.push({ body, at: clock.now(), status: response.status });
    return response.ok;
  }

  /** Lets time pass to `until`, delivering what is scheduled up to there; what is not answered with 2xx comes again, 1 s, 2 s … later. */
  async function run(until: number): Promise<void> {
    for (let step = 0; step < 1000; step += 1) {
      const [next] = [...waiting.values()].sort((a, b) => a.at - b.at);
      if (!next || next.at > until) break;
      clock.pass(Math.max(0, next.at - clock.now()));
      const done = await dispatch(next.task, next.attempts);
      if (doubled.on) await dispatch(next.task, next.attempts);
      next.attempts += 1;
      next.at = clock.now() + 1000 * 2 ** (next.attempts - 1);
      if (!done && next.attempts < mostAttempts) continue;
      waiting.delete(next.task.name);
      gone.set(next.task.name, clock.now());
    }
    clock.pass(Math.max(0, until - clock.now()));
  }

  return {
    rootUrl: `${origin}/`,
    created,
    /** Names that were refused because they had been used. */
    folded,
    deliveries,
    /** Statuses that the next creates are answered with. */
    faults,
    doubled,
    waiting: () => waiting.size,
    /** Loses every task, as purging the queue does. */
    purge(): void {
      for (const name of waiting.keys()) gone.set(name, clock.now());
      waiting.clear();
    },
    run,
  };
}
