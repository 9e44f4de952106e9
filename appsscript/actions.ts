import type { Action, Button, OnClick } from './card.ts';

/** Everything a click can ask for, with the parameters it carries (Apps Script passes strings alone). */
export interface Actions {
  readonly home: { readonly cursor: string; readonly back: string };
  readonly findUser: Readonly<Record<never, string>>;
  readonly openUser: { readonly user: string };
  readonly showUser: { readonly user: string };
  readonly switchAgent: { readonly user: string };
  readonly switchOff: { readonly user: string };
  readonly restart: { readonly user: string; readonly agentId: string };
}
export type ActionName = keyof Actions;

/** Names of form fields. */
export const emailField = 'email';
export const enabledField = 'enabled';

export function toAction<K extends ActionName>(name: K, parameters: Actions[K]): Action {
  return {
    function: 'onAction',
    parameters: [{ key: 'do', value: name }, ...Object.entries<string>(parameters).map(([key, value]) => ({ key, value }))],
    loadIndicator: 'SPINNER',
  };
}

export const toClick = <K extends ActionName>(name: K, parameters: Actions[K]): OnClick => ({ action: toAction(name, parameters) });

export const toButton = <K extends ActionName>(
  text: string,
  name: K,
  parameters: Actions[K],
  look: Pick<Button, 'type' | 'disabled' | 'altText'> = {},
): Button => ({ text, ...look, onClick: toClick(name, parameters) });
