// Where a domain's mail is, going by what its name servers say. A guess, worth a look: preflight proves it. Pure.
const known = [
	{ provider: 'microsoft', host: 'outlook.office365.com', is: (name) => /(^|\.)(mail\.protection\.outlook\.com|mx\.microsoft|autodiscover\.outlook\.com)$/.test(name) },
	{ provider: 'google', host: 'imap.gmail.com', is: (name) => /(^|\.)(google|googlemail)\.com$/.test(name) },
];

// Mail filters that stand before somebody else's mail server: their name says nothing about it.
const filters = /(^|\.)(pphosted\.com|mimecast\.(com|co\.za)|messagelabs\.com|barracudanetworks\.com|iphmx\.com|antispamcloud\.com|mailcontrol\.com)$/;

// seen: what a reading of the domain saw (servers with mx, autodiscover, autoconfig).
function namesOf(seen) {
	const mx = new Map(), others = new Set();
	for (const s of seen?.servers ?? []) {
		for (const value of s.mx?.values ?? []) {
			const [preference, host] = value.split(' ');
			if (host && host !== '.') mx.set(host.toLowerCase(), Number(preference));
		}
		for (const key of ['autodiscover', 'autoconfig']) if (s[key]?.cname) others.add(s[key].cname.toLowerCase().replace(/\.$/, ''));
	}
	return { mx: [...mx].sort((a, b) => a[1] - b[1]).map(([host]) => host), others: [...others] };
}

// What the domain's owner publishes, or its provider does: an encrypted server with its port.
function publishedOf(seen) {
	return (seen?.mail ?? []).map(({ how, where, host, port, tls }) => ({ provider: known.find((k) => k.host === host)?.provider ?? 'other',
		host, port, tls, how, because: where }));
}

// [{provider, host, port, tls, how, because}], the likeliest first. how: srv, autoconfig, ispdb, mx (published), or name (guessed
// from names); because: what tells it.
export function guessServers(domain, seen) {
	const { mx, others } = namesOf(seen), found = publishedOf(seen);
	const add = (provider, host, because) => found.some((g) => g.host === host) || found.push({ provider, host, port: 993, tls: 'tls', how: 'name', because });
	for (const name of [...mx, ...others]) {
		const k = known.find((one) => one.is(name));
		if (k) add(k.provider, k.host, name);
	}
	if (found.length) return found;
	for (const host of mx) if (!filters.test(host)) add('dovecot', host, host);
	if (mx.length || others.length) add('other', 'mail.' + domain, domain);
	return found;
}
