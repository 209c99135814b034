// From what people have as a list of accounts to addresses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountsOf } from '../../www/js/account-paste.js';

test('an address a line, as zmprov prints them', () => {
	assert.deepEqual(accountsOf('a@x.example\r\nb@x.example\n\n'), { accounts: ['a@x.example', 'b@x.example'], wrong: [] });
});

test('a spreadsheet with a head, any separator, names around addresses, twins', () => {
	const { accounts, wrong } = accountsOf('Name;Account;Quota\nAna;Ana <ana@x.example>;1\n"B, o";bo@x.example ;2\nA;ANA@x.example;3');
	assert.deepEqual(accounts.map((a) => a.toLowerCase()), ['ana@x.example', 'bo@x.example']);
	assert.deepEqual(wrong, []);
});

test('what is no address is named with its line', () => {
	assert.deepEqual(accountsOf('account\na@x.example\nnobody').wrong, [{ line: 3, text: 'nobody' }]);
	assert.deepEqual(accountsOf('nobody').wrong.length, 1);
	assert.deepEqual(accountsOf(''), { accounts: [], wrong: [] });
});
