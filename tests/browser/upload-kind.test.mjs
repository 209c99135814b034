// A file is known by its first bytes, a file of the wrong person by its name, and an answer by what it asks for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { othersNamed, sniff, sourceKind } from '../../www/js/upload-kind.js';
import { delayOf, verdictOf } from '../../www/js/upload-retry.js';

const bytes = (s) => Uint8Array.from(s, (c) => c.charCodeAt(0));

test('what a file is', () => {
	const tar = bytes('x'.repeat(257) + 'ustar\x0000' + 'x'.repeat(300));
	for (const [head, kind, about] of [
		[bytes('!BDN\x00\x00\x00\x00SM\x17\x00'), 'pst', 'pst'], [bytes('!BDN\x00\x00\x00\x00SO\x17\x00'), 'pst', 'ost'],
		[bytes('PK\x03\x04rest'), 'zip', 'zip'], [bytes('\x1f\x8b\x08\x00'), 'tgz', 'tgz'],
		[bytes('From a@b.example Mon May  5 05:05:05 2014\nFrom: a\n'), 'mbox', 'mbox'], [tar, null, 'tar'],
		[bytes('7z\xbc\xaf\x27\x1c\x00'), null, 'sevenzip'], [bytes('Rar!\x1a\x07'), null, 'rar'],
		[bytes('Received: from a\r\n\tby b\r\nSubject: x\r\n\r\n'), null, 'eml'], [bytes(''), null, 'empty'], [bytes('\xff\xd8\xff\xe0'), null, 'unknown'],
		[bytes('From the desk of Ana'), null, 'unknown'],
	]) assert.deepEqual(sniff(head), { kind, about });
	assert.deepEqual(['pst', 'mbox', 'zip', 'tgz', 'unknown', undefined].map(sourceKind), ['pst', 'mbox', 'mbox', 'tgz', null, null]);
});

test('a file of another person is noticed by its name', () => {
	const users = ['ana.silva@a.example', 'bruno@a.example', 'jo@a.example', 'conceição.dias@a.example'];
	assert.deepEqual(othersNamed('bruno.pst', users[0], users), ['bruno@a.example']);
	assert.deepEqual(othersNamed('Bruno - 2023.pst', users[1], users), []);
	assert.deepEqual(othersNamed('backup.pst', users[0], users), []);
	assert.deepEqual(othersNamed('Silva, Ana.pst', users[0], users), []);
	assert.deepEqual(othersNamed('CONCEICAO.pst', users[1], users), ['conceição.dias@a.example']);
	assert.deepEqual(othersNamed('job.pst', users[1], users), []);
});

test('what an answer asks for', () => {
	assert.deepEqual([0, 503, 423, 507, 409].map((s) => verdictOf(s)), Array(5).fill('wait'));
	assert.deepEqual([401, 404, 410, 403, 413].map((s) => verdictOf(s)), ['signin', 'gone', 'gone', 'failed', 'failed']);
	assert.equal(verdictOf(503, 'service.disabled'), 'failed');
	assert.deepEqual([0, 1, 2, 9].map((n) => delayOf(n, 0)), [1000, 2000, 4000, 15000]);
	assert.equal(delayOf(0, 507), 20000);
});
