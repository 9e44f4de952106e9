import { renderAction, renderCard } from './card-service.ts';
import { answerAction, answerHomepage, type Host } from './dispatch.ts';

const host = (): Host => ({
  property: (name) => PropertiesService.getScriptProperties().getProperty(name),
  identityToken: () => ScriptApp.getIdentityToken(),
  fetcher: UrlFetchApp,
  nowMs: Date.now(),
  log: (error) => {
    console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
  },
});

export function onHomepage(): GoogleAppsScript.Card_Service.Card {
  return renderCard(answerHomepage(host()));
}

export function onAction(event: unknown): GoogleAppsScript.Card_Service.ActionResponse {
  return renderAction(answerAction(host(), event));
}
