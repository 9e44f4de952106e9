import { renderAction, renderCard } from './card-service.ts';
import { messageCard } from './cards/message.ts';
import { bugInAddOn } from './failures.ts';
import { answerAction, answerHomepage, type Host } from './dispatch.ts';

const log = (error: unknown): void => {
  console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
};

const host = (): Host => ({
  property: (name) => PropertiesService.getScriptProperties().getProperty(name),
  identityToken: () => ScriptApp.getIdentityToken(),
  fetcher: UrlFetchApp,
  now: () => Date.now(),
  log,
});

/** What CardService refuses would show as an error of Google's; a card of ours says more. */
function safely<T>(draw: () => T, otherwise: () => T): T {
  try {
    return draw();
  } catch (error) {
    log(error);
    return otherwise();
  }
}

const stumbled = messageCard(bugInAddOn, []);

export function onHomepage(event: unknown): GoogleAppsScript.Card_Service.Card {
  return safely(
    () => renderCard(answerHomepage(host(), event)),
    () => renderCard(stumbled),
  );
}

export function onAction(event: unknown): GoogleAppsScript.Card_Service.ActionResponse {
  return safely(
    () => renderAction(answerAction(host(), event)),
    () => renderAction({ action: { navigations: [{ pushCard: stumbled }] } }),
  );
}
