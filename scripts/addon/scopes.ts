/** One permission that the add-on asks for, and what of it would not work without. */
interface Scope {
  readonly why: string;
  /** Found in the bundle, or in the manifest, as long as the scope is used. */
  readonly usedBy: { readonly code: RegExp } | { readonly manifest: RegExp };
}

const google = 'https://www.googleapis.com/auth/';

/** Every permission, in the order of the manifest: what the consent screen lists is justified here and nowhere else (REQ-WSEC-07). */
export const scopes: Readonly<Record<string, Scope>> = {
  openid: {
    why: 'The plane has to know who clicks: an identity token, signed by Google, goes with each call. No access token ever does.',
    usedBy: { code: /ScriptApp\.getIdentityToken\(/ },
  },
  [`${google}userinfo.email`]: {
    why: 'The identity token names the caller by address, which the audit log shows.',
    usedBy: { code: /ScriptApp\.getIdentityToken\(/ },
  },
  [`${google}script.external_request`]: {
    why: 'Calls the plane, and by urlFetchWhitelist nobody else.',
    usedBy: { code: /\bUrlFetchApp\b/ },
  },
  [`${google}script.locale`]: {
    why: 'Dates, numbers and times appear as the reader writes them, in their time zone.',
    usedBy: { manifest: /"useLocaleFromApp":true/ },
  },
  [`${google}gmail.addons.execute`]: { why: 'Shows the panel beside Gmail. It reads no mail.', usedBy: { manifest: /"gmail":\{/ } },
  [`${google}calendar.addons.execute`]: {
    why: 'Shows the panel beside Calendar. It reads no event.',
    usedBy: { manifest: /"calendar":\{/ },
  },
  [`${google}drive.addons.metadata.readonly`]: {
    why: 'Shows the panel beside Drive, which has no narrower scope for that. It reads no file.',
    usedBy: { manifest: /"drive":\{/ },
  },
};

/** What of Apps Script an add-on may touch, each with the scope that it needs, if any. */
export const services: Readonly<Record<string, string | undefined>> = {
  CardService: undefined,
  PropertiesService: undefined,
  ScriptApp: 'openid',
  UrlFetchApp: `${google}script.external_request`,
};
