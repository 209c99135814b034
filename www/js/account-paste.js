// From a list of a server's accounts, as people have it, to addresses: a CSV with any separator, with or without a
// head, `Name <a@b>`, or an address a line, as zmprov -l gaa prints it. Pure.
import { address, cells, separator } from './mailbox-paste.js';

const isAddress = (s) => /^[^\s@"]+@[^\s@"]+\.[^\s@"]+$/.test(s);

// {accounts: [address], wrong: [{line, text}]}: rows without an address are named, the head's is not.
export function accountsOf(text) {
	const clean = text.replace(/^\ufeff/, '');
	const rows = cells(clean, separator(clean));
	const accounts = new Map(), wrong = [];
	const column = rows.length > 1 && !rows[0].some((f) => isAddress(address(f)))
		? rows[0].map((_, i) => rows.slice(1).filter((r) => isAddress(address(r[i] ?? ''))).length).reduce((best, n, i, all) => (n > all[best] ? i : best), 0) : -1;
	rows.forEach((fields, i) => {
		if (i === 0 && column >= 0) return;
		const found = column >= 0 ? [address(fields[column] ?? '')] : fields.map(address);
		const one = found.find(isAddress);
		if (one) accounts.set(one.toLowerCase(), one);
		else wrong.push({ line: i + 1, text: fields.join(' ').trim().slice(0, 120) });
	});
	return { accounts: [...accounts.values()], wrong };
}
