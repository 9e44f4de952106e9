import type { HttpBindings } from '@hono/node-server';
import type { Context, Hono } from 'hono';
import type { CostReport } from '../../shared/contract.ts';
import { toCostCsv } from '../cost/csv.ts';
import { PlaneError } from '../core/errors.ts';
import type { Clock, Log } from '../core/surroundings.ts';
import type { Handlers } from './handlers.ts';
import { toProblemResponse } from './problems.ts';
import { addressOf } from './request.ts';
import type { Claims, Tickets } from './tickets.ts';

export interface DownloadDeps {
  readonly tickets: Tickets;
  /** The plane's address as browsers reach it. */
  readonly publicUrl: string;
}

const path = '/v1/downloads/';

/** REQ-WS-05: the cost report as a file, for a side panel that cannot hold one. */
export function createDownloadHandlers({ tickets, publicUrl }: DownloadDeps): Pick<Handlers, 'createDownload'> {
  return {
    async createDownload({ params: { planeId }, body: { period, by }, actor, authorize, sent }) {
      await authorize();
      const { ticket, expiresAt } = await tickets.issue({ planeId, period, by }, actor, sent);
      return { url: `${publicUrl.replace(/\/+$/, '')}${path}${ticket}`, expiresAt };
    },
  };
}

export interface DownloadDoor extends Pick<DownloadDeps, 'tickets'> {
  readonly clock: Clock;
  readonly log: Log;
  readonly requestId: () => string;
  readonly callMs: number;
  readonly forwardedHops: number | undefined;
  readonly report: (claims: Claims, signal: AbortSignal) => Promise<CostReport>;
}

/** Opened by a browser with nothing but the link. Mounted before the API, which would ask it for a token. */
export function mountDownloads(app: Hono, { tickets, clock, log, requestId, callMs, forwardedHops, report }: DownloadDoor): void {
  app.get(`${path}:ticket`, async (c: Context<{ Bindings: Partial<HttpBindings> }>) => {
    try {
      // What looks ahead at links, such as a chat's preview, must not use one up.
      if (c.req.raw.method !== 'GET') throw new PlaneError('invalid', 'cannot look at a download beforehand: open it with GET');
      const claims = await tickets.redeem(c.req.param('ticket') ?? '', addressOf(c.req.raw, c.env?.incoming, forwardedHops));
      const made = await report(claims, clock.deadline(callMs));
      return c.body(toCostCsv(made), 200, {
        'content-type': 'text/csv; charset=utf-8',
        'content-disposition': `attachment; filename="costs-${made.planeId}-${made.from}-${made.to}-${made.by}.csv"`,
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
      });
    } catch (error) {
      return toProblemResponse(error, requestId(), log);
    }
  });
}
