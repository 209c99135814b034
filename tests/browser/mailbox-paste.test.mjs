// What people paste becomes rows of mailboxes; what cannot be right is named before it is sent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { address, cells, check, emptyRow, planOf, rowsFrom, rowsOf, separator } from '../../www/js/mailbox-paste.js';

const plain = (rows) => rows.map((r) => [r.source_user, r.source_password, r.dest_user, r.dest_password]);

test('the separator is the one that splits every line', () => {
	assert.equal(separator('a@x,pw\nb@x,pw'), ',');
	assert.equal(separator('a@x;p,w\nb@x;pw'), ';');
	assert.equal(separator('a@x\tp;w\nb@x\tpw'), '\t');
	assert.equal(separator('"a;b"@x,p\nc,d'), ',');
});

test('quotes hold separators, line ends and doubled quotes', () => {
	assert.deepEqual(cells('a,"b ""c"", d",e\r\n"x\ny",z\r\n\r\n', ','), [['a', 'b "c", d', 'e'], ['x\ny', 'z']]);
});

test('an address is found in what mail programs copy', () => {
	assert.equal(address(' Ana Silva <ana@a.example> '), 'ana@a.example');
	assert.equal(address('mailto:ana@a.example'), 'ana@a.example');
	assert.equal(address('\ufeffana@a.example\u00a0'), 'ana@a.example');
	assert.equal(address('ana'), 'ana');
});

test('a heading names the columns, in any order and either language', () => {
	assert.deepEqual(plain(rowsOf('Palavra-passe;E-mail\nsegredo;ana@a.example')), [['ana@a.example', 'segredo', '', '']]);
	assert.deepEqual(plain(rowsOf('source_user,source_password,dest_user,dest_password\na@x,1,b@y,2')), [['a@x', '1', 'b@y', '2']]);
});

test('without a heading the order decides; two addresses are source and destination', () => {
	assert.deepEqual(plain(rowsOf('a@x.example\tpw\tb@y.example\tpw2')), [['a@x.example', 'pw', 'b@y.example', 'pw2']]);
	assert.deepEqual(plain(rowsOf('a@x.example,b@y.example')), [['a@x.example', '', 'b@y.example', '']]);
	assert.deepEqual(plain(rowsOf('a@x.example\nb@x.example\n')), [['a@x.example', '', '', ''], ['b@x.example', '', '', '']]);
});

test('a password keeps its spaces and separators', () => {
	assert.deepEqual(plain(rowsOf('a@x;" p;w "\nb@x;q')), [['a@x', ' p;w ', '', ''], ['b@x', 'q', '', '']]);
});

test('mistakes are named at their row and column', () => {
	const row = (source_user, dest_user = '') => ({ ...emptyRow(), source_user, dest_user });
	const found = check([row('a@x'), row(''), row('A@X'), row('b c@x'), row('d@x', 'a@x'), row('old@x'), row('', 'e@x')], new Set(['old@x']));
	assert.deepEqual(found, [
		{ row: 2, column: 'source_user', code: 'twice', other: 1 },
		{ row: 3, column: 'source_user', code: 'space' },
		{ row: 3, column: 'dest_user', code: 'space' },
		{ row: 4, column: 'dest_user', code: 'twice', other: 1 },
		{ row: 5, column: 'source_user', code: 'taken' },
		{ row: 6, column: 'source_user', code: 'missing' },
	]);
});

test('a plan says which column is what, and another plan reads the same text otherwise', () => {
	const text = 'Nome;E-mail;Senha;Novo\nAna;ana@a.example;x;ana@b.example\n';
	const plan = planOf(text);
	assert.deepEqual([plan.sep, plan.heading, plan.map], [';', true, [null, 'source_user', 'source_password', 'dest_user']]);
	assert.deepEqual(plain(rowsFrom(plan)), [['ana@a.example', 'x', 'ana@b.example', '']]);
	assert.deepEqual(planOf(text, ',').grid[0], ['Nome;E-mail;Senha;Novo']);
	assert.equal(planOf('a@a.example,x,b@b.example,y,z').map.length, 5);
	assert.deepEqual(planOf('Quem;Onde;Senha\nAna <a@a.example>;a@a.example;x\n').map, [null, 'source_user', 'source_password']);
	assert.deepEqual(planOf('').grid, []);
});

test('several values in one field are noticed', () => {
	const row = (source, dest = '') => ({ ...emptyRow(), source_user: source, dest_user: dest });
	assert.deepEqual(check([row('a@a.example;x'), row('a@a.exampleb@a.example'), row('c@a.example', 'd@b.example,e@b.example'), row('f|g')]).map((e) => [e.row, e.column, e.code]), [
		[0, 'source_user', 'several'], [1, 'source_user', 'several'], [2, 'dest_user', 'several'], [3, 'source_user', 'several']]);
});
