// Both dictionaries say the same things: the same keys, the same {values}, the same plural forms; and the
// views name no word that is missing.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { en } from '../../www/js/words-en.js';
import { pt } from '../../www/js/words-pt.js';

const dir = new URL('../../www/js/', import.meta.url);
const forms = (text) => (typeof text === 'string' ? { other: text } : text);
const values = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort().join();

test('both languages have the same keys', () => {
	assert.deepEqual(Object.keys(pt).sort(), Object.keys(en).sort());
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

test('every word that a view names exists', () => {
	for (const file of readdirSync(dir)) {
		const text = readFileSync(new URL(file, dir), 'utf8');
		for (const [, key] of text.matchAll(/\bt\('([a-z][\w.]*)'[,)]/g)) assert.ok(key in en, file + ': ' + key);
		for (const [, start] of text.matchAll(/\bt\('([a-z][\w.]*\.)' \+/g))
			assert.ok(Object.keys(en).some((k) => k.startsWith(start)), file + ': ' + start);
	}
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
