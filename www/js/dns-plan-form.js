// The plan as a form has it and as the API has it. Pure.

// What each kind of provider asks for; `place`: what the token is good for, so that another place asks for it anew.
export const providers = {
	cloudflare: { fields: ['zone'], port: 443, tls: true },
	pfsense: { fields: ['host', 'port', 'tls', 'zone', 'name', 'ip'], port: 443, tls: true },
	rfc2136: { fields: ['host', 'port', 'zone', 'key', 'algorithm'], port: 53, tls: false },
};

const words = (s) => s.split(/[\s,;]+/).filter(Boolean);

export function formOf(plan) {
	const p = plan?.provider;
	return { mx: plan?.mx?.length ? plan.mx.map((m) => ({ preference: String(m.preference), host: m.host ?? '' })) : [{ preference: '10', host: '' }],
		ttl: String(plan?.ttl ?? 300), low_ttl: String(plan?.low_ttl ?? 300), previous_ttl: plan?.previous_ttl ? String(plan.previous_ttl) : '',
		selectors: (plan?.selectors ?? []).join(' '), kind: p?.kind ?? '', host: p?.host ?? '', port: p?.port ? String(p.port) : '', tls: p?.tls ?? true,
		zone: p?.zone ?? '', key: p?.kind === 'rfc2136' ? p.key ?? '' : '', algorithm: p?.algorithm ?? 'hmac-sha256', name: p?.name ?? '', ip: (p?.ip ?? []).join(' '), secret: '' };
}

const numberOf = (s) => (/^\s*\d+\s*$/.test(s) ? Number(s) : s);

export function bodyOf(f) {
	const mx = f.mx.filter((m) => m.host.trim()).map((m) => ({ preference: numberOf(m.preference), host: m.host.trim().replace(/\.$/, '') }));
	const body = { ...(mx.length && { mx }), ttl: numberOf(f.ttl), low_ttl: numberOf(f.low_ttl), previous_ttl: f.previous_ttl.trim() ? numberOf(f.previous_ttl) : 0, selectors: words(f.selectors) };
	if (!f.kind) return body;
	const has = (name) => providers[f.kind].fields.includes(name);
	const provider = { kind: f.kind };
	for (const name of ['host', 'zone', 'key', 'name']) if (has(name) && f[name].trim()) provider[name] = f[name].trim();
	if (has('port') && f.port.trim()) provider.port = numberOf(f.port);
	if (has('tls')) provider.tls = f.tls;
	if (has('algorithm')) provider.algorithm = f.algorithm;
	if (has('ip')) provider.ip = words(f.ip);
	if (f.secret) provider.secret = f.secret;
	return { ...body, provider };
}

// Another place makes the stored token worthless.
export const moved = (f, plan) => f.kind !== (plan?.provider?.kind ?? '') || JSON.stringify({ ...bodyOf(f).provider, secret: 0, zone: 0, name: 0, ip: 0 }) !==
	JSON.stringify({ ...bodyOf(formOf(plan)).provider, secret: 0, zone: 0, name: 0, ip: 0 });
