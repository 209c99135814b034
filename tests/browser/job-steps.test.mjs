// The next step follows the life of a migration, and never offers approval to who may not give it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkVerdict, nextStep } from '../../www/js/job-steps.js';

const job = { id: 1, status: 'open' };
const side = { user: 'a@x', has_secret: true };
const box = (state = {}, more = {}) => ({ id: 7, source: { kind: 'imap', ...side }, destination: side, ...more,
	state: { last_pass: null, verification: null, active_run: null, last_run: null, ...state } });
const run = (status, kind = 'sync') => ({ id: 3, kind, status });
const verified = { complete: true, current: true };
const name = (...args) => nextStep(...args).name;

test('the life of a migration', () => {
	assert.equal(name(job, []), 'add');
	assert.equal(name(job, [box({}, { destination: { user: 'a', has_secret: false } })]), 'secret');
	assert.equal(name(job, [box()]), 'preflight');
	assert.equal(name(job, [box({ active_run: run('running') })]), 'wait');
	assert.equal(name(job, [box({ last_run: run('failed', 'preflight') })]), 'failed');
	assert.equal(name(job, [box({ last_run: run('succeeded', 'preflight') })]), 'initial');
	const initial = { pass: 'initial' }, final = { pass: 'final' }, last_run = run('succeeded');
	assert.equal(name(job, [box({ last_run, last_pass: initial })]), 'verify');
	assert.equal(name(job, [box({ last_run, last_pass: initial, verification: verified })]), 'final');
	assert.equal(name(job, [box({ last_run, last_pass: final, verification: { ...verified, current: false } })]), 'verify');
	const done = [box({ last_run, last_pass: final, verification: verified })];
	const warning = { verdict: 'warning', reasons: [{ code: 'gate.not_approved' }] };
	assert.equal(name(job, done, warning, () => true), 'approve');
	assert.equal(name(job, done, warning, () => false), 'ask');
	assert.equal(name(job, done, { verdict: 'blocked', reasons: [{ code: 'mailbox.removed' }, { code: 'gate.not_approved' }] }, () => true), 'reasons');
	assert.equal(name(job, done, { verdict: 'ready_for_dns', reasons: [] }), 'ready');
	assert.equal(name(job, done, { verdict: 'dns_applied', reasons: [] }), 'done');
	assert.equal(name({ ...job, status: 'closed' }, done), 'closed');
});

test('a step names only the mailboxes that it concerns', () => {
	const ready = box({ last_run: run('succeeded'), last_pass: { pass: 'initial' } });
	const fresh = { ...box({ last_run: run('succeeded', 'preflight') }), id: 8 };
	assert.deepEqual(nextStep(job, [ready, fresh]), { name: 'initial', action: 'initial', ids: [8], n: 1 });
});

test('a mailbox whose last run failed is not ready', () => {
	const state = (kind, status, more = {}) => ({ state: { last_run: { kind, status, ...more.run }, last_pass: more.pass ?? null } });
	assert.equal(checkVerdict(state('preflight', 'succeeded'), false), 'good');
	assert.equal(checkVerdict(state('preflight', 'succeeded', { run: { result: { advice: [{}] } } }), false), 'warn');
	assert.equal(checkVerdict(state('preflight', 'cancelled'), false), 'bad');
	assert.equal(checkVerdict(state('sync', 'succeeded', { pass: {} }), false), 'good');
	// a pass is noted also for a mailbox that nobody could open
	assert.equal(checkVerdict(state('sync', 'failed', { pass: {} }), false), 'bad');
	assert.equal(checkVerdict(state('discover', 'failed', { pass: {} }), false), 'bad');
	assert.equal(checkVerdict(state('discover', 'succeeded'), false), 'new');
	assert.equal(checkVerdict({ state: { active_run: { kind: 'discover', status: 'running' } } }, false), 'wait');
	assert.equal(checkVerdict({ state: {} }, false), 'new');
	assert.equal(checkVerdict(state('preflight', 'succeeded'), true), 'bare');
});
