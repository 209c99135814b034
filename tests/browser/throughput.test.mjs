// The plot's samples: messages from totals, one nought at the end, nothing for what never moved.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noteThroughput, samplesOf } from '../../www/js/throughput-samples.js';

test('samples of a pass', () => {
	const note = (at, messagesDone, moving = true) => noteThroughput(7, { bytesPerSecond: 1000, messagesDone, moving }, at);
	note(0, 0, false);
	assert.deepEqual(samplesOf(7), []);
	note(1000, 10);
	note(1200, 11); // too soon
	note(3000, 50);
	note(4000, 5); // another pass: its total starts anew
	note(5000, 15);
	note(6000, 15, false);
	note(7000, 15, false);
	assert.deepEqual(samplesOf(7).map((s) => [s.at, s.bytes, s.messages]), [[1000, 1000, null], [3000, 1000, 20], [4000, 1000, null], [5000, 1000, 10], [6000, 0, 0]]);
});
