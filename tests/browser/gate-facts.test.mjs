// Every reason of the gate stands under one fact, and no fact claims more than is known.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gateFacts } from '../../www/js/gate-facts.js';

const gate = (codes, more = {}) => ({ reasons: codes.map((c) => (typeof c === 'string' ? { code: c, covered: false } : c)), approval: null, override: null, ...more });
const states = (g) => Object.fromEntries(gateFacts(g).map((f) => [f.id, f.state]));

test('nothing verified: what a verification would say is not claimed', () => {
	const s = states(gate(['mailbox.unverified', 'pass.none_final', 'gate.not_approved']));
	assert.deepEqual(s, { mailboxes: 'done', verified: 'open', complete: 'unknown', source: 'unknown', everyone: 'done', still: 'done', final: 'open', approved: 'open' });
});

test('an empty job claims nothing but its emptiness', () => {
	const s = states(gate(['job.empty']));
	assert.equal(s.mailboxes, 'open');
	assert.equal(s.complete, 'unknown');
	assert.equal(s.approved, 'unknown');
});

test('overridden is not the same as done', () => {
	const s = states(gate([{ code: 'pass.none_final', covered: true }], { override: { valid: true } }));
	assert.equal(s.final, 'covered');
	assert.equal(s.approved, 'covered');
});

test('approved and whole', () => {
	const s = states(gate([], { approval: { valid: true } }));
	assert.deepEqual([...new Set(Object.values(s))], ['done']);
});

test('a record that has moved is no open fact, unless it moved too early', () => {
	assert.equal(states(gate(['dns.applied'])).other, 'done');
	assert.equal(states(gate(['dns.applied_without_gate'])).other, 'open');
});

test('a reason that nobody here knows is still shown', () => {
	const facts = gateFacts(gate(['of.tomorrow']));
	assert.deepEqual(facts.at(-1).reasons.map((r) => r.code), ['of.tomorrow']);
	assert.equal(facts.at(-1).state, 'open');
});
