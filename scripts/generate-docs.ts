/** `npm run docs:generate`: writes what is generated in `.env.example` and docs; a test asks whether it is up to date. */
import { writeFileSync } from 'node:fs';
import { generatedDocuments, pathOf } from './documents/generated.js';

for (const [document, text] of Object.entries(await generatedDocuments())) {
  writeFileSync(pathOf(document), text);
  process.stdout.write(`${document}\n`);
}
