/** The part of Card v1 that this add-on draws with, as Google's JSON (google.apps.card.v1, read 2026-11-22). */
export interface Card {
  readonly name?: string;
  readonly header?: CardHeader;
  readonly sections: readonly Section[];
  readonly fixedFooter?: { readonly primaryButton: Button; readonly secondaryButton?: Button };
}

/** Plain text; nothing here is read as HTML. */
export interface CardHeader {
  readonly title: string;
  readonly subtitle?: string;
}

export interface Section {
  readonly header?: string;
  readonly collapsible?: boolean;
  readonly uncollapsibleWidgetsCount?: number;
  readonly widgets: readonly Widget[];
}

export type Widget =
  | { readonly textParagraph: { readonly text: string } }
  | { readonly decoratedText: DecoratedText }
  | { readonly buttonList: { readonly buttons: readonly Button[] } }
  | { readonly textInput: TextInput }
  | { readonly selectionInput: SelectionInput }
  | { readonly grid: Grid }
  | { readonly divider: Readonly<Record<string, never>> };

/** `text` is simple HTML (b, i, u, s, font color, a, br); both labels are plain. */
export interface DecoratedText {
  readonly topLabel?: string;
  readonly text: string;
  readonly bottomLabel?: string;
  readonly wrapText?: boolean;
  readonly startIcon?: Icon;
  readonly button?: Button;
  readonly switchControl?: SwitchControl;
  readonly onClick?: OnClick;
}

export interface Icon {
  readonly materialIcon: { readonly name: string };
  readonly altText?: string;
}

export interface SwitchControl {
  readonly name: string;
  readonly value: string;
  readonly selected: boolean;
  readonly controlType: 'SWITCH';
  readonly onChangeAction: Action;
}

export interface Button {
  readonly text: string;
  readonly type?: 'OUTLINED' | 'FILLED' | 'FILLED_TONAL' | 'BORDERLESS';
  readonly disabled?: boolean;
  readonly altText?: string;
  readonly onClick: OnClick;
}

export interface TextInput {
  readonly name: string;
  readonly label: string;
  readonly hintText?: string;
  readonly value?: string;
}

export interface SelectionInput {
  readonly name: string;
  readonly label: string;
  readonly type: 'DROPDOWN' | 'RADIO_BUTTON' | 'CHECK_BOX';
  readonly items: readonly { readonly text: string; readonly value: string; readonly selected: boolean }[];
  readonly onChangeAction?: Action;
}

export interface Grid {
  readonly title?: string;
  readonly columnCount: number;
  readonly items: readonly { readonly id: string; readonly title: string; readonly subtitle?: string; readonly textAlignment?: 'CENTER' }[];
}

/** `openDynamicLinkAction` runs an action that answers with a link; a browser lets its new tab through, which it does not for `action`. */
export type OnClick = { readonly action: Action } | { readonly openDynamicLinkAction: Action };

export interface Action {
  readonly function: string;
  readonly parameters?: readonly { readonly key: string; readonly value: string }[];
  readonly loadIndicator?: 'SPINNER' | 'NONE';
}

export type Navigation =
  { readonly pushCard: Card } | { readonly updateCard: Card } | { readonly pop: true } | { readonly popToRoot: true };

/** What a function of the add-on answers. `stateChanged` makes the host draw the cards below afresh. */
export interface RenderedAction {
  readonly action: {
    readonly navigations?: readonly Navigation[];
    /** Plain text. */
    readonly notification?: { readonly text: string };
    readonly link?: { readonly url: string };
  };
  readonly stateChanged?: boolean;
}
