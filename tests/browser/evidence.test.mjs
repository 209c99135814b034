// What changed in a gate, how fast a job moves, and lists that keep what stands still.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gateDiff } from '../../www/js/gate-diff.js';
import { makeRates } from '../../www/js/rate.js';
import { reconcile } from '../../www/js/reconcile.js';

test('a refused approval tells what changed', () => {
	const before = { verdict: 'warning', ratio: 1, mailboxes: 3, reasons: [{ code: 'gate.not_approved' }] };
	const after = { verdict: 'blocked', ratio: 0.9, mailboxes: 3, reasons: [{ code: 'gate.not_approved' }, { code: 'run.active', mailbox_id: 7 }] };
	assert.deepEqual(gateDiff(before, after), [
		{ what: 'verdict', before: 'warning', after: 'blocked' },
		{ what: 'ratio', before: 1, after: 0.9 },
		{ what: 'appeared', reason: { code: 'run.active', mailbox_id: 7 } },
	]);
	assert.deepEqual(gateDiff(after, before).at(-1), { what: 'gone', reason: { code: 'run.active', mailbox_id: 7 } });
	assert.deepEqual(gateDiff(before, before), []);
});

test('rate and time left come from the last half minute', () => {
	const rates = makeRates();
	assert.equal(rates.rate(1), null);
	for (let s = 0; s <= 60; s++) rates.note(1, s * 10, s * 1000);
	assert.equal(rates.rate(1), 10);
	assert.equal(rates.eta(1, 1000), 40);
	rates.note(1, 5, 61000);
	assert.equal(rates.rate(1), null);
	assert.equal(rates.eta(1, 1000), null);
});

test('rows that stand still keep their object', () => {
	const a = [{ id: 1, n: 1 }, { id: 2, n: 1 }];
	const b = reconcile(a, [{ id: 1, n: 1 }, { id: 2, n: 2 }]);
	assert.equal(b[0], a[0]);
	assert.notEqual(b[1], a[1]);
	assert.equal(reconcile(a, [{ id: 1, n: 1 }, { id: 2, n: 1 }]), a);
	assert.equal(reconcile(a, [{ id: 2, n: 1 }, { id: 1, n: 1 }])[0], a[1]);
	assert.equal(reconcile(undefined, a), a);
});
