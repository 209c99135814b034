// The first view's modules are asked for all at once: index.html names exactly those that main.js imports.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import vm from 'node:vm';
import { test } from 'node:test';
import { choose } from '../../www/js/i18n.js';

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

// ahead.js in a browser of these languages where that one was chosen: the words it fetches, and what it asks the API.
function runAhead(languages, chosen, hash = '') {
	const links = [], asked = [];
	const world = { navigator: { languages }, localStorage: { getItem: () => chosen }, location: { hash }, performance: { now: () => 0 }, addEventListener: () => {},
		document: { createElement: () => ({}), head: { append: (l) => links.push(l.href) } },
		fetch: (path) => (asked.push(path), Promise.resolve({ status: 200, path })) };
	vm.runInNewContext(readFileSync(new URL('js/ahead.js', www), 'utf8'), world);
	return { links, asked, ahead: world.ahead };
}

test('the words fetched ahead are of the language that the page chooses', () => {
	for (const [languages, chosen] of [[['pt-BR', 'en'], null], [['de', 'pt'], null], [['de'], null], [['pt'], 'en'], [['en-GB'], 'pt'], [[], 'xx']]) {
		const id = choose([chosen, ...languages].filter(Boolean));
		assert.deepEqual(runAhead(languages, chosen).links, ['words/' + id + '/frame.js', 'words/' + id + '/jobs.js']);
	}
});

test('the list is asked for ahead only where it is shown, and each answer is taken once', async () => {
	const list = '/jobs?status=open&limit=500', { asked, ahead } = runAhead(['en'], null, '#/');
	assert.deepEqual(asked, ['/api/v1/migration/me', '/api/v1/migration' + list]);
	assert.equal((await ahead.take(list)).path, '/api/v1/migration' + list);
	assert.equal(ahead.take(list), undefined);
	ahead.drop();
	assert.equal(ahead.take('/me'), undefined);
	assert.deepEqual(runAhead(['en'], null, '#/jobs/7').asked, ['/api/v1/migration/me']);
});
