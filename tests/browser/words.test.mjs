// Both dictionaries say the same things: the same screens, the same keys, the same {values}, the same plural forms;
// and each view fetches the words that it and its modules name.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

const www = new URL('../../www/', import.meta.url);
const dir = new URL('js/', www);
const screens = readdirSync(new URL('words/en/', www)).map((f) => f.replace(/\.js$/, '')).sort();
const read = async (language) => Object.fromEntries(await Promise.all(screens.map(async (screen) =>
	[screen, (await import(new URL('words/' + language + '/' + screen + '.js', www))).words])));
const dictionary = { en: await read('en'), pt: await read('pt') };
const en = Object.assign({}, ...Object.values(dictionary.en)), pt = Object.assign({}, ...Object.values(dictionary.pt));
const forms = (text) => (typeof text === 'string' ? { other: text } : text);
const values = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort().join();

test('both languages have the same screens with the same keys, each key once', () => {
	assert.deepEqual(readdirSync(new URL('words/pt/', www)).map((f) => f.replace(/\.js$/, '')).sort(), screens);
	const seen = new Map();
	for (const screen of screens) {
		assert.deepEqual(Object.keys(dictionary.pt[screen]).sort(), Object.keys(dictionary.en[screen]).sort(), screen);
		for (const key of Object.keys(dictionary.en[screen])) {
			assert.ok(!seen.has(key), key + ': in ' + seen.get(key) + ' and ' + screen);
			seen.set(key, screen);
		}
	}
});

test('every file of words is installed', () => {
	const list = readFileSync(new URL('module.mk', www), 'utf8');
	for (const screen of screens)
		for (const language of ['en', 'pt']) assert.match(list, new RegExp('\twww/words/' + language + '/' + screen + '\\.js\\b'));
});

test('both languages have the same values and plural forms', () => {
	for (const key of Object.keys(en)) {
		const a = forms(en[key]), b = forms(pt[key]);
		assert.deepEqual(Object.keys(a), Object.keys(b), key);
		for (const form of Object.keys(a)) {
			assert.ok(a[form].trim() && b[form].trim(), key);
			assert.equal(values(a[form]), values(b[form]), key);
		}
	}
});

// A module and what it imports statically.
function withImports(file, found = new Set()) {
	if (found.has(file)) return found;
	found.add(file);
	for (const [, name] of readFileSync(new URL(file, dir), 'utf8').matchAll(/^import .*?from '\.\/([\w-]+\.js)';/gms))
		if (name !== 'problems.js') withImports(name, found);
	return found;
}

function missing(file, words) {
	const text = readFileSync(new URL(file, dir), 'utf8'), list = [];
	for (const [, key] of text.matchAll(/\bt\('([a-z][\w.]*)'[,)]/g)) if (!(key in words)) list.push(file + ': ' + key);
	for (const [, start] of text.matchAll(/\bt\('([a-z][\w.]*\.)' \+/g))
		if (!Object.keys(words).some((k) => k.startsWith(start))) list.push(file + ': ' + start);
	return list;
}

const always = ['frame', 'jobs'];
const wordsOf = (names) => Object.assign({}, ...names.map((name) => {
	assert.ok(name in dictionary.en, 'words/en/' + name + '.js');
	return dictionary.en[name];
}));

test('every word that a view names is fetched with it', () => {
	const checked = withImports('main.js'), bad = [];
	for (const file of checked) bad.push(...missing(file, wordsOf(always)));
	// What a view inside a view speaks may have come with the outer one: looked at from the outside in.
	const follow = (files, names) => {
		for (const file of files) {
			const text = readFileSync(new URL(file, dir), 'utf8');
			for (const [, inner, , list] of text.matchAll(/lazy\(\(\) => import\('\.\/([\w-]+\.js)'\), '(\w+)'(?:, \[([^\]]*)\])?\)/g)) {
				const all = [...names, ...[...(list ?? '').matchAll(/'([\w-]+)'/g)].map((m) => m[1])];
				const modules = withImports(inner);
				for (const m of modules) {
					checked.add(m);
					bad.push(...missing(m, wordsOf(all)));
				}
				if (!files.has(inner)) follow(modules, all);
			}
		}
	};
	follow(new Set(checked), always);
	assert.deepEqual(bad, []);
	assert.deepEqual(readdirSync(dir).filter((f) => f.endsWith('.js') && !['problems.js', 'ahead.js'].includes(f) && !checked.has(f)), []);
});

test('every state, kind and reason of the API has words', () => {
	const needed = {
		status: ['queued', 'running', 'paused', 'waiting', 'succeeded', 'partial', 'failed', 'cancelled'],
		kind: ['preflight', 'discover', 'sync', 'verify', 'recopy', 'dns_read', 'dns_apply', 'straggler', 'rollback', 'reseal', 'report'],
		pass: ['initial', 'delta', 'final'],
		role: ['super_admin', 'ops_lead', 'technician', 'gate_reader', 'worker'],
		verdict: ['blocked', 'warning', 'ready_for_dns', 'dns_applied'],
		reason: ['job.none', 'job.empty', 'mailbox.unverified', 'mailbox.verify_partial', 'mailbox.below_minimum',
			'mailbox.missing_unexplained', 'mailbox.weak_unaccepted', 'mailbox.refusals_unaccepted', 'mailbox.excluded_unaccepted',
			'source.empty', 'source.shrank', 'account.not_in_job', 'mailbox.removed', 'run.active', 'pass.none_final', 'pass.not_last_final', 'pass.failed',
			'verify.stale', 'gate.not_approved', 'gate.approval_void', 'rolled_back', 'dns.applied', 'dns.applied_without_gate',
			'service.disabled'],
	};
	for (const [kind, codes] of Object.entries(needed)) for (const code of codes) assert.ok(kind + '.' + code in en, kind + '.' + code);
});

test('every action of the audit trail has words', () => {
	const top = new URL('../../', import.meta.url), model = readFileSync(new URL('lib/model.c', top), 'utf8');
	const statuses = [...model.match(/\bstatus_names\[[^;]*;/)[0].matchAll(/"(\w+)"/g)].map(([, name]) => name);
	assert.ok(statuses.includes('waiting'));
	const actions = new Set(statuses.map((status) => 'run.' + status));
	for (const folder of ['lib/', 'fcgi/', 'ctl/'])
		for (const file of readdirSync(new URL(folder, top)).filter((f) => f.endsWith('.c')))
			for (const [action] of readFileSync(new URL(folder + file, top), 'utf8').matchAll(/\baudit_(?:add|on)\([^;]*;/g))
				for (const [, name] of action.matchAll(/"([a-z]+\.[a-z_]+)"/g)) actions.add(name);
	assert.ok(actions.size > 20);
	for (const id of ['en', 'pt']) assert.deepEqual([...actions].filter((a) => !('audit.' + a in dictionary[id].audit)), [], id);
});
