import type { ActionName, Actions } from './actions.ts';
import { createBackend, type Fetcher } from './backend.ts';
import type { Card, RenderedAction } from './card.ts';
import { messageCard, type Message } from './cards/message.ts';
import { bugInAddOn, nobodySignedIn, notSetUp } from './failures.ts';
import { drawHome, handlers, type Form, type Surroundings } from './handlers.ts';

/** What Apps Script lends for one execution. */
export interface Host {
  readonly property: (name: string) => string | null;
  readonly identityToken: () => string | null;
  readonly fetcher: Fetcher;
  readonly nowMs: number;
  readonly log: (error: unknown) => void;
}

const fields = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []);

/** Reads `commonEventObject` alone: the event's top-level forms of the same are deprecated. */
function parseEvent(event: unknown): { parameters: Record<string, string>; form: Form } {
  const common = fields(fields(event)['commonEventObject']);
  const parameters: Record<string, string> = {};
  for (const [key, value] of Object.entries(fields(common['parameters']))) if (typeof value === 'string') parameters[key] = value;
  const form: Record<string, string[]> = {};
  for (const [name, input] of Object.entries(fields(common['formInputs'])))
    form[name] = texts(fields(fields(input)['stringInputs'])['value']);
  return { parameters, form };
}

const isActionName = (name: string | undefined): name is ActionName => name !== undefined && Object.keys(handlers).includes(name);

function surroundingsOf(host: Host): Surroundings | Message {
  const baseUrl = host.property('backendUrl');
  const planeId = host.property('planeId');
  if (!baseUrl || !planeId) return notSetUp;
  const token = host.identityToken();
  if (!token) return nobodySignedIn;
  return { backend: createBackend({ baseUrl, token, fetcher: host.fetcher }), planeId, nowMs: host.nowMs };
}

const isMessage = (value: Surroundings | Message): value is Message => 'title' in value;

/** The card a host shows first. Never throws: what goes wrong is a card too. */
export function answerHomepage(host: Host): Card {
  try {
    const surroundings = surroundingsOf(host);
    return isMessage(surroundings) ? messageCard(surroundings, []) : drawHome({ cursor: '', back: '[]' }, surroundings);
  } catch (error) {
    host.log(error);
    return messageCard(bugInAddOn, []);
  }
}

/** One click. Never throws: what goes wrong is a card too. */
export function answerAction(host: Host, event: unknown): RenderedAction {
  const show = (message: Message): RenderedAction => ({ action: { navigations: [{ pushCard: messageCard(message, []) }] } });
  try {
    const surroundings = surroundingsOf(host);
    if (isMessage(surroundings)) return show(surroundings);
    const { parameters, form } = parseEvent(event);
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
