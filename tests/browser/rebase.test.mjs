// Two people at one thing: what was typed stays, what the other changed comes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rebase } from '../../www/js/rebase.js';

test('what was typed stays, what the other changed comes', () => {
	const was = { title: 'a', ticket: '1', source: { host: 'old', port: '993' } };
	const form = { title: 'a', ticket: '2', source: { host: 'old', port: '143' } };
	const now = { title: 'b', ticket: '3', source: { host: 'new', port: '993' } };
	assert.deepEqual(rebase(was, form, now), { title: 'b', ticket: '2', source: { host: 'new', port: '143' } });
	assert.deepEqual(rebase(was, was, now), now);
	assert.deepEqual(rebase({}, { secret: 'x' }, { secret: '' }), { secret: 'x' });
});
