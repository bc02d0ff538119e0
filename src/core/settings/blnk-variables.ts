/** The variables of Blnk: see variables.ts. Pure. */
import type { VariableSection } from './variable-definition.js';

export const BLNK_VARIABLES: VariableSection = {
  title: 'Blnk',
  variables: [
    {
      name: 'BLNK_API_KEY',
      summary:
        'Key of Blnk Cloud with proxy:write, data:read and, for proofs, proxy:read; or the master key of a self-hosted Core',
      fallback: 'none, needed',
      example: 'blnk_live_abc',
      details:
        '[which scopes](installing.md#what-it-needs); of a Core its [master key](installing.md#with-a-self-hosted-blnk-core)',
    },
    {
      name: 'BLNK_INSTANCE_ID',
      summary: 'Id of the Blnk Cloud instance; not used with a self-hosted Core',
      fallback: 'none, needed with the Cloud',
      example: 'inst_abc',
      details: 'id of the Cloud instance; not used with `BLNK_API_STYLE=core`',
    },
    {
      name: 'BLNK_API_STYLE',
      summary:
        'What answers at BLNK_API_BASE: cloud (Blnk Cloud) or core (a self-hosted Blnk Core; needs BLNK_API_BASE)',
      fallback: 'cloud',
      example: 'core',
      details: '`cloud`: Blnk Cloud. `core`: a [self-hosted Core](installing.md#with-a-self-hosted-blnk-core)',
    },
    {
      name: 'BLNK_API_BASE',
      summary: 'Where the Blnk API is',
      fallback: 'https://api.cloud.blnkfinance.com',
      example: 'http://127.0.0.1:5001',
      details: 'address of the API: https, or http to this machine itself (`localhost`, `127.0.0.1`, `[::1]`)',
      fallbackDetails: '`https://api.cloud.blnkfinance.com`; none with `BLNK_API_STYLE=core`',
    },
    {
      name: 'ALLOW_HTTP_HOSTS',
      summary:
        'Hosts, with commas, that may be spoken to over http although they are other machines: whoever is between reads the keys',
      fallback: 'none, only this machine',
      example: 'core,core.internal',
      details:
        'other hosts that `BLNK_API_BASE` and `STRIPE_API_BASE` may name with http, with commas between: `core,core.internal`. Keys and payments travel unencrypted to them: name only hosts on a network of your own',
      fallbackDetails: 'none: only this machine',
    },
    {
      name: 'BLNK_SOURCE',
      summary: 'Balance that every payment comes from; frozen at the first posting',
      fallback: '@stripe',
      example: '@stripe_eu',
      details:
        'balance that every payment comes from; frozen at the first posting. Give each mirror of one Blnk instance a source of its own: what went out of a shared one says nothing of either',
    },
    {
      name: 'BLNK_SOURCE_SHARDS',
      summary: 'Balances that the source is spread over, for a first backfill of millions; frozen at the first posting',
      fallback: '1',
      example: '8',
      details:
        'number of balances that the source is spread over, up to 64: `@stripe_0`, `@stripe_1` and so on, each payment always out of the same one. For a first backfill of millions, because Blnk posts to one balance [one transaction after another](limitations.md); then what customers paid is the sum of these balances. Frozen at the first posting',
    },
    {
      name: 'BLNK_GUEST_DESTINATION',
      summary: 'Balance that gets the payments without a customer; frozen at the first posting',
      fallback: '@stripe_guests',
      example: '@walk_in',
      details:
        'balance that gets payments without a customer; frozen at the first posting, and not the same as `BLNK_SOURCE`',
    },
    {
      name: 'BLNK_ACCOUNTS',
      summary:
        "Where customers' money lands in Blnk: indicators (balances @cus_… of the general ledger) or ledger (balances in a ledger of the mirror's own, made before posting; the Cloud bills each). Frozen at the first posting",
      fallback: 'indicators',
      example: 'ledger',
      details:
        "where customers' money lands. `indicators`: on balances `@cus_…` of the general ledger, which Blnk makes by itself. `ledger`: in [a ledger of the mirror's own](mapping.md#a-ledger-of-its-own), one balance for each customer and currency, made before anything is posted to it. Frozen at the first posting. `sync --dry-run` says how many balances there would be: each is a record that the Cloud bills",
    },
    {
      name: 'BLNK_LEDGER_NAME',
      summary: 'Name of the ledger that is made with BLNK_ACCOUNTS=ledger',
      fallback: 'Stripe',
      example: 'Shop',
      details:
        'name of the ledger that is made with `BLNK_ACCOUNTS=ledger`. It is found again by a mark in its metadata, not by its name',
    },
    {
      name: 'BLNK_IDENTITIES',
      summary:
        "Identities of customers in Blnk, linked to their balances: off, ids (with Stripe's id alone) or full (with name and e-mail address; the Stripe key must read Customers). The Cloud bills each",
      fallback: 'off',
      example: 'ids',
      details:
        "an [identity](mapping.md#customers-as-identities) in Blnk for each customer, linked to its balances. `ids`: with Stripe's id of the customer alone. `full`: with name and e-mail address too, which needs *Customers: Read* on the Stripe key. May change at any time: on a mirror that has posted, `ids` and `full` catch up. Each identity is a record that the Cloud bills; `sync --dry-run` says how many there would be. A Core has to be 0.15.0 or newer",
    },
  ],
};
