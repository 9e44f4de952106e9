import { readFile } from 'node:fs/promises';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import type { Card, RenderedAction } from '../../appsscript/card.ts';
import { answerAction, type Host } from '../../appsscript/dispatch.ts';
import type { ActionName, Actions } from '../../appsscript/actions.ts';
import { createCardService } from '../../scripts/local/preview/card-service.ts';
import { nowMs, pageOf, planeOf, userOf } from './company.ts';

export interface SentRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly payload?: string;
}
export interface Reply {
  readonly status: number;
  readonly body: string;
}
export const json = (status: number, value: unknown): Reply => ({ status, body: JSON.stringify(value) });
export const problem = (status: number, code: string, detail: string): Reply =>
  json(status, { type: 'about:blank', title: code, status, code, detail, requestId: 'req-7' });

/** A backend that works: person 7 has an agent, and so have `count` others. */
export const working =
  (count = 2) =>
  ({ url, method }: SentRequest): Reply => {
    const { pathname, searchParams } = new URL(url);
    if (pathname === '/v1/planes') return json(200, { planes: [planeOf(count)] });
    if (pathname === '/v1/planes/acme/agents') {
      return json(200, pageOf(count, searchParams.get('cursor') ?? '', Number(searchParams.get('limit'))));
    }
    if (pathname.startsWith('/v1/planes/acme/users/')) return json(method === 'patch' ? 202 : 200, userOf(7));
    if (pathname.endsWith('/restart')) return json(202, userOf(7).agent);
    return problem(404, 'not_found', `nothing at ${pathname}`);
  };

/** Apps Script with a fake UrlFetchApp; `sent` records every call. */
export function createHost(reply: (request: SentRequest) => Reply, changes: Partial<Host> = {}) {
  const sent: SentRequest[] = [];
  const logged: unknown[] = [];
  const host: Host = {
    property: (name) => ({ backendUrl: 'https://plane.acme.test', planeId: 'acme' })[name] ?? null,
    identityToken: () => 'token-of-admin',
    nowMs,
    log: (error) => logged.push(error),
    fetcher: {
      fetchAll: (requests) =>
        requests.map((request) => {
          sent.push(request);
          const { status, body } = reply(request);
          return { getResponseCode: () => status, getContentText: () => body };
        }),
    },
    ...changes,
  };
  return { host, sent, logged };
}

export const eventOf = <K extends ActionName>(name: K, parameters: Actions[K], form: Record<string, string> = {}) => ({
  commonEventObject: {
    parameters: { do: name, ...parameters },
    formInputs: Object.fromEntries(Object.entries(form).map(([field, value]) => [field, { stringInputs: { value: [value] } }])),
  },
});

export const click = <K extends ActionName>(host: Host, name: K, parameters: Actions[K], form?: Record<string, string>): RenderedAction =>
  answerAction(host, eventOf(name, parameters, form));

export function cardsIn({ action }: RenderedAction): Card[] {
  return (action.navigations ?? []).flatMap((step) =>
    'pushCard' in step ? [step.pushCard] : 'updateCard' in step ? [step.updateCard] : [],
  );
}

/** All text of a card, tags and all. */
export const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'object' && value !== null ? Object.values(value).map(textOf).join('\n') : '';

/** Calls one function of `appsscript/card-service.ts` over the recording CardService and gives what it recorded. */
export async function createAdapter(): Promise<(name: 'renderCard' | 'renderAction', value: unknown) => unknown> {
  const bundle = await build({
    entryPoints: ['appsscript/card-service.ts'],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'adapter',
    target: 'es2019',
  });
  return (name, value) => {
    const { service, read } = createCardService((message) => new Error(message));
    const context = createContext({ CardService: service });
    runInContext(bundle.outputFiles[0]?.text ?? '', context);
    return read(runInContext(`adapter.${name}(${JSON.stringify(value)})`, context))?.json;
  };
}

export const readManifest = async (): Promise<string> => readFile('manifests/appsscript.json', 'utf8');
