import type { Hono } from 'hono';
import { html } from 'hono/html';
import type { Credentials } from '../core/credentials.ts';
import { PlaneError } from '../core/errors.ts';
import type { Store } from '../core/store.ts';
import type { Clock, Log } from '../core/surroundings.ts';
import { toProblemResponse } from './problems.ts';
import { readAgentView } from './views.ts';

export interface OwnerPageDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly credentials: Credentials;
  readonly requestId: () => string;
}

const page = (title: string, body: unknown) =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>${title}</title>
        <style>
          body {
            font:
              16px/1.5 system-ui,
              sans-serif;
            max-width: 34rem;
            margin: 3rem auto;
            padding: 0 1rem;
            color: #202124;
          }
        </style>
      </head>
      <body>
        <h1>${title}</h1>
        ${body}
      </body>
    </html>`;

/** The page behind the link in an introduction: the owner sees how the agent stands, without signing in anywhere. */
export function mountOwnerPage(app: Hono, { store, clock, log, credentials, requestId }: OwnerPageDeps): void {
  app.get('/me/:token', async (c) => {
    try {
      const { agent } = await credentials.check(c.req.param('token'), 'link');
      const view = await readAgentView(agent, store, clock.now());
      const { tools, channels } = agent.spec;
      c.header('cache-control', 'no-store');
      return await c.html(
        page(
          agent.name,
          html`<p>Your agent is <strong>${view.phase}</strong>${view.detail === null ? '' : `: ${view.detail}`}.</p>
            <p>It may use: ${tools.join(', ') || 'nothing yet'}. You can reach it by: ${channels.join(', ') || 'no channel yet'}.</p>
            <p>To talk to it, reply to the mail that brought you here.</p>`,
        ),
      );
    } catch (error) {
      if (!(error instanceof PlaneError) || error.code !== 'unauthenticated')
        return toProblemResponse(error, requestId(), log, { hideFaults: true });
      const body = html`<p>This link is no longer valid. Ask your Workspace admin if you expected an agent here.</p>`;
      return c.html(page('Link expired', body), 401);
    }
  });
}
