import type {
  Action,
  Button,
  Card,
  DecoratedText,
  Grid,
  Navigation,
  OnClick,
  RenderedAction,
  Section,
  SelectionInput,
  TextInput,
  Widget,
} from './card.ts';

/** Card v1 JSON as CardService objects: the only place that knows CardService. */
export function renderCard(card: Card): GoogleAppsScript.Card_Service.Card {
  const builder = CardService.newCardBuilder();
  if (card.name !== undefined) builder.setName(card.name);
  if (card.header) {
    const header = CardService.newCardHeader().setTitle(card.header.title);
    if (card.header.subtitle !== undefined) header.setSubtitle(card.header.subtitle);
    builder.setHeader(header);
  }
  for (const section of card.sections) builder.addSection(renderSection(section));
  if (card.fixedFooter) {
    const { primaryButton, secondaryButton } = card.fixedFooter;
    const footer = CardService.newFixedFooter().setPrimaryButton(renderButton(primaryButton));
    if (secondaryButton) footer.setSecondaryButton(renderButton(secondaryButton));
    builder.setFixedFooter(footer);
  }
  return builder.build();
}

export function renderAction({ action, stateChanged }: RenderedAction): GoogleAppsScript.Card_Service.ActionResponse {
  const builder = CardService.newActionResponseBuilder();
  if (action.navigations) builder.setNavigation(action.navigations.reduce(navigate, CardService.newNavigation()));
  if (action.notification) builder.setNotification(CardService.newNotification().setText(action.notification.text));
  if (action.link) builder.setOpenLink(CardService.newOpenLink().setUrl(action.link.url));
  if (stateChanged !== undefined) builder.setStateChanged(stateChanged);
  return builder.build();
}

function navigate(navigation: GoogleAppsScript.Card_Service.Navigation, step: Navigation): GoogleAppsScript.Card_Service.Navigation {
  if ('pushCard' in step) return navigation.pushCard(renderCard(step.pushCard));
  if ('updateCard' in step) return navigation.updateCard(renderCard(step.updateCard));
  return 'pop' in step ? navigation.popCard() : navigation.popToRoot();
}

function renderSection({ header, collapsible, uncollapsibleWidgetsCount, widgets }: Section): GoogleAppsScript.Card_Service.CardSection {
  const section = CardService.newCardSection();
  if (header !== undefined) section.setHeader(header);
  if (collapsible !== undefined) section.setCollapsible(collapsible);
  if (uncollapsibleWidgetsCount !== undefined) section.setNumUncollapsibleWidgets(uncollapsibleWidgetsCount);
  for (const widget of widgets) section.addWidget(renderWidget(widget));
  return section;
}

function renderWidget(widget: Widget): GoogleAppsScript.Card_Service.Widget {
  if ('textParagraph' in widget) return CardService.newTextParagraph().setText(widget.textParagraph.text);
  if ('decoratedText' in widget) return renderDecoratedText(widget.decoratedText);
  if ('textInput' in widget) return renderTextInput(widget.textInput);
  if ('selectionInput' in widget) return renderSelectionInput(widget.selectionInput);
  if ('grid' in widget) return renderGrid(widget.grid);
  if ('divider' in widget) return CardService.newDivider();
  return widget.buttonList.buttons.reduce((set, button) => set.addButton(renderButton(button)), CardService.newButtonSet());
}

function renderDecoratedText(json: DecoratedText): GoogleAppsScript.Card_Service.DecoratedText {
  const widget = CardService.newDecoratedText().setText(json.text);
  if (json.topLabel !== undefined) widget.setTopLabel(json.topLabel);
  if (json.bottomLabel !== undefined) widget.setBottomLabel(json.bottomLabel);
  if (json.wrapText !== undefined) widget.setWrapText(json.wrapText);
  if (json.startIcon) {
    const icon = CardService.newIconImage().setMaterialIcon(CardService.newMaterialIcon().setName(json.startIcon.materialIcon.name));
    if (json.startIcon.altText !== undefined) icon.setAltText(json.startIcon.altText);
    widget.setStartIcon(icon);
  }
  if (json.button) widget.setButton(renderButton(json.button));
  if (json.switchControl) {
    const { name, value, selected, controlType, onChangeAction } = json.switchControl;
    widget.setSwitchControl(
      CardService.newSwitch()
        .setFieldName(name)
        .setValue(value)
        .setSelected(selected)
        .setControlType(CardService.SwitchControlType[controlType])
        .setOnChangeAction(toServiceAction(onChangeAction)),
    );
  }
  return json.onClick ? setClick(widget, json.onClick) : widget;
}

function renderTextInput({ name, label, hintText, value }: TextInput): GoogleAppsScript.Card_Service.TextInput {
  const widget = CardService.newTextInput().setFieldName(name).setTitle(label);
  if (hintText !== undefined) widget.setHint(hintText);
  if (value !== undefined) widget.setValue(value);
  return widget;
}

function renderSelectionInput({ name, label, type, items, onChangeAction }: SelectionInput): GoogleAppsScript.Card_Service.SelectionInput {
  const widget = CardService.newSelectionInput().setFieldName(name).setTitle(label).setType(CardService.SelectionInputType[type]);
  for (const { text, value, selected } of items) widget.addItem(text, value, selected);
  if (onChangeAction) widget.setOnChangeAction(toServiceAction(onChangeAction));
  return widget;
}

function renderGrid({ title, columnCount, items }: Grid): GoogleAppsScript.Card_Service.Grid {
  const widget = CardService.newGrid().setNumColumns(columnCount);
  if (title !== undefined) widget.setTitle(title);
  for (const json of items) {
    const item = CardService.newGridItem().setIdentifier(json.id).setTitle(json.title);
    if (json.subtitle !== undefined) item.setSubtitle(json.subtitle);
    if (json.textAlignment !== undefined) item.setTextAlignment(CardService.HorizontalAlignment[json.textAlignment]);
    widget.addItem(item);
  }
  return widget;
}

function renderButton({ text, type, disabled, altText, onClick }: Button): GoogleAppsScript.Card_Service.TextButton {
  const button = setClick(CardService.newTextButton().setText(text), onClick);
  if (type !== undefined) button.setTextButtonStyle(CardService.TextButtonStyle[type]);
  if (disabled !== undefined) button.setDisabled(disabled);
  if (altText !== undefined) button.setAltText(altText);
  return button;
}

/** What can be clicked, as CardService types it. */
interface Clickable<T> {
  setOnClickAction(action: GoogleAppsScript.Card_Service.Action): T;
  setOnClickOpenLinkAction(action: GoogleAppsScript.Card_Service.Action): T;
}

const setClick = <T extends Clickable<T>>(widget: T, onClick: OnClick): T =>
  'action' in onClick
    ? widget.setOnClickAction(toServiceAction(onClick.action))
    : widget.setOnClickOpenLinkAction(toServiceAction(onClick.openDynamicLinkAction));

function toServiceAction(json: Action): GoogleAppsScript.Card_Service.Action {
  const action = CardService.newAction().setFunctionName(json.function);
  if (json.parameters) action.setParameters(Object.fromEntries(json.parameters.map(({ key, value }) => [key, value])));
  if (json.loadIndicator !== undefined) action.setLoadIndicator(CardService.LoadIndicator[json.loadIndicator]);
  return action;
}
