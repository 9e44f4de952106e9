/* Loaded before clasp, which knows no other address than Google's: what goes out over https goes to GOOGLE_STAND_IN instead. */
import http from 'node:http';
import https from 'node:https';
import process from 'node:process';
import { URL } from 'node:url';

const standIn = process.env.GOOGLE_STAND_IN;
https.request = (url, options, callback) => {
  const { hostname, pathname, search } = new URL(String(url));
  const headers = { ...options.headers, 'x-meant-for': hostname };
  return http.request(new URL(pathname + search, standIn), { ...options, agent: undefined, headers }, callback);
};
globalThis.fetch = () => Promise.reject(new Error('no fetch is expected'));
