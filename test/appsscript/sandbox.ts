import { readFile } from 'node:fs/promises';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import type { Card, RenderedAction } from '../../appsscript/card.ts';
import { answerAction, type Host } from '../../appsscript/dispatch.ts';
import type { ActionName, Actions } from '../../appsscript/actions.ts';
import { createCardService } from '../../scripts/local/preview/card-service.ts';
import { nowMs } from './company.ts';
import type { Reply, SentRequest } from './plane-double.ts';

export { json, problem, working, type Reply, type SentRequest } from './plane-double.ts';

/** Apps Script with a fake UrlFetchApp; `sent` records every call. */
export function createHost(reply: (request: SentRequest) => Reply, changes: Partial<Host> = {}) {
  const sent: SentRequest[] = [];
  /** How many requests each round trip took along. */
  const trips: number[] = [];
  const logged: unknown[] = [];
  const host: Host = {
    property: (name) => ({ backendUrl: 'https://plane.acme.test', planeId: 'acme' })[name] ?? null,
    identityToken: () => 'token-of-admin',
    now: () => nowMs,
    log: (error) => logged.push(error),
    fetcher: {
      fetchAll: (requests) => {
        trips.push(requests.length);
        return requests.map((request) => {
          sent.push(request);
          const { status, body } = reply(request);
          return { getResponseCode: () => status, getContentText: () => body };
        });
      },
    },
    ...changes,
  };
  return { host, sent, trips, logged };
}

export type FormValues = Readonly<Record<string, string | readonly string[]>>;

export const eventOf = <K extends ActionName>(name: K, parameters: Actions[K], form: FormValues = {}) => ({
  commonEventObject: {
    parameters: { do: name, ...parameters },
    formInputs: Object.fromEntries(Object.entries(form).map(([field, value]) => [field, { stringInputs: { value: [value].flat() } }])),
  },
});

export const click = <K extends ActionName>(host: Host, name: K, parameters: Actions[K], form?: FormValues): RenderedAction =>
  answerAction(host, eventOf(name, parameters, form));

/** Every action that can be clicked on something drawn, with its parameters. */
export function actionsIn(value: unknown): { readonly function: string; readonly parameters: Readonly<Record<string, string>> }[] {
  if (typeof value !== 'object' || value === null) return [];
  const own =
    'function' in value && typeof value.function === 'string' && 'parameters' in value && Array.isArray(value.parameters)
      ? [
          {
            function: value.function,
            parameters: Object.fromEntries((value.parameters as { key: string; value: string }[]).map((one) => [one.key, one.value])),
          },
        ]
      : [];
  return [...own, ...Object.values(value).flatMap(actionsIn)];
}
/** The names of everything that can be clicked. */
export const verbsIn = (value: unknown): string[] => actionsIn(value).map(({ parameters }) => parameters['do'] ?? '');

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
