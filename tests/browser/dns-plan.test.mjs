// The plan's form and the document of the API are each other's image.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf, formOf } from '../../www/js/dns-plan-form.js';

const plan = { mx: [{ preference: 10, host: 'mx.new.example' }], ttl: 300, low_ttl: 300, previous_ttl: 0, selectors: ['s1'],
	provider: { kind: 'rfc2136', host: '192.0.2.1', port: 53, tls: false, key: 'move', algorithm: 'hmac-sha256', zone: 'a.example', ip: [] } };

test('a plan comes back as it was, without the secret', () => {
	const { provider, ...rest } = bodyOf(formOf(plan));
	assert.deepEqual(rest, { mx: plan.mx, ttl: 300, low_ttl: 300, previous_ttl: 0, selectors: ['s1'] });
	assert.deepEqual(provider, { kind: 'rfc2136', host: '192.0.2.1', zone: 'a.example', key: 'move', port: 53, algorithm: 'hmac-sha256' });
});

test('an empty form asks for nothing', () => {
	assert.deepEqual(bodyOf(formOf(null)), { ttl: 300, low_ttl: 300, previous_ttl: 0, selectors: [] });
});

test('what a person typed wrong goes to the API as it is: it names the field', () => {
	const form = { ...formOf(plan), ttl: 'soon', mx: [{ preference: 'x', host: ' MX.new.example. ' }] };
	assert.equal(bodyOf(form).ttl, 'soon');
	assert.deepEqual(bodyOf(form).mx, [{ preference: 'x', host: 'MX.new.example' }]);
});
