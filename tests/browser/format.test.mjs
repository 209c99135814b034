// Numbers that tell the truth in both languages.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, duration, percent, percentText, ratio } from '../../www/js/format.js';
import { choose, language, needWords, setLanguage, t, word } from '../../www/js/i18n.js';

const flat = (s) => s.replace(/[\u00a0\u202f]/g, ' ');

test('progress is rounded down and reaches 100 only at the end', () => {
	assert.equal(percent(0, 10), 0);
	assert.equal(percent(9999, 10000), 99);
	assert.equal(percent(999999999, 1000000000), 99);
	assert.equal(percent(10, 10), 100);
	assert.equal(percent(0, 0), null);
	assert.equal(percent(5, undefined), null);
});

test('a ratio is rounded down to two decimals', async () => {
	await setLanguage('en');
	assert.equal(ratio(0.99999), '99.99%');
	assert.equal(ratio(1), '100%');
	assert.equal(ratio(0.9991), '99.91%');
	assert.equal(ratio(0.57), '57.00%');
	assert.equal(ratio(null), '–');
});

test('each language writes in its own way', async () => {
	Object.defineProperty(globalThis, 'navigator', { value: { languages: ['pt'] }, configurable: true });
	await setLanguage('pt');
	assert.equal(flat(bytes(0)), '0 bytes'); // of Portugal: in Brazil nothing is singular
	assert.match(flat(ratio(0.9991)), /^99,91 ?%$/);
	assert.match(flat(bytes(1234567)), /^1,2 MB$/);
	assert.match(flat(percentText(50)), /^50 ?%$/);
	assert.equal(t('jobs.new'), 'Nova migração');
	await setLanguage('en');
	assert.equal(flat(bytes(1234567)), '1.2 MB');
	assert.equal(flat(bytes(1)), '1 byte');
	assert.equal(t('jobs.new'), 'New migration');
	assert.equal(language.get(), 'en');
});

test('durations stay short', async () => {
	await setLanguage('en');
	assert.equal(duration(5), '5 s');
	assert.equal(duration(90), '2 min');
	assert.equal(duration(3 * 3600 + 5 * 60), '3 h 05 min');
	assert.equal(duration(50 * 3600), '2 d 2 h');
	assert.equal(duration(null), '–');
});

test('plural forms and unknown words', async () => {
	await setLanguage('en');
	await needWords(['add']);
	assert.equal(t('add.done', { n: 1 }), '1 mailbox added.');
	assert.equal(t('add.done', { n: 1200 }), '1,200 mailboxes added.');
	assert.equal(word('status', 'brand_new'), 'brand_new');
	assert.equal(t('no.such.key'), 'no.such.key');
});

test('the language is the first one known', () => {
	assert.equal(choose(['fr-FR', 'pt-BR', 'en']), 'pt');
	assert.equal(choose(['fr']), 'en');
});
