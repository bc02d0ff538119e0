/**
 * What an answer quotes of its request and must not go on into tables and logs: the key, and what the merchant wrote
 * about a payment (description, metadata) or knows of a customer (name, e-mail address). Core and proxies quote both in refusals and error pages.
 */
import { memberOf, parseExactJson } from '../core/base/exact-json.js';

/** Shorter ones are words that messages consist of; hidden, they would take the sense and protect nobody. */
const PRIVATE_LENGTH_MIN = 4;

const HIDDEN = '[not shown]';

/** @param request.body the JSON text that was sent; null for a GET */
export function hidePrivateTexts(
  text: string,
  request: { readonly key: string; readonly body: string | null },
): string {
  const privates = [request.key, ...(request.body === null ? [] : writtenByMerchant(request.body))];
  const spelled = privates.filter((one) => one.length >= PRIVATE_LENGTH_MIN).flatMap(spellings);
  // The longest first: one may be a part of another.
  const ordered = [...new Set(spelled)].sort((one, other) => other.length - one.length);
  return ordered.reduce((shown, one) => shown.replaceAll(one, HIDDEN), text);
}

function writtenByMerchant(body: string): string[] {
  const json = parseExactJson(body);
  const items = memberOf(json, 'transactions');
  return (Array.isArray(items) ? items : [json]).flatMap((item: unknown) => {
    const metadata = memberOf(memberOf(item, 'meta_data'), 'stripe_metadata');
    const values = typeof metadata === 'object' && metadata !== null ? Object.values(metadata) : [];
    const ofCustomer = [memberOf(item, 'first_name'), memberOf(item, 'email_address')];
    return [memberOf(item, 'description'), ...ofCustomer, ...values].filter((value) => typeof value === 'string');
  });
}

/** As it is, inside of JSON, inside of JSON inside of JSON, and on a page. */
function spellings(text: string): string[] {
  const quoted = JSON.stringify(text).slice(1, -1);
  const onPage = text.replace(/[&<>"']/g, (character) => PAGE_SPELLINGS[character] ?? character);
  return [text, quoted, JSON.stringify(quoted).slice(1, -1), onPage, onPage.replaceAll('&#39;', '&#x27;')];
}

const PAGE_SPELLINGS: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
