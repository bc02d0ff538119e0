/** Composition: what planning and applying repairs needs of both sides and of the database. */
import { createAcceptanceStore } from '../../db/proof/acceptance-store.js';
import { createRepairStore } from '../../db/repair/repair-store.js';
import type { RepairPorts } from '../../prove/repair-ports.js';
import type { Context } from '../context.js';

export function createRepairPorts({ database, vendors, version, decorate }: Context): RepairPorts {
  return {
    store: decorate('repairStore', createRepairStore(database.db, version)),
    accepted: createAcceptanceStore(database.db, version),
    stripe: vendors.stripeSide,
    ledger: vendors.ledgerSide,
  };
}
