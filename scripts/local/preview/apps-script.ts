import { randomUUID } from 'node:crypto';
import type { ToException } from './card-service.ts';

export interface FetchRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface FetchAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** `unreachable` where no answer came. */
export type Fetched = FetchAnswer | { readonly unreachable: true };

export interface Execution {
  readonly user: string;
  readonly token: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly cache: Map<string, string>;
  /** Blocks until all have answered, as UrlFetchApp does. */
  readonly fetchAll: (requests: readonly FetchRequest[]) => readonly Fetched[];
  readonly log: (line: string) => void;
  readonly toException: ToException;
}

const knownOptions = new Set([
  'url',
  'method',
  'headers',
  'payload',
  'contentType',
  'muteHttpExceptions',
  'followRedirects',
  'validateHttpsCertificates',
]);

/** The globals of Apps Script that an add-on like ours may use, CardService aside. */
export function createGlobals({ user, token, properties, cache, fetchAll, log, toException }: Execution): Readonly<Record<string, object>> {
  const print = (...values: unknown[]): void => {
    log(values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(' '));
  };

  function toRequest(input: unknown): { request: FetchRequest; mute: boolean } {
    const options = (typeof input === 'string' ? { url: input } : input) as Readonly<Record<string, unknown>>;
    const unknown = Object.keys(options).filter((key) => !knownOptions.has(key));
    const { url, method = 'get', headers = {}, payload, contentType } = options;
    if (typeof url !== 'string' || typeof method !== 'string' || unknown.length > 0) {
      throw toException(`Attribute provided with invalid value: ${unknown.join(', ') || 'url'}`);
    }
    const type = typeof contentType === 'string' ? { 'Content-Type': contentType } : {};
    return {
      request: {
        url,
        method: method.toUpperCase(),
        headers: { ...(headers as Record<string, string>), ...type },
        ...(typeof payload === 'string' ? { body: payload } : {}),
      },
      mute: options['muteHttpExceptions'] === true,
    };
  }

  function fetchMany(inputs: readonly unknown[]): object[] {
    const wanted = inputs.map(toRequest);
    const answers = fetchAll(wanted.map(({ request }) => request));
    return wanted.map(({ request, mute }, at) => {
      const answer = answers[at];
      if (!answer || 'unreachable' in answer) throw toException(`Address unavailable: ${request.url}`);
      if (!mute && answer.status >= 400) {
        const start = answer.body.slice(0, 100);
        throw toException(`Request failed for ${request.url} returned code ${answer.status}. Truncated server response: ${start}`);
      }
      return {
        getResponseCode: () => answer.status,
        getContentText: () => answer.body,
        getHeaders: () => answer.headers,
      };
    });
  }

  const scriptCache = {
    get: (key: string) => cache.get(key) ?? null,
    put: (key: string, value: string) => void cache.set(key, value),
    remove: (key: string) => void cache.delete(key),
  };
  const scriptProperties = {
    getProperty: (name: string) => properties[name] ?? null,
    getProperties: () => ({ ...properties }),
  };
  return {
    UrlFetchApp: { fetch: (url: string, options: object = {}) => fetchMany([{ ...options, url }])[0], fetchAll: fetchMany },
    ScriptApp: { getIdentityToken: () => token },
    PropertiesService: { getScriptProperties: () => scriptProperties },
    CacheService: { getScriptCache: () => scriptCache, getUserCache: () => scriptCache },
    Session: {
      getActiveUser: () => ({ getEmail: () => user }),
      getEffectiveUser: () => ({ getEmail: () => user }),
      getActiveUserLocale: () => 'en',
      getScriptTimeZone: () => 'Etc/UTC',
    },
    Utilities: { getUuid: () => randomUUID(), base64Encode: (text: string) => Buffer.from(text).toString('base64') },
    Logger: { log: print },
    console: { log: print, info: print, warn: print, error: print },
  };
}
