// What name servers say becomes a guess at the server, never more.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guessServers } from '../../www/js/server-guess.js';

const seen = (mx, more = {}) => ({ servers: [{ mx: { values: mx }, ...more }, { mx: null }] });
const guess = (...args) => guessServers('a.example', seen(...args)).map((g) => g.provider + ' ' + g.host);

test('where the mail is', () => {
	assert.deepEqual(guess(['0 a-example.mail.protection.outlook.com']), ['microsoft outlook.office365.com']);
	assert.deepEqual(guess(['5 alt1.aspmx.l.google.com', '1 aspmx.l.google.com']), ['google imap.gmail.com']);
	assert.deepEqual(guess(['20 backup.host.example', '10 mx.host.example']), ['dovecot mx.host.example', 'dovecot backup.host.example', 'other mail.a.example']);
	assert.deepEqual(guess(['10 mxa.pphosted.com']), ['other mail.a.example']);
	assert.deepEqual(guess(['10 mxa.pphosted.com'], { autodiscover: { cname: 'autodiscover.outlook.com.' } }), ['microsoft outlook.office365.com']);
	assert.deepEqual(guess(['0 .']), []);
	assert.deepEqual(guess(['10 notgoogle.com.evil.example'])[0], 'dovecot notgoogle.com.evil.example');
	assert.deepEqual(guessServers('a.example', null), []);
});

test('what is published comes before what names suggest', () => {
	const seen = { servers: [{ mx: { values: ['10 aspmx.l.google.com'] } }], mail: [
		{ how: 'srv', where: '_imaps._tcp.a.example', host: 'imap.a.example', port: 9993, tls: 'tls', user: 'other' },
		{ how: 'mx', where: 'https://db/google.com', host: 'imap.gmail.com', port: 993, tls: 'tls', user: 'address' }] };
	assert.deepEqual(guessServers('a.example', seen).map((g) => [g.how, g.provider, g.host, g.port]),
		[['srv', 'other', 'imap.a.example', 9993], ['mx', 'google', 'imap.gmail.com', 993]]);
});
