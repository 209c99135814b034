// The preview of folders becomes rows, and the edited rows become rules that say no more than was edited.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changed, collisions, mistake, rowsOf, rulesOf } from '../../www/js/folder-rules.js';

const plan = [
	{ folder: 'INBOX', dest: 'INBOX', sep: '.', messages: 3, bytes: 9, to_copy: 3, create: false },
	{ folder: 'Arquivo.2020', dest: 'Arquivo/2020', sep: '.', messages: 5, bytes: 9, to_copy: 5, create: true },
	{ folder: 'Enviados', dest: 'Sent', sep: '.', messages: 1, bytes: 1, to_copy: 1, create: false },
	{ folder: 'a[b]*', dest: 'a[b]*', sep: '.', messages: 0, bytes: 0, to_copy: 0, create: true },
	{ folder: 'x=y', dest: 'x=y', sep: '.', messages: 0, bytes: 0, to_copy: 0, create: true },
];

test('rows of a preview, and what was left out before', () => {
	const rows = rowsOf(plan, { exclude: ['Lixo/*'] });
	assert.deepEqual(rows.map((r) => [r.path, r.fixed, r.excluded]), [['INBOX', true, false], ['Arquivo/2020', false, false], ['Enviados', false, false],
		['a[b]*', false, false], ['x=y', true, false], ['Lixo/*', true, true]]);
	assert.equal(changed(rows), false);
	assert.deepEqual(rulesOf(rows, { map: { Velho: 'Novo' }, exclude: ['Lixo/*'] }), { map: { Velho: 'Novo' }, include: [], exclude: ['Lixo/*'] });
});

test('an edited row is a rule, a left-out one a pattern that means itself alone', () => {
	const rows = rowsOf(plan, { exclude: ['Lixo/*'] });
	rows[1].wanted = ' Arquivo/Velho ';
	rows[3].excluded = true;
	rows[5].excluded = false;
	assert.equal(changed(rows), true);
	assert.deepEqual(rulesOf(rows, { map: { 'Arquivo.2020': 'X' }, exclude: ['Lixo/*'] }), { map: { 'Arquivo/2020': 'Arquivo/Velho' }, include: [], exclude: ['a\\[b\\]\\*'] });
});

test('folders that meet, and names that cannot be', () => {
	const rows = rowsOf(plan, {});
	rows[1].wanted = 'SENT';
	assert.deepEqual(collisions(rows), { 'Arquivo.2020': ['Enviados'], Enviados: ['Arquivo.2020'] });
	rows[2].excluded = true;
	assert.deepEqual(collisions(rows), {});
	assert.deepEqual(['', '/a', 'a//b', 'a\tb', 'Bom nome'].map((wanted) => mistake({ ...rows[1], wanted })), ['empty', 'level', 'level', 'name', null]);
});
