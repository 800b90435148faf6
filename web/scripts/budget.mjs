// Fails when the JavaScript that the work page needs before it shows anything is too much, gzipped (brotli is smaller still).
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const LIMIT_BYTES = 250_000;
const dist = new URL('../dist', import.meta.url).pathname;
if (!existsSync(join(dist, '.vite/manifest.json'))) throw new Error('no dist/.vite/manifest.json: run `npm run build` first');
const manifest = JSON.parse(readFileSync(join(dist, '.vite/manifest.json'), 'utf8'));

// Everything that the entry and the work page import, directly or through others; what is imported lazily by them is not counted.
const first = new Set();
const add = (key) => {
  if (first.has(key)) return;
  first.add(key);
  for (const other of manifest[key].imports ?? []) add(other);
};
for (const key of ['index.html', 'src/pages/work/WorkPage.tsx']) {
  if (!manifest[key]) throw new Error(`the manifest has no ${key}: name the first page's module here`);
  add(key);
}

let gzip = 0;
let brotli = 0;
for (const key of first) {
  const { file } = manifest[key];
  if (!file.endsWith('.js')) continue;
  const size = { gz: statSync(join(dist, `${file}.gz`)).size, br: statSync(join(dist, `${file}.br`)).size };
  gzip += size.gz;
  brotli += size.br;
  console.log(`${String(size.gz).padStart(8)} gz ${String(size.br).padStart(8)} br  ${file}`);
}
console.log(`${String(gzip).padStart(8)} gz ${String(brotli).padStart(8)} br  first load, of ${LIMIT_BYTES}`);
if (gzip >= LIMIT_BYTES) {
  console.error('the first load is over its budget: import what a page does not need at once lazily');
  process.exit(1);
}
