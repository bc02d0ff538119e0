/** The process of the stand-ins: opens them as its argument says, answers calls, and leaves with its parent. */
import { openVendors, type VendorCall, type VendorOrder } from './vendors.js';

const vendors = await openVendors(JSON.parse(process.argv[2] ?? '{}') as VendorOrder);
process.on('message', ({ id, ...asked }: VendorCall & { readonly id: number }) => {
  process.send?.({ id, result: vendors.answer(asked) });
});
process.on('disconnect', () => process.exit(0));
process.send?.({ id: 0, result: vendors.addresses });
