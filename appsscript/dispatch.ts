import type { ActionName, Actions } from './actions.ts';
import { createBackend, type Fetcher } from './backend.ts';
import type { Card, RenderedAction } from './card.ts';
import { messageCard, type Message } from './cards/message.ts';
import { bugInAddOn, nobodySignedIn, notSetUp } from './failures.ts';
import { createFormats, type Place } from './formats.ts';
import { drawHome, firstPage } from './handlers/home.ts';
import { handlers } from './handlers/index.ts';
import type { Form, Surroundings } from './handlers/surroundings.ts';
import { callsFor } from './calls/index.ts';

/** What Apps Script lends for one execution. */
export interface Host {
  readonly property: (name: string) => string | null;
  readonly identityToken: () => string | null;
  readonly fetcher: Fetcher;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: (error: unknown) => void;
}

const fields = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []);

interface ParsedEvent {
  readonly parameters: Record<string, string>;
  readonly form: Form;
  readonly place: Place;
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** Reads `commonEventObject` alone: the event's top-level forms of the same are deprecated. */
function parseEvent(event: unknown): ParsedEvent {
  const common = fields(fields(event)['commonEventObject']);
  const parameters: Record<string, string> = {};
  for (const [key, value] of Object.entries(fields(common['parameters']))) if (typeof value === 'string') parameters[key] = value;
  const form: Record<string, string[]> = {};
  for (const [name, input] of Object.entries(fields(common['formInputs'])))
    form[name] = texts(fields(fields(input)['stringInputs'])['value']);
  return { parameters, form, place: { locale: textOf(common['userLocale']), timeZone: textOf(fields(common['timeZone'])['id']) } };
}

const isActionName = (name: string | undefined): name is ActionName => name !== undefined && Object.keys(handlers).includes(name);

function surroundingsOf(host: Host, place: Place): Surroundings | Message {
  const startedMs = host.now();
  const baseUrl = host.property('backendUrl');
  const planeId = host.property('planeId');
  if (!baseUrl || !planeId) return notSetUp;
  const token = host.identityToken();
  if (!token) return nobodySignedIn;
  const elapsedMs = (): number => host.now() - startedMs;
  return {
    backend: createBackend({ baseUrl, token, fetcher: host.fetcher, elapsedMs }),
    calls: callsFor(planeId),
    planeId,
    formats: createFormats(place, startedMs),
    nowMs: startedMs,
  };
}

const isMessage = (value: Surroundings | Message): value is Message => 'title' in value;

/** The card a host shows first. Never throws: what goes wrong is a card too. */
export function answerHomepage(host: Host, event: unknown): Card {
  try {
    const surroundings = surroundingsOf(host, parseEvent(event).place);
    return isMessage(surroundings) ? messageCard(surroundings, []) : drawHome(firstPage, surroundings);
  } catch (error) {
    host.log(error);
    return messageCard(bugInAddOn, []);
  }
}

/** One click. Never throws: what goes wrong is a card too. */
export function answerAction(host: Host, event: unknown): RenderedAction {
  const show = (message: Message): RenderedAction => ({ action: { navigations: [{ pushCard: messageCard(message, []) }] } });
  try {
    const { parameters, form, place } = parseEvent(event);
    const surroundings = surroundingsOf(host, place);
    if (isMessage(surroundings)) return show(surroundings);
    const name = parameters['do'];
    if (!isActionName(name)) return show(bugInAddOn);
    return run(name, parameters, form, surroundings);
  } catch (error) {
    host.log(error);
    return show(bugInAddOn);
  }
}

/** The parse edge: every card makes its parameters with `toAction`, which knows their types by name. */
function run<K extends ActionName>(name: K, parameters: Record<string, string>, form: Form, surroundings: Surroundings): RenderedAction {
  return handlers[name](parameters as unknown as Actions[K], form, surroundings);
}
