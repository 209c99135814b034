// The first view's modules are asked for all at once: index.html names exactly those that main.js imports.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const www = new URL('../../www/', import.meta.url);

function reached(file, found = new Set()) {
	if (found.has(file)) return found;
	found.add(file);
	if (!file.startsWith('js/')) return found;
	for (const [, up, name] of readFileSync(new URL(file, www), 'utf8').matchAll(/^(?:import|export) [^;]*?from '(\.\/|\.\.\/)([\w/-]+\.js)';/gm))
		reached(up === './' ? 'js/' + name : name, found);
	return found;
}

test('index.html preloads what the first view imports', () => {
	const page = readFileSync(new URL('index.html', www), 'utf8');
	const named = [...page.matchAll(/rel="modulepreload" href="([^"]+)"/g)].map((m) => m[1]).sort();
	const wanted = [...reached('js/main.js')].filter((f) => f !== 'js/main.js').sort();
	assert.deepEqual(named, wanted);
});
